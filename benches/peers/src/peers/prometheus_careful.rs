//! `prometheus` used with care: a tower layer, and either a label lookup with borrowed strings or no lookup at all.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry, TextEncoder};

use super::timed::{Record, Timed, known, pattern};
use crate::peer::{Peer, Running};

const COUNTER: &str = "http_requests_total";

pub fn peers() -> [Peer; 2] {
    [
        Peer {
            key: "handles",
            title: "`prometheus` 0.14, handles resolved beforehand",
            attacked: false,
            start: || {
                let registry = Registry::new();
                start(Box::leak(Box::new(Handles::new(&registry))) as &Handles, registry)
            },
        },
        Peer {
            key: "careful",
            title: "`prometheus` 0.14, careful tower layer with `with_label_values`",
            attacked: false,
            start: || {
                let registry = Registry::new();
                start(Box::leak(Box::new(Vectors::new(&registry))) as &Vectors, registry)
            },
        },
    ]
}

fn start(record: impl Record<Begun: Send> + Send + Sync + 'static, registry: Registry) -> Running {
    Running::measuring(
        move |router| router.layer(Timed(record)),
        COUNTER,
        move || TextEncoder::new().encode_to_string(&registry.gather()).expect("a scrape"),
    )
}

/// A counter for each class of status and one histogram: what is left of `prometheus` when nothing is looked up.
struct Handles {
    requests: [IntCounter; 6],
    duration: Histogram,
}

impl Handles {
    fn new(registry: &Registry) -> Self {
        let requests = IntCounterVec::new(Opts::new(COUNTER, "Requests"), &["status"]).expect("a valid counter");
        let duration = Histogram::with_opts(HistogramOpts::new("http_request_duration_seconds", "Duration"));
        let duration = duration.expect("a valid histogram");
        registry.register(Box::new(requests.clone())).expect("a new name");
        registry.register(Box::new(duration.clone())).expect("a new name");
        let requests = ["other", "1xx", "2xx", "3xx", "4xx", "5xx"].map(|class| requests.with_label_values(&[class]));
        Self { requests, duration }
    }
}

impl Record for &'static Handles {
    type Begun = Instant;

    fn begin(self, _: &Request) -> Instant {
        Instant::now()
    }

    fn end(self, begun: Instant, response: &Response) {
        let class = usize::from(response.status().as_u16() / 100);
        self.requests[if class < 6 { class } else { 0 }].inc();
        self.duration.observe(begun.elapsed().as_secs_f64());
    }
}

/// The tutorials' labels, looked up by borrowed strings.
struct Vectors {
    requests: IntCounterVec,
    duration: HistogramVec,
}

impl Vectors {
    fn new(registry: &Registry) -> Self {
        let labels = ["method", "path", "status"];
        let requests = IntCounterVec::new(Opts::new(COUNTER, "Requests"), &labels).expect("a valid counter");
        let duration = HistogramVec::new(HistogramOpts::new("http_request_duration_seconds", "Duration"), &labels);
        let duration = duration.expect("a valid histogram");
        registry.register(Box::new(requests.clone())).expect("a new name");
        registry.register(Box::new(duration.clone())).expect("a new name");
        Self { requests, duration }
    }
}

impl Record for &'static Vectors {
    type Begun = (Instant, &'static str, Option<MatchedPath>);

    fn begin(self, request: &Request) -> Self::Begun {
        (Instant::now(), known(request.method()), request.extensions().get::<MatchedPath>().cloned())
    }

    fn end(self, (start, method, path): Self::Begun, response: &Response) {
        let seconds = start.elapsed().as_secs_f64();
        let status = response.status();
        let labels = [method, pattern(path.as_ref()), status.as_str()];
        self.requests.with_label_values(&labels).inc();
        self.duration.with_label_values(&labels).observe(seconds);
    }
}
