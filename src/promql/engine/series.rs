//! A series: its labels and its points.

use super::label_set::LabelSet;

/// The bits of the NaN that says a series has ended: Prometheus' stale marker.
pub const STALE_MARKER: u64 = 0x7ff0_0000_0000_0002;

/// A series with points, in the order of time.
#[derive(Debug, Clone)]
pub struct Series {
    /// Its labels.
    pub labels: LabelSet,
    /// Its points: milliseconds since 1970, each later than the one before, and the value.
    pub points: Vec<(i64, f64)>,
}

/// Returns the value that says a series has ended.
#[must_use]
pub fn stale() -> f64 {
    f64::from_bits(STALE_MARKER)
}

/// Returns whether a value says that its series has ended.
#[must_use]
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_MARKER
}
