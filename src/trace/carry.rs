//! Carrying the trace, the span and with it the request's id across `tokio::spawn`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tracing::Span;

use super::context::TraceContext;
use super::current;

/// Keeps a future in the trace and in the span of where this is called, wherever it is polled.
///
/// A task of its own knows nothing of the request that began it. With this its log lines have the request's id and its
/// trace, its spans are the request's, and what it sends out belongs to the trace.
///
/// ```
/// # async fn example() {
/// tokio::spawn(watchkeeper::trace::carry(async { tracing::info!("sending the receipt") }));
/// # }
/// ```
pub fn carry<F: Future>(future: F) -> Carry<F> {
    Carry { future, span: Span::current(), context: current::of_thread() }
}

pin_project! {
    /// The future that [`carry`] makes.
    #[derive(Debug)]
    #[must_use = "a future does nothing until it is polled"]
    pub struct Carry<F> {
        #[pin]
        future: F,
        span: Span,
        context: Option<TraceContext>,
    }
}

impl<F: Future> Future for Carry<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = this.span.enter();
        let _swapped = current::swap_in(this.context);
        this.future.poll(context)
    }
}
