//! The future of one request.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use super::bodies::AnyBody;
#[cfg(feature = "axum")]
use super::bodies::AxumBody;
use super::body::MeteredBody;
use super::passage::Passage;

pin_project! {
    /// The future that [`HttpService`](super::HttpService) returns.
    pub struct HttpFuture<F, K> {
        #[pin]
        pub(super) inner: F,
        pub(super) passage: Passage,
        pub(super) bodies: PhantomData<fn() -> K>,
    }
}

impl<F, B, E> Future for HttpFuture<F, AnyBody>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<MeteredBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let polled = this.passage.run(|| this.inner.poll(context));
        let Poll::Ready(mut answer) = polled else { return Poll::Pending };
        let followed = this.passage.answer(&mut answer);
        Poll::Ready(answer.map(|response| response.map(|body| MeteredBody::response(body, followed))))
    }
}

#[cfg(feature = "axum")]
impl<F, E> Future for HttpFuture<F, AxumBody>
where
    F: Future<Output = Result<Response<axum::body::Body>, E>>,
{
    type Output = F::Output;

    // Compiled into axum's wrappers, it would move the answer twice more: 40 instructions.
    #[inline(never)]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut polled = this.passage.run(|| this.inner.poll(context));
        if let Poll::Ready(answer) = &mut polled
            && let Some(followed) = this.passage.answer(answer)
            && let Ok(response) = answer
        {
            let body = std::mem::take(response.body_mut());
            *response.body_mut() = axum::body::Body::new(MeteredBody::response(body, Some(followed)));
        }
        polled
    }
}

impl<F, K> fmt::Debug for HttpFuture<F, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpFuture").finish_non_exhaustive()
    }
}
