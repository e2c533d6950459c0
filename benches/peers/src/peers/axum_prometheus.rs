//! `axum-prometheus` with its default metrics, over the `metrics` facade and its Prometheus exporter.

use axum_prometheus::{AXUM_HTTP_REQUESTS_DURATION_SECONDS, PrometheusMetricLayerBuilder, utils};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

use crate::peer::{Peer, Running};

pub fn peer() -> Peer {
    Peer { key: "axum-prometheus", title: "axum-prometheus 0.10", attacked: true, start }
}

fn start() -> Running {
    // The same as `PrometheusMetricLayer::pair()`, but for its task that calls `run_upkeep` every five seconds: here the
    // sending thread does that work after its requests, so that it can be timed.
    let (layer, handle) = PrometheusMetricLayerBuilder::new()
        .with_metrics_from_fn(|| {
            PrometheusBuilder::new()
                .set_buckets_for_metric(
                    Matcher::Full(AXUM_HTTP_REQUESTS_DURATION_SECONDS.to_owned()),
                    utils::SECONDS_DURATION_BUCKETS,
                )
                .expect("valid buckets")
                .install_recorder()
                .expect("the only recorder of this process")
        })
        .build_pair();
    let upkeep = handle.clone();
    Running::measuring(move |router| router.layer(layer.clone()), "axum_http_requests_total", move || handle.render())
        .deferring(move || upkeep.run_upkeep())
}
