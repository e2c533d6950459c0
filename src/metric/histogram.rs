//! Histograms: distributions over buckets, and timers that feed them.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cell::{add_capped, add_to};
use super::exemplar::{self, TraceId};
use super::family::Family;
use super::label::LabelSet;
use super::series::Spot;

/// A histogram with its labels still to be given; made by [`Registry::histogram`](super::Registry::histogram).
pub struct HistogramFamily<L = ()> {
    pub(crate) core: Arc<Family>,
    labels: PhantomData<fn() -> L>,
}

impl<L: LabelSet> HistogramFamily<L> {
    pub(crate) fn new(core: Arc<Family>) -> Self {
        Self { core, labels: PhantomData }
    }

    /// Returns the histogram of these labels, to keep where the same labels come again and again.
    pub fn with(&self, labels: L::Values<'_>) -> Histogram {
        Histogram { spot: L::with_parts(labels, |parts| self.core.locate(parts)), core: Arc::clone(&self.core) }
    }

    /// Observes a time, in a histogram of seconds.
    pub fn observe_duration(&self, labels: L::Values<'_>, time: Duration) {
        if let Some(spot) = L::with_parts(labels, |parts| self.core.locate(parts)) {
            self.core.observe(spot, self.core.duration_ticks(time), None);
        }
    }

    /// Observes a value in the histogram's unit; one that is negative, infinite, not a number or above 2⁶⁴ is ignored,
    /// and counted in [`INVALID_OBSERVATIONS`](super::INVALID_OBSERVATIONS).
    pub fn observe(&self, labels: L::Values<'_>, value: f64) {
        let Some(ticks) = self.core.value_ticks(value) else { return self.core.count_invalid() };
        if let Some(spot) = L::with_parts(labels, |parts| self.core.locate(parts)) {
            self.core.observe(spot, ticks, None);
        }
    }

    /// Starts a timer that observes when it is dropped.
    pub fn start_timer(&self, labels: L::Values<'_>) -> Timer {
        self.with(labels).start_timer()
    }
}

/// One histogram.
#[derive(Clone)]
pub struct Histogram {
    core: Arc<Family>,
    spot: Option<Spot>,
}

impl Histogram {
    /// Observes a time, in a histogram of seconds.
    pub fn observe_duration(&self, time: Duration) {
        self.observe_ticks(self.core.duration_ticks(time), None);
    }

    /// Observes a time and offers the trace it was measured in as the bucket's exemplar.
    pub fn observe_duration_in(&self, time: Duration, trace: TraceId) {
        self.observe_ticks(self.core.duration_ticks(time), Some((trace, Instant::now())));
    }

    /// Observes a value in the histogram's unit; one that is negative, infinite, not a number or above 2⁶⁴ is ignored,
    /// and counted in [`INVALID_OBSERVATIONS`](super::INVALID_OBSERVATIONS).
    pub fn observe(&self, value: f64) {
        match self.core.value_ticks(value) {
            Some(ticks) => self.observe_ticks(ticks, None),
            None => self.core.count_invalid(),
        }
    }

    /// Starts a timer that observes when it is dropped.
    pub fn start_timer(&self) -> Timer {
        Timer { histogram: Some(self.clone()), start: Instant::now() }
    }

    /// Returns how many observations there were, over all threads.
    pub fn count(&self) -> u64 {
        let mut buckets = vec![0; self.core.bounds.len() + 1];
        if let Some(spot) = self.spot {
            self.core.cells.sum_run(spot.at, &mut buckets);
        }
        buckets.iter().sum()
    }

    fn observe_ticks(&self, ticks: u64, trace: Option<(TraceId, Instant)>) {
        if let Some(spot) = self.spot {
            self.core.observe(spot, ticks, trace);
        }
    }
}

impl Family {
    /// Observes a value, and offers the trace it was measured in as the bucket's exemplar.
    pub(crate) fn observe(&self, spot: Spot, ticks: u64, trace: Option<(TraceId, Instant)>) {
        let bucket = self.bucket(ticks);
        let (chunk, shared) = self.cells.open(spot.at);
        let cells = &chunk[spot.at.offset()..];
        add_to(&cells[bucket], 1, shared);
        add_capped(&cells[self.bounds.len() + 1], ticks, shared);
        if let Some(trace) = trace.filter(|_| !shared) {
            self.offer(spot, bucket, ticks, trace);
        }
    }

    /// Counts one observation that is no amount.
    #[cold]
    pub(crate) fn count_invalid(&self) {
        if let Some(at) = self.losses.invalid {
            self.cells.add(at, 1);
        }
    }

    /// Offers a trace as a bucket's exemplar. Only for a thread with a shard of its own: a slot has one writer.
    pub(crate) fn offer(&self, spot: Spot, bucket: usize, ticks: u64, (trace, now): (TraceId, Instant)) {
        if let Some(slots) = spot.exemplars {
            let slot = slots.plus(bucket * exemplar::SLOT);
            let (chunk, _) = self.cells.open(slot);
            exemplar::offer(&chunk[slot.offset()..][..exemplar::SLOT], trace, ticks, now);
        }
    }

    /// Returns the index of the bucket that takes a value: bounds are inclusive, above all of them is the last.
    #[inline]
    pub(crate) fn bucket(&self, ticks: u64) -> usize {
        self.bounds.iter().position(|&bound| ticks <= bound).unwrap_or(self.bounds.len())
    }

    fn duration_ticks(&self, time: Duration) -> u64 {
        match self.shape.unit.ticks() {
            1 => time.as_secs(),
            _ => u64::try_from(time.as_nanos()).unwrap_or(u64::MAX),
        }
    }

    fn value_ticks(&self, value: f64) -> Option<u64> {
        // Billionths are rounded as the bounds are; whole units never fall below a bound they are above.
        let ticks = match self.shape.unit.ticks() {
            1 => value.ceil(),
            ticks => (value * ticks as f64).round(),
        };
        // Nothing but a number of ticks that a cell can hold; NaN is neither.
        (value >= 0.0 && ticks < u64::MAX as f64).then_some(ticks as u64)
    }
}

/// Measures from its start until it is dropped, on return, error, panic and cancellation alike.
#[must_use = "dropping the timer ends the measurement"]
pub struct Timer {
    histogram: Option<Histogram>,
    start: Instant,
}

impl Timer {
    /// Ends the measurement now, and returns it.
    pub fn stop(mut self) -> Duration {
        let time = self.start.elapsed();
        if let Some(histogram) = self.histogram.take() {
            histogram.observe_duration(time);
        }
        time
    }

    /// Ends the timer without observing.
    pub fn discard(mut self) {
        self.histogram = None;
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(histogram) = self.histogram.take() {
            histogram.observe_duration(self.start.elapsed());
        }
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("start", &self.start).finish_non_exhaustive()
    }
}

super::handle_debug!(HistogramFamily, Histogram);
