//! Choices about the journal.

use std::time::Duration;

use crate::event::TimeWindow;
use crate::queue::Bound;

/// What is dropped when there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WhenFull {
    /// What matters least, first: the last quarter of the room is kept for warnings and worse, the last eighth for alerts
    /// and what is critical.
    #[default]
    DropByPriority,
    /// Whatever comes, when all of the room is used.
    DropNewest,
}

/// Choices about the journal; every one has a default.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "options do nothing until they are used"]
pub struct JournalOptions {
    pub(super) events: Bound,
    pub(super) samples: Bound,
    pub(super) forward: Bound,
    pub(super) when_full: WhenFull,
    pub(super) window: TimeWindow,
    pub(super) pace: Pace,
}

/// How a queue is emptied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    pub(crate) batch_items: usize,
    pub(crate) batch_bytes: u64,
    pub(crate) linger: Duration,
    pub(crate) write_deadline: Duration,
}

impl JournalOptions {
    /// Makes the options that are used without a choice.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bounds what may wait for the store: events in one queue, samples in another. Default: 32 MiB and 100,000 items
    /// each.
    pub fn bound(mut self, bound: Bound) -> Self {
        (self.events, self.samples) = (bound, bound);
        self
    }

    /// Bounds what may wait for the forwarder. Default: 32 MiB and 100,000 items.
    pub fn forward_bound(mut self, bound: Bound) -> Self {
        self.forward = bound;
        self
    }

    /// Chooses what is dropped when there is no room. Default: what matters least, first.
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
        self
    }

    /// Says which times are accepted; one outside becomes the nearest inside, and the event says so. Default: the last 30
    /// days, and five minutes in the future.
    pub fn window(mut self, window: TimeWindow) -> Self {
        self.window = window;
        self
    }

    /// Writes as soon as so many items wait, and never more at once. Default: 1,000.
    pub fn batch(mut self, items: usize) -> Self {
        self.pace.batch_items = items.max(1);
        self
    }

    /// Waits so long for a batch to fill before it is written as it is. Default: 20 ms.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.pace.linger = linger;
        self
    }

    /// Gives one write so much time; then its call is dropped and the batch is tried again. Default: 5 s.
    pub fn write_deadline(mut self, deadline: Duration) -> Self {
        self.pace.write_deadline = deadline;
        self
    }
}

impl Default for JournalOptions {
    fn default() -> Self {
        let (bound, window) = (Bound::default(), TimeWindow::default());
        Self {
            events: bound,
            samples: bound,
            forward: bound,
            when_full: WhenFull::default(),
            window,
            pace: Pace::default(),
        }
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            batch_items: 1_000,
            batch_bytes: 4 << 20,
            linger: Duration::from_millis(20),
            write_deadline: Duration::from_secs(5),
        }
    }
}
