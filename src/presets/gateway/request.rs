//! One request through the gateway, from its arrival to its answer.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use ::http::StatusCode;

use super::super::http::{Method, Path, Status};
use super::{REQUEST_DURATION, REQUESTS, RESPONSE_BODY};
use crate::metric::{CounterFamily, HistogramFamily, Open, RegisterError, Registry, Tracked};
use crate::sanitise::MAX_LABEL_VALUE_BYTES;

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
    /// The routes that have a series of failures already, by method in the order of [`Method::ALL`].
    seen: [RwLock<HashSet<Box<str>>>; Method::ALL.len()],
}

/// Routes of a method whose failures are exported from zero; further ones are no routes of a gateway, but made up.
const MOST_ROUTES: usize = 1_000;

impl Answered {
    pub(super) fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            requests: registry.counter(&REQUESTS)?,
            duration: registry.histogram(&REQUEST_DURATION)?,
            response_body: registry.histogram(&RESPONSE_BODY)?,
            seen: Default::default(),
        })
    }

    /// Records a request; one that got no answer has no body to measure.
    pub(super) fn record(&self, method: Method, path: &str, status: StatusCode, time: Duration, body: Option<u64>) {
        if self.is_new(method, path) {
            // A share of failures is 0 before the first one, not unknown, and the first one counts as a rise.
            drop(self.requests.with((method, path, StatusCode::INTERNAL_SERVER_ERROR.as_str())));
        }
        self.requests.inc((method, path, status.as_str()));
        self.duration.observe_duration((method, path), time);
        if let Some(bytes) = body {
            self.response_body.observe((path,), bytes as f64);
        }
    }

    /// Tells whether a route is seen for the first time; in a flood of made-up ones each takes a read lock only.
    fn is_new(&self, method: Method, path: &str) -> bool {
        let seen = &self.seen[method as usize];
        {
            let seen = seen.read().unwrap_or_else(PoisonError::into_inner);
            if seen.len() >= MOST_ROUTES || path.len() > MAX_LABEL_VALUE_BYTES || seen.contains(path) {
                return false;
            }
        }
        seen.write().unwrap_or_else(PoisonError::into_inner).insert(path.into())
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
    fn failures_of_a_route_are_exported_from_zero_once_it_was_asked_for() {
        let presets = Presets::default();
        for _ in 0..2 {
            presets.gateway().record_request(Method::Post, "/orders", StatusCode::OK, Duration::ZERO, 0);
        }
        let scrape = scrape(&presets);
        let series: Vec<_> = scrape.lines().filter(|line| line.starts_with("gateway_requests_total{")).collect();
        assert_eq!(
            series,
            [
                "gateway_requests_total{method=\"POST\",path=\"/orders\",status=\"500\"} 0",
                "gateway_requests_total{method=\"POST\",path=\"/orders\",status=\"200\"} 2",
            ]
        );
    }

    #[test]
    fn a_flood_of_made_up_routes_is_remembered_no_further_than_routes_go() {
        let presets = Presets::default();
        let gateway = presets.gateway();
        for number in 0..2 * MOST_ROUTES {
            let path = format!("/{number}");
            gateway.record_request(Method::Get, &path, StatusCode::NOT_FOUND, Duration::ZERO, 0);
        }
        let seen = &gateway.answered.seen[Method::Get as usize];
        assert!(seen.read().unwrap().len() <= MOST_ROUTES);
        let total: u64 = scrape(&presets)
            .lines()
            .filter(|line| line.starts_with("gateway_requests_total{"))
            .map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap())
            .sum();
        assert_eq!(total, 2 * MOST_ROUTES as u64, "sums stay right");
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
