//! Health: named checks, run side by side, each with a timeout and a result that is kept for a while.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use watchkeeper::health::{Check, Tcp};
//! use watchkeeper::{Watchkeeper, service_info};
//!
//! let watch = Watchkeeper::builder(service_info!())
//!     .check("payments", async || Ok::<(), std::io::Error>(()))
//!     .health_check(Check::new("mail", Tcp::new("127.0.0.1:9")).informational())
//!     .build()?;
//! let report = watch.health().report().await;
//! assert_eq!(report.status.as_str(), "degraded");
//! # Ok(())
//! # }
//! ```
//!
//! A check that fails, hangs or panics is down. Where a critical one is down the service is unhealthy, where only
//! informational ones are, it is degraded. Results are exported as `watchkeeper_health_check_up{check}`.

mod board;
mod check;
mod failure;
mod http;
#[cfg(feature = "postgres")]
mod postgres;
mod probe;
mod redis;
mod report;
mod sinks;
mod slot;
mod tcp;
mod url;

pub use board::Health;
pub use check::{Check, Importance};
pub use failure::Failure;
pub use http::HttpEndpoint;
#[cfg(feature = "postgres")]
pub use postgres::Postgres;
pub use probe::{Probe, ProbeFuture};
pub use redis::Redis;
pub use report::{CheckResult, Report, State, Status};
pub(crate) use sinks::checks_of_sinks;
pub use tcp::Tcp;
pub use url::InvalidUrl;
