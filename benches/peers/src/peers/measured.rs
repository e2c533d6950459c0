//! `measured` in a careful tower layer: closed labels for method and status, interned paths.

use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use lasso::ThreadedRodeo;
use measured::metric::histogram::Thresholds;
use measured::text::BufferedTextEncoder;
use measured::{CounterVec, FixedCardinalityLabel, HistogramVec, LabelGroup, MetricGroup};

use super::timed::{Record, Timed, pattern};
use crate::peer::{Peer, Running};

const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

pub fn peer() -> Peer {
    Peer { key: "measured", title: "measured 0.0.25", attacked: false, start }
}

#[derive(FixedCardinalityLabel, Clone, Copy)]
#[label(rename_all = "SHOUTY_SNAKE_CASE")]
enum Verb {
    Get,
    Post,
    Other,
}

#[derive(FixedCardinalityLabel, Clone, Copy)]
enum Status {
    #[label(rename = "200")]
    Ok,
    #[label(rename = "404")]
    NotFound,
    #[label(rename = "405")]
    MethodNotAllowed,
    Other,
}

#[derive(LabelGroup)]
#[label(set = LabelSet)]
struct Labels<'a> {
    method: Verb,
    #[label(dynamic_with = ThreadedRodeo, default)]
    path: &'a str,
    status: Status,
}

#[derive(MetricGroup)]
#[metric(new())]
struct Metrics {
    /// Requests.
    #[metric(rename = "http_requests_total", label_set = LabelSet::new())]
    requests: CounterVec<LabelSet>,
    /// Duration.
    #[metric(
        rename = "http_request_duration_seconds",
        label_set = LabelSet::new(),
        metadata = Thresholds::with_buckets(BOUNDS)
    )]
    duration: HistogramVec<LabelSet, 11>,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);
static ENCODER: LazyLock<Mutex<BufferedTextEncoder>> = LazyLock::new(Mutex::default);

fn start() -> Running {
    let metrics: &'static Metrics = &METRICS;
    Running::measuring(
        move |router| router.layer(Timed(metrics)),
        "http_requests_total",
        move || {
            let mut encoder = ENCODER.lock().unwrap_or_else(PoisonError::into_inner);
            let Ok(()) = metrics.collect_group_into(&mut *encoder);
            String::from_utf8(encoder.finish().into()).expect("a scrape in UTF-8")
        },
    )
}

impl Record for &'static Metrics {
    type Begun = (Instant, Verb, Option<MatchedPath>);

    fn begin(self, request: &Request) -> Self::Begun {
        let method = match request.method().as_str() {
            "GET" => Verb::Get,
            "POST" => Verb::Post,
            _ => Verb::Other,
        };
        (Instant::now(), method, request.extensions().get::<MatchedPath>().cloned())
    }

    fn end(self, (start, method, path): Self::Begun, response: &Response) {
        let seconds = start.elapsed().as_secs_f64();
        let status = match response.status().as_u16() {
            200 => Status::Ok,
            404 => Status::NotFound,
            405 => Status::MethodNotAllowed,
            _ => Status::Other,
        };
        let path = pattern(path.as_ref());
        self.requests.inc(Labels { method, path, status });
        self.duration.observe(Labels { method, path, status }, seconds);
    }
}
