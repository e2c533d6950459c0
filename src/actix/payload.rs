//! The body of a request: its size where it is known, or a count of it as it is read.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpMessage;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::Bytes;
use futures_core::Stream;

use super::head::Size;
use crate::http::RequestMeter;

/// Returns what is known of the size of a request's body.
pub(super) fn size_of(request: &mut ServiceRequest) -> Size {
    // What follows an upgrade is the app's connection and no body.
    let empty = request.head().upgrade() || matches!(request.parts_mut().1, Payload::None);
    let length = || request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
    Size(if empty { Some(0) } else { length() })
}

/// Lets a request's body be counted as it is read.
#[cold]
pub(super) fn follow(request: &mut ServiceRequest, meter: RequestMeter) {
    let inner = request.take_payload();
    request.set_payload(Payload::Stream { payload: Box::pin(Counted { inner, meter }) });
}

/// A request's body, counted.
struct Counted {
    inner: Payload,
    meter: RequestMeter,
}

impl Stream for Counted {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut self.inner).poll_next(context);
        if let Poll::Ready(Some(Ok(data))) = &polled {
            self.meter.count(data.len() as u64);
        }
        polled
    }
}
