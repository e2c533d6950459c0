//! Runs: pieces of work that start, take time, and end in success or error.

use std::fmt;
use std::time::{Duration, Instant};

use super::status::Status;
use crate::metric::{Counter, Histogram, Tracked};

/// Watches one piece of work. Dropped before [`succeed`](Self::succeed), by an error's early return, a panic or a
/// cancellation, it counts the work as an error.
#[must_use = "dropping the guard counts the work as an error"]
pub struct Run {
    started: Instant,
    success: Counter,
    error: Counter,
    duration: Option<Histogram>,
    under_way: Option<Tracked>,
    status: Status,
}

impl Run {
    /// Starts a run that is counted when it ends.
    pub(super) fn start(success: Counter, error: Counter) -> Self {
        let started = Instant::now();
        Self { started, success, error, duration: None, under_way: None, status: Status::Error }
    }

    /// Also measures how long it takes.
    pub(super) fn measured(mut self, duration: Histogram) -> Self {
        self.duration = Some(duration);
        self
    }

    /// Also counts it as under way until it ends.
    pub(super) fn tracked(mut self, under_way: Tracked) -> Self {
        self.under_way = Some(under_way);
        self
    }

    /// Ends the run as a success.
    pub fn succeed(self) {
        self.end(Status::Success);
    }

    /// Ends the run with the status of its result: `run.end(Status::of(&result))`.
    pub fn end(mut self, status: Status) {
        self.status = status;
    }

    /// Returns the time since the start.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        match self.status {
            Status::Success => self.success.inc(),
            Status::Error => self.error.inc(),
        }
        if let Some(duration) = &self.duration {
            duration.observe_duration(self.started.elapsed());
        }
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("started", &self.started).finish_non_exhaustive()
    }
}
