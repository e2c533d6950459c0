//! The layer for clients that are tower services: each request carries the trace on.

use std::task::{Context, Poll};

use http::Request;
use tower::{Layer, Service};

/// Writes the current trace into every request of a client, as [`inject`](super::inject) does.
///
/// ```
/// use tower::ServiceBuilder;
/// use watchkeeper::trace::InjectLayer;
///
/// # async fn send(_: http::Request<()>) -> Result<http::Response<()>, std::convert::Infallible> { unreachable!() }
/// # let client = tower::service_fn(send);
/// let client = ServiceBuilder::new().layer(InjectLayer::new()).service(client);
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct InjectLayer;

impl InjectLayer {
    /// Makes the layer.
    pub const fn new() -> Self {
        Self
    }
}

impl<S> Layer<S> for InjectLayer {
    type Service = Inject<S>;

    fn layer(&self, inner: S) -> Inject<S> {
        Inject { inner }
    }
}

/// A client with [`InjectLayer`] around it.
#[derive(Debug, Clone)]
pub struct Inject<S> {
    inner: S,
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for Inject<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        super::inject(request.headers_mut());
        self.inner.call(request)
    }
}
