//! The future of one request.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

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
        inner: F,
        visit: Option<Visit>,
        scope: Option<Box<Scope>>,
        bodies: std::marker::PhantomData<fn() -> K>,
    }
}

impl<F, K> HttpFuture<F, K> {
    pub(super) const fn new(inner: F, visit: Option<Visit>, scope: Option<Box<Scope>>) -> Self {
        Self { inner, visit, scope, bodies: std::marker::PhantomData }
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
        let polled = match this.scope.as_ref() {
            Some(scope) => {
                let _entered = scope.enter();
                this.inner.poll(context)
            }
            None => this.inner.poll(context),
        };
        if let Some(visit) = this.visit.as_mut() {
            visit.pause();
        }
        Poll::Ready(match ready!(polled) {
            Ok(mut response) => {
                if let Some(scope) = this.scope.as_ref() {
                    scope.answer(response.headers_mut());
                }
                // A visit that is not followed has ended where it is, and is not moved.
                match this.visit.take_if(|visit| visit.answer(&response)) {
                    Some(visit) => Ok(K::meter_response(response, sealed::Response(visit, this.scope.take()))),
                    None => Ok(K::pass_response(response)),
                }
            }
            Err(error) => {
                if let Some(visit) = this.visit.as_mut() {
                    visit.fail();
                }
                Err(error)
            }
        })
    }
}

impl<F, K> fmt::Debug for HttpFuture<F, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpFuture").finish_non_exhaustive()
    }
}
