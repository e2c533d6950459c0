//! The heads of requests and answers, from the `http` crate's release that Actix Web has to the one that the rest has.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::ServiceRequest;
use actix_web::http::header as theirs;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};

use crate::http::template::Template;

/// What is known of a body's size; it stands for the body, which stays where it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size(pub(super) Option<u64>);

impl Size {
    pub(super) const fn of(size: BodySize) -> Self {
        match size {
            BodySize::None => Self(Some(0)),
            BodySize::Sized(bytes) => Self(Some(bytes)),
            BodySize::Stream => Self(None),
        }
    }
}

impl Body for Size {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.0 == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Copies the head of a request, with the template of its route beside it where the app's router has one.
pub(super) fn of_request(request: &ServiceRequest, size: Size) -> Request<Size> {
    let mut head = Request::new(size);
    if let Ok(method) = http::Method::from_bytes(request.method().as_str().as_bytes()) {
        *head.method_mut() = method;
    }
    if let Ok(uri) = request.uri().to_string().parse() {
        *head.uri_mut() = uri;
    }
    *head.version_mut() = match request.version() {
        actix_web::http::Version::HTTP_09 => http::Version::HTTP_09,
        actix_web::http::Version::HTTP_10 => http::Version::HTTP_10,
        actix_web::http::Version::HTTP_2 => http::Version::HTTP_2,
        actix_web::http::Version::HTTP_3 => http::Version::HTTP_3,
        _ => http::Version::HTTP_11,
    };
    *head.headers_mut() = headers(request.headers());
    if let Some(template) = request.match_pattern() {
        head.extensions_mut().insert(Template(template));
    }
    head
}

/// Copies the head of an answer.
pub(super) fn of_response<B: MessageBody>(response: &HttpResponse<B>) -> Response<Size> {
    let mut head = Response::new(Size::of(response.body().size()));
    *head.status_mut() = StatusCode::from_u16(response.status().as_u16()).unwrap_or(StatusCode::OK);
    *head.headers_mut() = headers(response.headers());
    head
}

/// Copies headers.
pub(super) fn headers(headers: &theirs::HeaderMap) -> HeaderMap {
    let mut copied = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_str().as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            let _ = copied.try_append(name, value);
        }
    }
    copied
}

/// Adds the headers that an answer does not have yet.
pub(super) fn add(headers: &mut theirs::HeaderMap, from: &HeaderMap) {
    for (name, value) in from {
        if !headers.contains_key(name.as_str()) {
            append(headers, name, value);
        }
    }
}

/// Makes an answer of Actix Web's.
pub(super) fn answer(response: Response<Bytes>) -> HttpResponse {
    let (head, body) = response.into_parts();
    let status = actix_web::http::StatusCode::from_u16(head.status.as_u16()).unwrap_or_default();
    let mut answer = HttpResponse::with_body(status, body).map_into_boxed_body();
    head.headers.iter().for_each(|(name, value)| append(answer.headers_mut(), name, value));
    answer
}

fn append(headers: &mut theirs::HeaderMap, name: &HeaderName, value: &HeaderValue) {
    let name = theirs::HeaderName::from_bytes(name.as_str().as_bytes());
    if let (Ok(name), Ok(value)) = (name, theirs::HeaderValue::from_bytes(value.as_bytes())) {
        headers.append(name, value);
    }
}
