//! `axum-prometheus` with its default metrics, over the `metrics` facade and its Prometheus exporter.

use axum_prometheus::PrometheusMetricLayerBuilder;

use super::exporter;
use crate::peer::{Peer, Running};

pub fn peer() -> Peer {
    Peer { key: "axum-prometheus", title: "axum-prometheus 0.10", attacked: true, start }
}

fn start() -> Running {
    // The same as `PrometheusMetricLayer::pair()`, but for its task.
    let (layer, handle) = PrometheusMetricLayerBuilder::new().with_metrics_from_fn(exporter::handle).build_pair();
    let upkeep = handle.clone();
    Running::measuring(move |router| router.layer(layer.clone()), "axum_http_requests_total", move || handle.render())
        .deferring(move || upkeep.run_upkeep())
}
