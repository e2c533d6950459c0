//! `prometheus-client`: a `Family` with a struct of labels per request, from `from_fn`, as its examples show it.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware;
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::peer::{Peer, Running};

const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

pub fn peer() -> Peer {
    Peer { key: "prometheus-client", title: "prometheus-client 0.25 `Family`", attacked: true, start }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Labels {
    method: String,
    path: String,
    status: u16,
}

#[derive(Clone)]
struct Metrics {
    requests: Family<Labels, Counter>,
    duration: Family<Labels, Histogram>,
}

fn start() -> Running {
    let metrics =
        Metrics { requests: Family::default(), duration: Family::new_with_constructor(|| Histogram::new(BOUNDS)) };
    let mut registry = Registry::default();
    registry.register("http_requests", "Requests", metrics.requests.clone());
    registry.register("http_request_duration_seconds", "Duration", metrics.duration.clone());
    let registry = Arc::new(registry);
    Running::measuring(
        move |router| router.layer(middleware::from_fn_with_state(metrics.clone(), track)),
        "http_requests_total",
        move || {
            let mut text = String::new();
            encode(&mut text, &registry).expect("a scrape");
            text
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
    let labels = Labels { method, path, status: response.status().as_u16() };
    metrics.requests.get_or_create(&labels).inc();
    metrics.duration.get_or_create(&labels).observe(start.elapsed().as_secs_f64());
    response
}
