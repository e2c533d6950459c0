//! Counters: totals that only rise.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::cell::{CellIndex, Cells};
use super::family::Family;
use super::label::LabelSet;

/// A counter with its labels still to be given; made by [`Registry::counter`](super::Registry::counter).
pub struct CounterFamily<L = ()> {
    pub(crate) core: Arc<Family>,
    labels: PhantomData<fn() -> L>,
}

impl<L: LabelSet> CounterFamily<L> {
    pub(crate) fn new(core: Arc<Family>) -> Self {
        Self { core, labels: PhantomData }
    }

    /// Returns the counter of these labels, to keep where the same labels come again and again.
    pub fn with(&self, labels: L::Values<'_>) -> Counter {
        let at = L::with_parts(labels, |parts| self.core.locate(parts)).map(|spot| spot.at);
        Counter { cells: Arc::clone(&self.core.cells), at, ticks: self.core.shape.unit.ticks() }
    }

    /// Adds one.
    pub fn inc(&self, labels: L::Values<'_>) {
        self.add(labels, 1);
    }

    /// Adds `by` whole units.
    pub fn add(&self, labels: L::Values<'_>, by: u64) {
        self.add_ticks(labels, by.saturating_mul(self.core.shape.unit.ticks()));
    }

    /// Adds a time to a counter in seconds, to the nanosecond; to any other, its whole seconds.
    pub fn add_duration(&self, labels: L::Values<'_>, by: Duration) {
        self.add_ticks(labels, duration_ticks(by, self.core.shape.unit.ticks()));
    }

    fn add_ticks(&self, labels: L::Values<'_>, ticks: u64) {
        if let Some(spot) = L::with_parts(labels, |parts| self.core.locate(parts)) {
            self.core.cells.add_capped(spot.at, ticks);
        }
    }
}

/// One counter.
#[derive(Clone)]
pub struct Counter {
    cells: Arc<Cells>,
    at: Option<CellIndex>,
    ticks: u64,
}

impl Counter {
    /// Adds one.
    pub fn inc(&self) {
        self.add(1);
    }

    /// Adds `by` whole units.
    pub fn add(&self, by: u64) {
        self.add_ticks(by.saturating_mul(self.ticks));
    }

    /// Adds a time to a counter in seconds, to the nanosecond; to any other, its whole seconds.
    pub fn add_duration(&self, by: Duration) {
        self.add_ticks(duration_ticks(by, self.ticks));
    }

    /// Raises the counter to a total that something else keeps, in whole units; a lower total changes nothing.
    ///
    /// A counter is either raised or added to, never both.
    pub fn raise_to(&self, total: u64) {
        self.raise_to_ticks(total.saturating_mul(self.ticks));
    }

    /// Raises a counter in seconds to a total that something else keeps; a lower total changes nothing.
    pub fn raise_to_duration(&self, total: Duration) {
        self.raise_to_ticks(duration_ticks(total, self.ticks));
    }

    /// Returns the total so far, over all threads.
    pub fn value(&self) -> f64 {
        self.at.map_or(0.0, |at| self.cells.sum_capped(at) as f64 / self.ticks as f64)
    }

    fn add_ticks(&self, ticks: u64) {
        if let Some(at) = self.at {
            self.cells.add_capped(at, ticks);
        }
    }

    fn raise_to_ticks(&self, ticks: u64) {
        if let Some(at) = self.at {
            self.cells.shared(at).fetch_max(ticks, Relaxed);
        }
    }
}

fn duration_ticks(time: Duration, ticks: u64) -> u64 {
    if ticks == 1 { time.as_secs() } else { u64::try_from(time.as_nanos()).unwrap_or(u64::MAX) }
}

super::handle_debug!(CounterFamily, Counter);
