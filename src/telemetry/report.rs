//! What closing came to.

use std::fmt;

use crate::presets::monitoring::Sink;

/// Tells what was left when telemetry was closed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use = "it tells what did not arrive"]
#[non_exhaustive]
pub struct CloseReport {
    /// One entry for each sink, the log last.
    pub sinks: Vec<SinkReport>,
}

/// Tells what was left in one sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkReport {
    /// The sink.
    pub sink: Sink,
    /// How many items were waiting and are lost.
    pub left: u64,
    /// Whether the sink ended within the deadline.
    pub ended: bool,
}

impl CloseReport {
    /// Tells whether everything arrived, as far as the sinks know.
    pub fn is_complete(&self) -> bool {
        self.sinks.iter().all(|sink| sink.left == 0 && sink.ended)
    }

    /// Returns how many items were left in a sink; 0 where there is no such sink.
    pub fn left(&self, sink: Sink) -> u64 {
        self.sinks.iter().filter(|report| report.sink == sink).map(|report| report.left).sum()
    }
}

impl fmt::Display for CloseReport {
    /// Lists what was left, such as `errors: 3 left; traces: 512 left, still busy`; nothing left is `nothing was left`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for SinkReport { sink, left, ended } in self.sinks.iter().filter(|sink| sink.left > 0 || !sink.ended) {
            write!(f, "{separator}{}: {left} left{}", sink.as_str(), if *ended { "" } else { ", still busy" })?;
            separator = "; ";
        }
        if separator.is_empty() { f.write_str("nothing was left") } else { Ok(()) }
    }
}
