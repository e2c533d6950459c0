//! Metrics by hand with `prometheus`, as tutorials show it: `from_fn`, owned strings, a label lookup per request.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware;
use axum::middleware::Next;
use axum::response::Response;
use prometheus::{
    CounterVec, Encoder, HistogramOpts, HistogramVec, Opts, Registry, TextEncoder, register_counter_vec_with_registry,
    register_histogram_vec_with_registry,
};

use crate::peer::{Peer, Running};

pub fn peer() -> Peer {
    Peer { key: "tutorial", title: "`prometheus` 0.14, as tutorials show it", attacked: true, start }
}

#[derive(Clone)]
struct Metrics {
    requests: CounterVec,
    duration: HistogramVec,
}

fn start() -> Running {
    let registry = Registry::new();
    let requests = register_counter_vec_with_registry!(
        Opts::new("http_requests_total", "Total number of HTTP requests"),
        &["method", "path", "status"],
        registry
    )
    .expect("a valid counter");
    let duration = register_histogram_vec_with_registry!(
        HistogramOpts::new("http_request_duration_seconds", "HTTP request duration in seconds"),
        &["method", "path", "status"],
        registry
    )
    .expect("a valid histogram");
    let metrics = Metrics { requests, duration };
    Running::measuring(
        move |router| router.layer(middleware::from_fn_with_state(metrics.clone(), track)),
        "http_requests_total",
        move || {
            let mut text = Vec::new();
            TextEncoder::new().encode(&registry.gather(), &mut text).expect("a scrape");
            String::from_utf8(text).expect("a scrape in UTF-8")
        },
    )
}

async fn track(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let path = match request.extensions().get::<MatchedPath>() {
        Some(matched) => matched.as_str().to_owned(),
        None => request.uri().path().to_owned(),
    };
    let method = request.method().to_string();
    let response = next.run(request).await;
    let seconds = start.elapsed().as_secs_f64();
    let status = response.status().as_u16().to_string();
    metrics.requests.with_label_values(&[&method, &path, &status]).inc();
    metrics.duration.with_label_values(&[&method, &path, &status]).observe(seconds);
    response
}
