//! The service that records what passes through it.

use std::fmt;
use std::marker::PhantomData;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower::Service;

use super::bodies::AnyBody;
#[cfg(feature = "axum")]
use super::bodies::AxumBody;
use super::body::MeteredBody;
use super::future::HttpFuture;
use super::options::ScopeOptions;
use super::passage::Passage;
#[cfg(feature = "axum")]
use super::request_meter::RequestMeter;

/// A service with [`HttpLayer`](super::HttpLayer) around it.
///
/// Cloning it costs what cloning the inner service costs: it holds its layer's number, not a shared pointer.
pub struct HttpService<S, K> {
    inner: S,
    layer: u32,
    scope: Option<ScopeOptions>,
    bodies: PhantomData<fn() -> K>,
}

impl<S, K> HttpService<S, K> {
    pub(super) const fn new(inner: S, layer: u32, scope: Option<ScopeOptions>) -> Self {
        Self { inner, layer, scope, bodies: PhantomData }
    }
}

impl<S, B, C> Service<Request<B>> for HttpService<S, AnyBody>
where
    S: Service<Request<MeteredBody<B>>, Response = Response<C>>,
    B: Body,
    C: Body,
{
    type Response = Response<MeteredBody<C>>;
    type Error = S::Error;
    type Future = HttpFuture<S::Future, AnyBody>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    #[inline]
    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let (mut passage, meter) = Passage::begin(self.layer, self.scope, &mut request);
        let request = request.map(|body| MeteredBody::request(body, meter));
        let inner = passage.run(|| self.inner.call(request));
        HttpFuture { inner, passage, bodies: PhantomData }
    }
}

/// Requests and answers are large and pass through many hands in axum, so here they are not taken apart: a body that
/// is followed is replaced where it is.
#[cfg(feature = "axum")]
impl<S> Service<Request<axum::body::Body>> for HttpService<S, AxumBody>
where
    S: Service<Request<axum::body::Body>, Response = Response<axum::body::Body>>,
{
    type Response = Response<axum::body::Body>;
    type Error = S::Error;
    type Future = HttpFuture<S::Future, AxumBody>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    // Compiled into axum's wrappers, it would copy the request and the future once more: 93 instructions.
    #[inline(never)]
    fn call(&mut self, mut request: Request<axum::body::Body>) -> Self::Future {
        let (passage, meter) = Passage::begin(self.layer, self.scope, &mut request);
        if let Some(meter) = meter {
            follow(&mut request, meter);
        }
        // No handler runs yet, so the scope is not entered: axum's services do their work when they are polled.
        HttpFuture { inner: self.inner.call(request), passage, bodies: PhantomData }
    }
}

/// Follows a request's body whose size is only known at its end.
#[cfg(feature = "axum")]
#[cold]
fn follow(request: &mut Request<axum::body::Body>, meter: RequestMeter) {
    let body = std::mem::take(request.body_mut());
    *request.body_mut() = axum::body::Body::new(MeteredBody::request(body, Some(meter)));
}

impl<S: Clone, K> Clone for HttpService<S, K> {
    #[inline]
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.layer, self.scope)
    }
}

impl<S: fmt::Debug, K> fmt::Debug for HttpService<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpService").field("inner", &self.inner).finish_non_exhaustive()
    }
}
