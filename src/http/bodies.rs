//! How bodies are followed: wrapped in a type of ours, or boxed into the one that axum has anyway.

use std::task::Poll;

use http::{Request, Response};
use http_body::Body;

use super::body::MeteredBody;
use super::scope::Scope;
use super::visit::{RequestMeter, Visit};

/// Chooses the types that the wrapped service sees. Sealed: [`AnyBody`] and [`AxumBody`] are all there are.
pub trait Bodies<B>: sealed::Sealed {
    /// The body that takes the place of `B`.
    type Metered;
    #[doc(hidden)]
    fn pass_request(request: Request<B>) -> Request<Self::Metered>;
    #[doc(hidden)]
    fn pass_answer<E>(answer: Poll<Result<Response<B>, E>>) -> Poll<Result<Response<Self::Metered>, E>>;
    #[doc(hidden)]
    fn meter_request(request: Request<B>, meter: sealed::Request) -> Request<Self::Metered>;
    #[doc(hidden)]
    fn meter_response(response: Response<B>, visit: sealed::Response) -> Response<Self::Metered>;
}

pub(super) mod sealed {
    use super::{RequestMeter, Scope, Visit};

    pub trait Sealed {}
    #[expect(missing_debug_implementations, reason = "nobody outside can name it")]
    pub struct Request(pub(in crate::http) RequestMeter);
    #[expect(missing_debug_implementations, reason = "nobody outside can name it")]
    pub struct Response(pub(in crate::http) Visit, pub(in crate::http) Option<Box<Scope>>);
}

/// Wraps any body, request and response alike, as [`MeteredBody`]. Nothing is allocated for it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct AnyBody;

impl sealed::Sealed for AnyBody {}

impl<B: Body> Bodies<B> for AnyBody {
    type Metered = MeteredBody<B>;
    fn pass_request(request: Request<B>) -> Request<Self::Metered> {
        request.map(MeteredBody::unmetered)
    }
    fn pass_answer<E>(answer: Poll<Result<Response<B>, E>>) -> Poll<Result<Response<Self::Metered>, E>> {
        answer.map_ok(|response| response.map(MeteredBody::unmetered))
    }
    fn meter_request(request: Request<B>, meter: sealed::Request) -> Request<Self::Metered> {
        request.map(|body| MeteredBody::request(body, meter.0))
    }
    fn meter_response(response: Response<B>, visit: sealed::Response) -> Response<Self::Metered> {
        MeteredBody::response(response, visit.0, visit.1)
    }
}

/// Keeps axum's own body type: one of known size passes as it is, a stream is boxed once more.
#[cfg(feature = "axum")]
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct AxumBody;

#[cfg(feature = "axum")]
impl sealed::Sealed for AxumBody {}

#[cfg(feature = "axum")]
impl Bodies<axum::body::Body> for AxumBody {
    type Metered = axum::body::Body;
    #[inline]
    fn pass_request(request: Request<axum::body::Body>) -> Request<Self::Metered> {
        request
    }
    #[inline]
    fn pass_answer<E>(answer: Poll<Result<Response<axum::body::Body>, E>>) -> Poll<Result<Response<Self::Metered>, E>> {
        answer
    }
    fn meter_request(request: Request<axum::body::Body>, meter: sealed::Request) -> Request<Self::Metered> {
        request.map(|body| axum::body::Body::new(MeteredBody::request(body, meter.0)))
    }
    fn meter_response(response: Response<axum::body::Body>, visit: sealed::Response) -> Response<Self::Metered> {
        MeteredBody::response(response, visit.0, visit.1).map(axum::body::Body::new)
    }
}
