//! A loss: it begins with the first item dropped and ends when none has been dropped for a while.

use std::time::{Duration, Instant};

use crate::presets::monitoring::{DropReason, Sink};

/// How long nothing may be dropped until a loss counts as over.
pub(super) const QUIET: Duration = Duration::from_secs(5);

/// What is said about a loss: once when it begins and once when it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The first item was dropped.
    Began {
        /// Where it was to go.
        sink: Sink,
        /// Why it did not.
        reason: DropReason,
    },
    /// Nothing has been dropped for a while.
    Ended {
        /// Where they were to go.
        sink: Sink,
        /// How many items were dropped from the beginning to the end.
        dropped: u64,
    },
}

impl Loss {
    /// Says it in the log.
    pub(crate) fn log(&self) {
        match self {
            Self::Began { sink, reason } => tracing::warn!(
                sink = sink.as_str(),
                reason = reason.as_str(),
                "items do not arrive at their sink; they are counted in watchkeeper_dropped_total"
            ),
            Self::Ended { sink, dropped } => {
                tracing::warn!(sink = sink.as_str(), dropped, "items arrive at their sink again; some were dropped");
            }
        }
    }
}

/// A loss that is going on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ongoing {
    dropped: u64,
    last: Instant,
}

impl Ongoing {
    /// Adds dropped items to a loss, and tells whether they begin one.
    pub(super) fn count(ongoing: &mut Option<Self>, items: u64) -> bool {
        let began = ongoing.is_none();
        let dropped = ongoing.map_or(0, |loss| loss.dropped) + items;
        *ongoing = Some(Self { dropped, last: Instant::now() });
        began
    }

    /// Ends a loss that has been quiet for this long, and returns how many items it dropped.
    pub(super) fn end(ongoing: &mut Option<Self>, quiet: Duration) -> Option<u64> {
        ongoing.take_if(|loss| loss.last.elapsed() >= quiet).map(|loss| loss.dropped)
    }
}
