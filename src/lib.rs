//! Watchkeeper: metrics, JSON logs and request ids for a Rust service, in one crate.
//!
//! ```no_run
//! # #[cfg(feature = "axum")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use axum::{Router, routing::get};
//! use watchkeeper::{Watchkeeper, service_info};
//!
//! let watch = Watchkeeper::builder(service_info!()).build()?;
//! let app = Router::new()
//!     .route("/", get(|| async { "hello" }))
//!     .merge(watch.routes()) // /metrics
//!     .layer(watch.http_layer()); // last, so that unmatched requests are seen too
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! axum::serve(listener, app).await?;
//! # Ok(())
//! # }
//! ```
//!
//! - [`metric`]: declare a metric once, as a constant, and count in it without a lock.
//! - [`presets`]: the metrics that services have in common, ready made.
//! - [`queue`]: how much may wait for a sink, and the account of what became of it.
//! - [`http`]: the layer that records every request.
//! - [`telemetry`]: JSON log lines by one call.
//! - [`trace`]: the trace that a request belongs to, carried on to what it calls.
//! - [`promql`]: queries built from the same constants, and PromQL evaluated in the process.
//! - [`event`], [`sample`]: what a service tells of itself.
//! - [`incident`], [`rule`], [`alert`]: what went wrong, and how that is found.
//! - [`store`]: where that is kept, and the law that every store keeps.
//! - [`health`]: checks of what the service depends on.
//! - [`desk`]: where incidents are opened, worked and looked back on.
//! - [`journal`]: how it gets there without the app noticing.
//! - `history` (feature `alerting`): what the metrics were, asked in PromQL, without a Prometheus server.
//! - `alerting`, with the feature of that name: rules evaluated in the process, and Alertmanager both ways.
//! - [`tasks`]: named jobs, such as retention, run by one of all instances.
//! - [`stack`]: documents rendered from the catalogue.
//! - [`api`]: what is answered over HTTP: the scrape, the health, the monitoring API.
//! - `actix`: the same for an Actix Web `App`.
#![forbid(unsafe_code)]

#[cfg(feature = "actix")]
pub mod actix;
pub mod alert;
#[cfg(feature = "alerting")]
pub mod alerting;
pub mod api;
pub mod audit;
pub mod desk;
pub mod environment;
pub mod event;
pub mod health;
mod heap;
mod hex;
#[cfg(feature = "alerting")]
pub mod history;
pub mod http;
mod id;
pub mod incident;
pub mod journal;
pub mod metric;
mod named;
pub mod presets;
pub mod promql;
pub mod queue;
pub mod rule;
pub mod sample;
pub mod sanitise;
pub mod service;
mod shutdown;
#[cfg(any(feature = "alerting", feature = "webhook"))]
mod signature;
pub mod stack;
pub mod store;
pub mod tasks;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
mod timestamp;
pub mod trace;
mod watched;
mod watchkeeper;

pub use id::{Id, InvalidId};
pub use named::UnknownName;
pub use service::ServiceInfo;
pub use telemetry::{Telemetry, TelemetryHandle};
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use watched::Watched;
pub use watchkeeper::{Watchkeeper, WatchkeeperBuilder};

/// The code of the README and the guide, compiled and run with the tests of the documentation.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../README.md")]
    mod readme {}
    #[cfg(feature = "api")]
    #[doc = include_str!("../docs/guide/api.md")]
    mod api {}
    #[cfg(feature = "alerting")]
    #[doc = include_str!("../docs/guide/alerts.md")]
    mod alerts {}
    #[doc = include_str!("../docs/guide/dashboards.md")]
    mod dashboards {}
    #[cfg(feature = "sentry")]
    #[doc = include_str!("../docs/guide/errors.md")]
    mod errors {}
    #[doc = include_str!("../docs/guide/events.md")]
    mod events {}
    #[doc = include_str!("../docs/guide/first-steps.md")]
    mod first_steps {}
    #[doc = include_str!("../docs/guide/health.md")]
    mod health {}
    #[doc = include_str!("../docs/guide/http.md")]
    mod http {}
    #[doc = include_str!("../docs/guide/incidents.md")]
    mod incidents {}
    #[doc = include_str!("../docs/guide/logging.md")]
    mod logging {}
    #[doc = include_str!("../docs/guide/metrics.md")]
    mod metrics {}
    #[doc = include_str!("../docs/guide/own-metrics.md")]
    mod own_metrics {}
    #[doc = include_str!("../docs/guide/traces.md")]
    mod traces {}
    #[doc = include_str!("../docs/guide/rules.md")]
    mod rules {}
    #[doc = include_str!("../docs/guide/own-stores.md")]
    mod own_stores {}
    #[doc = include_str!("../docs/guide/recording.md")]
    mod recording {}
    #[doc = include_str!("../docs/guide/postgres.md")]
    mod postgres {}
    #[doc = include_str!("../docs/guide/tasks.md")]
    mod tasks {}
    #[cfg(feature = "alerting")]
    #[doc = include_str!("../docs/guide/without-prometheus.md")]
    mod without_prometheus {}
    #[doc = include_str!("../docs/guide/stack.md")]
    mod stack {}
    #[doc = include_str!("../docs/operations/monitoring-the-monitor.md")]
    mod monitoring_the_monitor {}
}
