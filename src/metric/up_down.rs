//! Numbers of things under way, which guards raise and lower.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::cell::{CellIndex, Cells};
use super::family::Family;
use super::label::LabelSet;

/// A number of things under way with its labels still to be given; made by
/// [`Registry::up_down`](super::Registry::up_down).
pub struct UpDownFamily<L = ()> {
    pub(crate) core: Arc<Family>,
    labels: PhantomData<fn() -> L>,
}

impl<L: LabelSet> UpDownFamily<L> {
    pub(crate) fn new(core: Arc<Family>) -> Self {
        Self { core, labels: PhantomData }
    }

    /// Returns the number of these labels, to keep where the same labels come again and again.
    pub fn with(&self, labels: L::Values<'_>) -> UpDown {
        let at = L::with_parts(labels, |parts| self.core.locate(parts)).map(|spot| spot.at);
        UpDown { cells: Arc::clone(&self.core.cells), at }
    }

    /// Counts one thing until the guard is dropped.
    pub fn track(&self, labels: L::Values<'_>) -> Tracked {
        self.with(labels).track()
    }
}

/// One number of things under way. A scrape never shows it below zero.
#[derive(Clone)]
pub struct UpDown {
    cells: Arc<Cells>,
    at: Option<CellIndex>,
}

impl UpDown {
    /// Counts one thing until the guard is dropped, on return, error, panic and cancellation alike.
    pub fn track(&self) -> Tracked {
        self.add(1);
        Tracked { number: self.clone() }
    }

    /// Raises the number by one; [`track`](Self::track) also lowers it again.
    pub fn inc(&self) {
        self.add(1);
    }

    /// Lowers the number by one.
    pub fn dec(&self) {
        self.add(-1);
    }

    /// Adds to the number; a negative one takes from it.
    pub fn add(&self, by: i64) {
        if let Some(at) = self.at {
            self.cells.add(at, by as u64);
        }
    }

    /// Returns the number, over all threads.
    pub fn value(&self) -> u64 {
        self.at.map_or(0, |at| (self.cells.sum(at) as i64).max(0) as u64)
    }
}

/// Keeps one thing counted as under way; dropping it ends that.
#[must_use = "dropping the guard ends what it counts"]
pub struct Tracked {
    number: UpDown,
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.number.dec();
    }
}

impl fmt::Debug for Tracked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracked").finish_non_exhaustive()
    }
}

super::handle_debug!(UpDownFamily, UpDown);
