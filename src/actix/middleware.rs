//! The middleware that is put around an `App`, and the service that it makes.

use std::fmt;
use std::future::{Ready, ready};

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::{Error, HttpMessage};

use super::body::FollowedBody;
use super::future::Answering;
use super::{head, payload};
use crate::http::{AnyBody, HttpLayer, RequestId};

/// Records every request that passes: metrics, request id, trace, and the span its log lines stand in.
///
/// `App::wrap` puts it around all routes, and what is wrapped last stands outside of what was wrapped before: so it is
/// wrapped last. The choices of [`HttpLayerBuilder`](crate::http::HttpLayerBuilder) hold here too; what a function of the
/// app's own is shown is a copy of the head, with nothing beside it.
#[derive(Debug, Clone)]
pub struct Middleware {
    layer: HttpLayer<AnyBody>,
}

impl Middleware {
    /// Takes what [`Watchkeeper::tower_layer`](crate::Watchkeeper::tower_layer) returns, or any other layer.
    pub const fn new(layer: HttpLayer<AnyBody>) -> Self {
        Self { layer }
    }
}

impl<S, B> Transform<S, ServiceRequest> for Middleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<FollowedBody<B>>;
    type Error = Error;
    type Transform = Watched<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(Watched { inner: service, layer: self.layer.clone() }))
    }
}

/// A service with the [`Middleware`] around it.
pub struct Watched<S> {
    inner: S,
    layer: HttpLayer<AnyBody>,
}

impl<S, B> Service<ServiceRequest> for Watched<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<FollowedBody<B>>;
    type Error = Error;
    type Future = Answering<S::Future>;

    actix_web::dev::forward_ready!(inner);

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let size = payload::size_of(&mut request);
        let mut head = head::of_request(&request, size);
        let (mut passage, meter) = self.layer.begin(&mut head);
        if let Some(id) = head.extensions_mut().remove::<RequestId>() {
            request.extensions_mut().insert(id);
        }
        if let Some(meter) = meter {
            payload::follow(&mut request, meter);
        }
        let inner = passage.run(|| self.inner.call(request));
        Answering::new(inner, passage)
    }
}

impl<S: fmt::Debug> fmt::Debug for Watched<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("inner", &self.inner).finish_non_exhaustive()
    }
}
