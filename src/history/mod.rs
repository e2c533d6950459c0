//! The history: what the metrics were, kept in memory, so that a question about the past has an answer without a
//! Prometheus server.
//!
//! ```
//! use watchkeeper::history::HistoryOptions;
//! use watchkeeper::{Timestamp, Watchkeeper, service_info};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let watch = Watchkeeper::builder(service_info!()).history(HistoryOptions::new()).build()?;
//! let history = watch.history().expect("it was asked for");
//! let busy = history.query("sum(rate(http_requests_total[5m]))", Timestamp::now()).await?;
//! # drop(busy);
//! # Ok(())
//! # }
//! ```
//!
//! Every metric of the registry is sampled every 15 s, as a scrape would show it, on a thread of the history's own. What it
//! may hold is bounded in series, bytes and time, and what finds no room is counted. Expressions are evaluated over that and
//! over the samples of the store, a few at a time, each within limits and on another thread than the caller's.

mod bits;
mod chunk;
mod error;
mod handle;
mod head;
mod held;
mod names;
mod options;
mod queries;
mod rounds;
mod sampler;
mod source;
mod target;
#[cfg(test)]
mod tests;
mod wait;

pub use error::HistoryError;
pub use handle::{History, HistoryStats};
pub use options::HistoryOptions;
pub use source::HistorySource;
