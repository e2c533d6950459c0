//! The future of one request.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use super::bodies::{Bodies, sealed};
use super::scope::Scope;
use super::visit::Visit;

pin_project! {
    /// The future that [`HttpService`](super::HttpService) returns.
    pub struct HttpFuture<F, K> {
        #[pin]
        pub(super) inner: F,
        pub(super) visit: Option<Visit>,
        pub(super) scope: Option<Box<Scope>>,
        pub(super) bodies: PhantomData<fn() -> K>,
    }
}

impl<F, K, B, E> Future for HttpFuture<F, K>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    K: Bodies<B>,
{
    type Output = Result<Response<K::Metered>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(visit) = this.visit.as_mut() {
            visit.run();
        }
        let mut polled = match this.scope.as_ref() {
            Some(scope) => {
                let _entered = scope.enter();
                this.inner.poll(context)
            }
            None => this.inner.poll(context),
        };
        if let Some(visit) = this.visit.as_mut() {
            visit.pause();
        }
        let followed = match &mut polled {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(response)) => {
                if let Some(scope) = this.scope.as_ref() {
                    scope.answer(response.headers_mut());
                }
                this.visit.as_mut().is_some_and(|visit| visit.answer(response))
            }
            Poll::Ready(Err(_)) => {
                if let Some(visit) = this.visit.as_mut() {
                    visit.fail();
                }
                false
            }
        };
        // Answers are large and pass many hands: one that is not followed is not taken apart.
        if !followed {
            return K::pass_answer(polled);
        }
        match (polled, this.visit.take()) {
            (Poll::Ready(Ok(response)), Some(visit)) => {
                Poll::Ready(Ok(K::meter_response(response, sealed::Response(visit, this.scope.take()))))
            }
            (polled, _) => K::pass_answer(polled),
        }
    }
}

impl<F, K> fmt::Debug for HttpFuture<F, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpFuture").finish_non_exhaustive()
    }
}
