//! The `metrics` facade by hand: `from_fn`, its macros with labels per request, and the Prometheus exporter.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware;
use axum::middleware::Next;
use axum::response::Response;

use super::exporter;
use crate::peer::{Peer, Running};

pub fn peer() -> Peer {
    Peer { key: "metrics", title: "`metrics` 0.24 and its exporter 0.18, by hand", attacked: true, start }
}

fn start() -> Running {
    let handle = exporter::handle();
    let upkeep = handle.clone();
    Running::measuring(
        |router| router.layer(middleware::from_fn(track)),
        "http_requests_total",
        move || handle.render(),
    )
    .deferring(move || upkeep.run_upkeep())
}

async fn track(request: Request, next: Next) -> Response {
    let start = Instant::now();
    let path = match request.extensions().get::<MatchedPath>() {
        Some(matched) => matched.as_str().to_owned(),
        None => request.uri().path().to_owned(),
    };
    let method = request.method().to_string();
    let response = next.run(request).await;
    let seconds = start.elapsed().as_secs_f64();
    let status = response.status().as_u16().to_string();
    let labels = [("method", method), ("path", path), ("status", status)];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!(exporter::DURATION, &labels).record(seconds);
    response
}
