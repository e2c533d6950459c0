//! The rows beside ours, one file each.

pub mod axum_prometheus;
pub mod bare;
mod exporter;
pub mod ideal;
pub mod ideal_same;
pub mod measured;
pub mod metrics_by_hand;
pub mod noop;
#[cfg(feature = "all-peers")]
pub mod opentelemetry;
pub mod prometheus_careful;
pub mod prometheus_client;
#[cfg(feature = "all-peers")]
pub mod sentry;
mod timed;
pub mod trace;
pub mod tutorial;
