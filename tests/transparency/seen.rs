//! What a caller sees of an answer: each poll, each frame, and every hint between them.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Version};
use http_body::Body as _;
use tower::ServiceExt;

use crate::service::HANDLERS_OWN_ID;
use crate::stack::Boxed;

/// An answer, or what came instead.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// How often the call was not ready.
    pub waits: usize,
    pub head: Option<(StatusCode, Version)>,
    /// In their order.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Vec<Moment>,
    pub error: Option<String>,
}

/// What a poll of the body comes to.
#[derive(Debug, PartialEq, Eq)]
pub enum Moment {
    /// What the body says of itself: lower and upper bound of its size, and whether it is at its end.
    Hint(u64, Option<u64>, bool),
    Pending,
    Data(Bytes),
    Trailers(HeaderMap),
    Error(String),
    End,
}

impl Seen {
    /// Calls a service and polls until the end, with every poll written down.
    pub fn of(service: Boxed, request: Request<Body>) -> Self {
        let mut seen = Self::default();
        let context = &mut Context::from_waker(Waker::noop());
        let mut call = Box::pin(service.oneshot(request));
        let answer = loop {
            match call.as_mut().poll(context) {
                Poll::Ready(answer) => break answer,
                Poll::Pending => seen.waits += 1,
            }
            assert!(seen.waits < 1_000, "the call never ends");
        };
        let mut body = match answer {
            Err(error) => {
                seen.error = Some(error.to_string());
                return seen;
            }
            Ok(answer) => {
                let (head, body) = answer.into_parts();
                seen.answered(head);
                body
            }
        };
        while !matches!(seen.body.last(), Some(Moment::End | Moment::Error(_))) {
            let hint = body.size_hint();
            seen.body.push(Moment::Hint(hint.lower(), hint.upper(), body.is_end_stream()));
            seen.body.push(match Pin::new(&mut body).poll_frame(context) {
                Poll::Pending => Moment::Pending,
                Poll::Ready(None) => Moment::End,
                Poll::Ready(Some(Err(error))) => Moment::Error(error.to_string()),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => Moment::Data(data),
                    Err(frame) => Moment::Trailers(frame.into_trailers().expect("there are no other frames")),
                },
            });
            assert!(seen.body.len() < 1_000, "the body never ends");
        }
        seen
    }

    /// Takes down an answer's head.
    pub fn answered(&mut self, head: http::response::Parts) {
        self.head = Some((head.status, head.version));
        self.headers = head.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    }

    pub fn is_answer(&self) -> bool {
        self.head.is_some()
    }

    /// Takes out the request ids that the layer gave, and says how many there were. The id of the trace goes too.
    pub fn take_request_ids(&mut self) -> usize {
        let with_traces = self.headers.len();
        self.headers.retain(|(name, _)| name != "x-trace-id");
        assert!(with_traces - self.headers.len() <= 1);
        let before = self.headers.len();
        self.headers.retain(|(name, value)| name != "x-request-id" || value == HANDLERS_OWN_ID);
        before - self.headers.len()
    }
}
