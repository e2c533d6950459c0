//! Losses: what a metric could not record as it was given, and the counters that say so.

use super::cell::CellIndex;
use super::descriptor::CounterDesc;
use super::label::Open;

crate::open_label! {
    /// The metric that could not record something as it was given.
    pub struct MetricName: "metric";
}

/// Counts how often a label value found no room and went to `overflow`, by metric.
pub const LABEL_OVERFLOW: CounterDesc<(Open<MetricName>,)> = CounterDesc::new(
    "watchkeeper_label_overflow_total",
    "Records that went to the value overflow because a label or a metric was at its cap, by metric.",
);

/// Counts observations that are no amount, by histogram: negative, infinite, not a number, or beyond what a cell holds.
pub const INVALID_OBSERVATIONS: CounterDesc<(Open<MetricName>,)> = CounterDesc::new(
    "watchkeeper_invalid_observations_total",
    "Observations that were ignored because they were negative, infinite, not a number or too large, by metric.",
);

/// The cells that count what a family could not record as it was given.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Losses {
    /// Records that went to the overflow.
    pub(crate) overflow: Option<CellIndex>,
    /// Observations that are no amount.
    pub(crate) invalid: Option<CellIndex>,
}
