//! The history of a watch, and what is chosen about it.

use super::{Watchkeeper, WatchkeeperBuilder};
use crate::history::{History, HistoryOptions};
use crate::presets::monitoring::{DropReason, MonitoringMetrics, Sink};

impl Watchkeeper {
    /// Returns the history, to ask it what the metrics were; none where the builder was not told to keep one.
    pub fn history(&self) -> Option<&History> {
        self.inner.history.as_ref()
    }
}

impl WatchkeeperBuilder {
    /// Keeps what the metrics were, so that questions about the past have an answer without a Prometheus server.
    /// Default: nothing is kept.
    pub fn history(mut self, options: HistoryOptions) -> Self {
        self.history = Some(options);
        self
    }
}

/// Says what a history could not keep, in the metrics that tell of every sink.
pub(super) fn count_dropped(history: &History, metrics: &MonitoringMetrics, registry: &crate::metric::Registry) {
    let (dropped, metrics) = (history.dropped(), metrics.clone());
    registry.on_scrape(move || {
        if let Some(total) = dropped() {
            metrics.record_dropped_so_far(Sink::History, DropReason::Full, total);
        }
    });
}
