//! The way of a span: through the queue, to the thread that sends it.

use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::sampler::Sampler;
use crate::presets::monitoring::{DropReason, Sink as Label};
use crate::queue::{Account, Accounts, Bound, Priority, Queue};
use crate::telemetry::sink::Sink;

/// The most bytes that wait to be sent.
const MOST_BYTES: u64 = 16 << 20;
/// What is kept of the time to close, to write off what has not arrived.
const RESERVE: Duration = Duration::from_millis(20);

/// What the layer and the sending thread share.
pub(super) struct Pipeline {
    sampler: Sampler,
    pub(super) queue: Queue<Box<[u8]>>,
    state: Mutex<State>,
    changed: Condvar,
    /// How many spans had been dropped when closing began.
    dropped_before: OnceLock<u64>,
}

#[derive(Default)]
struct State {
    /// When everything has to be over.
    end: Option<Instant>,
    /// Whether the sending thread has ended.
    ended: bool,
}

impl Pipeline {
    pub(super) fn new(sampler: Sampler, max_queue_size: u64, accounts: &Accounts) -> Self {
        let account = accounts.open(Label::Traces, Bound { bytes: MOST_BYTES, items: max_queue_size });
        Self {
            sampler,
            queue: Queue::new(account),
            state: Mutex::default(),
            changed: Condvar::new(),
            dropped_before: OnceLock::new(),
        }
    }

    pub(super) fn sampler(&self) -> Sampler {
        self.sampler
    }

    /// Queues a span that has ended; one that finds no room is counted as dropped.
    pub(super) fn push(&self, span: Box<[u8]>) {
        let bytes = span.len() as u64;
        self.queue.push(span, bytes, Priority::High);
    }

    /// Returns until when what is sent now has to be over: so long from now, or less where closing has begun.
    pub(super) fn until(&self, time: Duration) -> Instant {
        let end = Instant::now() + time;
        self.lock().end.map_or(end, |closing| closing.min(end))
    }

    /// Sleeps for a while, or until closing has begun.
    pub(super) fn pause(&self, time: Duration) {
        let state = self.lock();
        if state.end.is_none() {
            let closing = |state: &mut State| state.end.is_none();
            drop(self.changed.wait_timeout_while(state, time, closing).unwrap_or_else(PoisonError::into_inner));
        } else {
            let left = state.end.map_or(time, |end| end.saturating_duration_since(Instant::now()));
            drop(state);
            std::thread::sleep(time.min(left));
        }
    }

    /// Says that the sending thread has ended.
    pub(super) fn ended(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    /// Writes off what has not arrived; returns how many spans were dropped since closing began.
    fn write_off(&self) -> u64 {
        let account = self.queue.account();
        account.write_off(DropReason::Shutdown);
        account.counts().dropped().saturating_sub(self.dropped_before.get().copied().unwrap_or(0))
    }

    fn begin_to_close(&self) {
        self.dropped_before.get_or_init(|| self.queue.account().counts().dropped());
        self.queue.close();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Pipeline {
    fn account(&self) -> &Account {
        self.queue.account()
    }

    fn close(&self, deadline: Instant) -> u64 {
        let end = deadline.checked_sub(RESERVE).unwrap_or(deadline);
        self.begin_to_close();
        let mut state = self.lock();
        state.end = Some(end);
        self.changed.notify_all();
        let left = end.saturating_duration_since(Instant::now());
        let waited = self.changed.wait_timeout_while(state, left, |state| !state.ended);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        self.write_off()
    }

    fn abandon(&self) -> u64 {
        self.begin_to_close();
        self.write_off()
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline").field("account", self.queue.account()).finish_non_exhaustive()
    }
}
