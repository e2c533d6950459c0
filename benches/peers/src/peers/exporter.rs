//! The one recorder of the `metrics` facade in this process, which two rows share under names of their own.

use std::sync::LazyLock;

use axum_prometheus::{AXUM_HTTP_REQUESTS_DURATION_SECONDS, utils};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// The duration of the row that is written by hand.
pub const DURATION: &str = "http_requests_duration_seconds";

/// The installed recorder's handle.
///
/// Without the task that calls `run_upkeep` every five seconds: the sending thread does that work after its requests,
/// so that it can be timed.
pub fn handle() -> PrometheusHandle {
    HANDLE.clone()
}

static HANDLE: LazyLock<PrometheusHandle> = LazyLock::new(|| {
    let buckets = |builder: PrometheusBuilder, name: &str| {
        builder
            .set_buckets_for_metric(Matcher::Full(name.to_owned()), utils::SECONDS_DURATION_BUCKETS)
            .expect("valid buckets")
    };
    buckets(buckets(PrometheusBuilder::new(), DURATION), AXUM_HTTP_REQUESTS_DURATION_SECONDS)
        .install_recorder()
        .expect("the only recorder of this process")
});
