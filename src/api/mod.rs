//! The doors: what is answered over HTTP.
//!
//! Nothing here listens by itself. The app mounts [`routes`](crate::Watchkeeper::routes), or opens a port with
//! [`serve_metrics`](crate::Watchkeeper::serve_metrics).

mod encoding;
mod health;
#[cfg(feature = "api")]
pub mod monitoring;
mod scraper;
#[cfg(feature = "axum")]
mod server;
mod token;
#[cfg(all(feature = "alerting", feature = "axum"))]
mod webhooks;

pub use health::HealthAnswers;
pub use scraper::Scraper;
#[cfg(feature = "axum")]
pub use server::{ListenOn, MetricsServer};
#[cfg(all(feature = "alerting", feature = "axum"))]
pub(crate) use webhooks::router as webhooks;
