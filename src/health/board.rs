//! The board: all checks of a watch, asked side by side.

use std::fmt;
use std::sync::Arc;

use super::check::{Check, Importance};
use super::report::{CheckResult, Report};
use super::slot::Slot;
use crate::presets::Presets;

/// The checks of a watch. Cloning it copies a handle.
///
/// Nothing runs by itself: a check runs when somebody asks for a report or scrapes the metrics and its last result is
/// older than the check keeps it. All who ask meanwhile share that run.
#[derive(Clone)]
pub struct Health {
    slots: Arc<[Arc<Slot>]>,
}

impl Health {
    pub(crate) fn new(mut checks: Vec<Check>, metrics: &Presets) -> Self {
        name_apart(&mut checks);
        let slots: Arc<[_]> = checks.into_iter().map(|check| Slot::new(check, metrics.clone())).collect();
        if !slots.is_empty() {
            let slots = Arc::downgrade(&slots);
            metrics.registry().on_scrape(move || {
                // A scrape does not wait: it shows the last result, and sees to the next one.
                slots.upgrade().iter().flat_map(|slots| slots.iter()).for_each(Slot::refresh);
            });
        }
        Self { slots }
    }

    /// Asks every check, side by side; takes as long as the slowest, and no longer than its timeout and a second.
    ///
    /// To be called within a tokio runtime that has its timer on; elsewhere every check is down.
    pub async fn report(&self) -> Report {
        self.report_of(|_| true).await
    }

    /// Asks the critical checks alone: whether the service can take requests.
    pub async fn readiness(&self) -> Report {
        self.report_of(|check| check.importance == Importance::Critical).await
    }

    async fn report_of(&self, asked: impl Fn(&Check) -> bool) -> Report {
        let asked = self.slots.iter().filter(|slot| asked(slot.check()));
        // Begun here, so that they run side by side; waited for below, one after the other.
        let runs: Vec<_> = asked.map(Slot::result).collect();
        let mut checks: Vec<CheckResult> = Vec::with_capacity(runs.len());
        for run in runs {
            checks.push(run.await);
        }
        Report::of(checks)
    }
}

/// Gives a name that is taken a number: `cache`, `cache_2`.
fn name_apart(checks: &mut [Check]) {
    for at in 0..checks.len() {
        let taken = |name: &str, checks: &[Check]| checks[..at].iter().any(|check| check.name == name);
        let first = checks[at].name.clone();
        let mut number = 2;
        while taken(&checks[at].name, checks) {
            checks[at].name = format!("{first}_{number}");
            number += 1;
        }
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.slots.iter().map(|slot| slot.check())).finish()
    }
}
