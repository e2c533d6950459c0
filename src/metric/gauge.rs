//! Gauges: values that are set.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::cell::{CellIndex, Cells};
use super::family::Family;
use super::label::LabelSet;
use super::sync::AtomicU64;

/// A gauge with its labels still to be given; made by [`Registry::gauge`](super::Registry::gauge).
pub struct GaugeFamily<L = ()> {
    pub(crate) core: Arc<Family>,
    labels: PhantomData<fn() -> L>,
}

impl<L: LabelSet> GaugeFamily<L> {
    pub(crate) fn new(core: Arc<Family>) -> Self {
        Self { core, labels: PhantomData }
    }

    /// Returns the gauge of these labels, to keep where the same labels come again and again.
    pub fn with(&self, labels: L::Values<'_>) -> Gauge {
        let at = L::with_parts(labels, |parts| self.core.locate(parts)).map(|spot| spot.at);
        Gauge { cells: Arc::clone(&self.core.cells), at }
    }

    /// Sets the value.
    pub fn set(&self, labels: L::Values<'_>, value: f64) {
        if let Some(spot) = L::with_parts(labels, |parts| self.core.locate(parts)) {
            self.core.cells.shared(spot.at).store(value.to_bits(), Relaxed);
        }
    }
}

/// One gauge. It is one number for all threads, so that the last value set is the one that stands.
#[derive(Clone)]
pub struct Gauge {
    cells: Arc<Cells>,
    at: Option<CellIndex>,
}

impl Gauge {
    /// Sets the value.
    pub fn set(&self, value: f64) {
        if let Some(cell) = self.cell() {
            cell.store(value.to_bits(), Relaxed);
        }
    }

    /// Adds to the value; a negative number takes from it.
    pub fn add(&self, by: f64) {
        if let Some(cell) = self.cell() {
            // The closure always answers Some, so this ends when the exchange does.
            let _ = cell.fetch_update(Relaxed, Relaxed, |bits| Some((f64::from_bits(bits) + by).to_bits()));
        }
    }

    /// Returns the value.
    pub fn value(&self) -> f64 {
        self.cell().map_or(0.0, |cell| f64::from_bits(cell.load(Relaxed)))
    }

    fn cell(&self) -> Option<&AtomicU64> {
        self.at.map(|at| self.cells.shared(at))
    }
}

super::handle_debug!(GaugeFamily, Gauge);
