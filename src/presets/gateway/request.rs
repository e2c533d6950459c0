//! One request through the gateway, from its arrival to its answer.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::http::StatusCode;

use super::super::http::{Method, Path, Status};
use super::{REQUEST_DURATION, REQUESTS, RESPONSE_BODY};
use crate::metric::{CounterFamily, HistogramFamily, Open, RegisterError, Registry, Tracked};

/// One request through the gateway. Dropped before [`finish`](Self::finish) it counts with status 499, as if the client
/// had left; in a panic with 500.
#[must_use = "dropping the guard ends the request"]
pub struct GatewayRequest {
    answered: Arc<Answered>,
    method: Method,
    path: Box<str>,
    started: Instant,
    answer: Option<(StatusCode, u64)>,
    _in_flight: Tracked,
}

impl GatewayRequest {
    pub(super) fn start(answered: Arc<Answered>, method: Method, path: Box<str>, in_flight: Tracked) -> Self {
        Self { answered, method, path, started: Instant::now(), answer: None, _in_flight: in_flight }
    }

    /// Ends the request with its status and the size of the response body in bytes.
    pub fn finish(mut self, status: StatusCode, body_bytes: u64) {
        self.answer = Some((status, body_bytes));
    }
}

impl Drop for GatewayRequest {
    fn drop(&mut self) {
        let (status, body_bytes) = match self.answer {
            Some((status, body_bytes)) => (status, Some(body_bytes)),
            None if std::thread::panicking() => (StatusCode::INTERNAL_SERVER_ERROR, None),
            None => (StatusCode::from_u16(499).unwrap_or(StatusCode::REQUEST_TIMEOUT), None),
        };
        self.answered.record(self.method, &self.path, status, self.started.elapsed(), body_bytes);
    }
}

impl fmt::Debug for GatewayRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayRequest").field("method", &self.method).field("path", &self.path).finish_non_exhaustive()
    }
}

/// What is recorded of every request that has ended.
#[derive(Debug)]
pub(super) struct Answered {
    requests: CounterFamily<(Method, Open<Path>, Open<Status>)>,
    duration: HistogramFamily<(Method, Open<Path>)>,
    response_body: HistogramFamily<(Open<Path>,)>,
}

impl Answered {
    pub(super) fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            requests: registry.counter(&REQUESTS)?,
            duration: registry.histogram(&REQUEST_DURATION)?,
            response_body: registry.histogram(&RESPONSE_BODY)?,
        })
    }

    /// Records a request; one that got no answer has no body to measure.
    pub(super) fn record(&self, method: Method, path: &str, status: StatusCode, time: Duration, body: Option<u64>) {
        self.requests.inc((method, path, status.as_str()));
        self.duration.observe_duration((method, path), time);
        if let Some(bytes) = body {
            self.response_body.observe((path,), bytes as f64);
        }
    }
}
