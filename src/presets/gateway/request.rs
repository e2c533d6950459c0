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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Format;
    use crate::presets::Presets;

    fn scrape(presets: &Presets) -> String {
        presets.registry().render(Format::Text)
    }

    #[test]
    fn a_request_is_in_flight_until_it_is_answered() {
        let presets = Presets::default();
        let request = presets.gateway().start_request(Method::Get, "/orders/{id}");
        assert!(scrape(&presets).contains("gateway_requests_in_flight 1\n"));
        request.finish(StatusCode::NOT_FOUND, 250);
        let scrape = scrape(&presets);
        assert!(scrape.contains("gateway_requests_in_flight 0\n"), "{scrape}");
        let line = "gateway_requests_total{method=\"GET\",path=\"/orders/{id}\",status=\"404\"} 1\n";
        assert!(scrape.contains(line), "{scrape}");
        assert!(scrape.contains("gateway_response_body_bytes_sum{path=\"/orders/{id}\"} 250\n"), "{scrape}");
    }

    #[test]
    fn a_request_that_is_left_and_one_that_panics_are_told_apart() {
        let presets = Presets::default();
        drop(presets.gateway().start_request(Method::Get, "/left"));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _request = presets.gateway().start_request(Method::Get, "/panics");
            panic!("no route");
        }));
        assert!(panicked.is_err());
        let scrape = scrape(&presets);
        assert!(scrape.contains("path=\"/left\",status=\"499\"} 1\n"), "{scrape}");
        assert!(scrape.contains("path=\"/panics\",status=\"500\"} 1\n"), "{scrape}");
        assert!(scrape.contains("gateway_requests_in_flight 0\n"), "{scrape}");
        assert!(!scrape.contains("gateway_response_body_bytes_count"), "no answer has no size: {scrape}");
    }
}
