//! The history: what the metrics were, kept in memory, so that a question about the past has an answer without a
//! Prometheus server.

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
