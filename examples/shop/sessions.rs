//! Sessions: how many sign-ins are still valid.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const VALID: Duration = Duration::from_secs(15 * 60);
const MOST: usize = 100_000;

/// When each valid session began, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    begun: VecDeque<Instant>,
}

impl Sessions {
    /// Begins a session; the oldest one ends where there are too many.
    pub(crate) fn begin(&mut self, now: Instant) {
        if self.begun.len() >= MOST {
            self.begun.pop_front();
        }
        self.begun.push_back(now);
    }

    /// Counts the sessions that are valid.
    pub(crate) fn count(&mut self, now: Instant) -> u64 {
        while self.begun.front().is_some_and(|begun| now.saturating_duration_since(*begun) >= VALID) {
            self.begun.pop_front();
        }
        self.begun.len() as u64
    }
}
