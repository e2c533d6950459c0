//! What an evaluation has used up of its limits.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use super::{fault::EvaluationError, limits::Limits, source::SourceBounds};

/// How many small steps of work are done before the clock is looked at.
const WORK_PER_LOOK: usize = 4096;

/// What is left of an evaluation's limits.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) limits: Limits,
    deadline: Instant,
    work: Cell<usize>,
    held: Rc<Cell<usize>>,
}

/// Samples that are held; they are given back when it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    samples: usize,
    held: Rc<Cell<usize>>,
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Self {
        let now = Instant::now();
        let deadline = now.checked_add(limits.deadline).unwrap_or(now);
        Self { limits, deadline, work: Cell::new(0), held: Rc::default() }
    }

    /// Counts small steps of work, each of which takes at most about a microsecond.
    ///
    /// # Errors
    ///
    /// [`EvaluationError::Deadline`], once enough work is done to look at the clock again.
    pub(super) fn work(&self, steps: usize) -> Result<(), EvaluationError> {
        let work = self.work.get().saturating_add(steps);
        self.work.set(work);
        if work < WORK_PER_LOOK {
            return Ok(());
        }
        self.work.set(0);
        self.look()
    }

    /// Looks at the clock.
    ///
    /// # Errors
    ///
    /// [`EvaluationError::Deadline`].
    pub(super) fn look(&self) -> Result<(), EvaluationError> {
        if Instant::now() < self.deadline {
            return Ok(());
        }
        Err(EvaluationError::Deadline { limit: self.limits.deadline })
    }

    /// Takes room for samples.
    ///
    /// # Errors
    ///
    /// [`EvaluationError::TooManySamples`].
    pub(super) fn hold(&self, samples: usize) -> Result<Held, EvaluationError> {
        let held = self.held.get().saturating_add(samples);
        if held > self.limits.samples {
            return Err(EvaluationError::TooManySamples { limit: self.limits.samples });
        }
        self.held.set(held);
        Ok(Held { samples, held: Rc::clone(&self.held) })
    }

    /// Checks the number of series at one place.
    ///
    /// # Errors
    ///
    /// [`EvaluationError::TooManySeries`].
    pub(super) fn series(&self, series: usize) -> Result<(), EvaluationError> {
        if series > self.limits.series {
            return Err(EvaluationError::TooManySeries { limit: self.limits.series });
        }
        Ok(())
    }

    /// Returns what a source may use of it.
    pub(super) fn source_bounds(&self) -> SourceBounds {
        SourceBounds::new(self.limits.series, self.limits.samples.saturating_sub(self.held.get()), self.deadline)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.held.set(self.held.get() - self.samples);
    }
}
