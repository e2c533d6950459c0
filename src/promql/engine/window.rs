//! Points in a window of time, and how much a series changes in it.

use super::select::seconds;

/// The points of a series in a window of time; in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window<'a> {
    pub(super) points: &'a [(i64, f64)],
    pub(super) start: i64,
    pub(super) end: i64,
}

impl Window<'_> {
    pub(super) fn values(&self) -> impl Iterator<Item = f64> + Clone {
        self.points.iter().map(|point| point.1)
    }

    /// Returns by how much the values differ over the whole window, from at least two points.
    ///
    /// What the points cover is extended to the window's ends; where there is more than 1.1 of the mean distance to an
    /// end, the series is taken to begin or end there, by half a distance away from its points. A counter that falls
    /// has begun at 0 again, and is not extended to where it would be negative.
    pub(super) fn difference(&self, is_counter: bool, per_second: bool) -> Option<f64> {
        let [first, .., last] = self.points else { return None };
        let mut difference = last.1 - first.1;
        if is_counter {
            for pair in self.points.windows(2) {
                if pair[1].1 < pair[0].1 {
                    difference += pair[0].1;
                }
            }
        }
        let covered = seconds(last.0 - first.0);
        let distance = covered / (self.points.len() - 1) as f64;
        let reach = |gap: f64| if gap >= distance * 1.1 { distance / 2.0 } else { gap };
        let mut before = reach(seconds(first.0 - self.start));
        if is_counter && difference > 0.0 && first.1 >= 0.0 {
            before = before.min(covered * (first.1 / difference));
        }
        let after = reach(seconds(self.end - last.0));
        let mut factor = (covered + before + after) / covered;
        if per_second {
            factor /= seconds(self.end - self.start);
        }
        Some(difference * factor)
    }

    /// Returns by how much the last two values differ; per second, and with a counter's resets, if it is a rate.
    pub(super) fn last_difference(&self, is_rate: bool) -> Option<f64> {
        let [.., before, last] = self.points else { return None };
        let is_reset = is_rate && last.1 < before.1;
        let difference = if is_reset { last.1 } else { last.1 - before.1 };
        let passed = last.0 - before.0;
        if passed == 0 {
            return None;
        }
        Some(if is_rate { difference / seconds(passed) } else { difference })
    }
}
