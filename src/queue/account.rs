//! The account of a sink: what was accepted, what was stored, what was dropped and why.

use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use super::counts::Counts;
use super::loss::{self, Loss, Ongoing};
use super::own_work::OwnWork;
use super::room::{Bound, Priority};
use super::waiting::RoomWaiters;
use crate::metric::Histogram;
use crate::metric::sync::{Condvar, Mutex, MutexGuard};
use crate::presets::monitoring::{DropReason, Sink};

/// Keeps the account of one sink: `accepted = stored + dropped, by reason + queued`, whenever it is read. Cloning it
/// copies a handle.
#[derive(Clone)]
pub struct Account {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    sink: Sink,
    bound: Bound,
    quiet: Duration,
    announce: Box<dyn Fn(Loss) + Send + Sync>,
    state: Mutex<State>,
    /// Wakes threads that wait for room.
    freed: Condvar,
    writes: OnceLock<Histogram>,
}

/// What lies behind the account's lock.
#[derive(Default)]
pub(super) struct State {
    counts: Counts,
    loss: Option<Ongoing>,
    /// Rises when everything queued is written off; a token of before is worth nothing then.
    epoch: u64,
    /// Whether waiting for room is over for good.
    closed: bool,
    pub(super) waiters: RoomWaiters,
}

/// Why an item is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no room now.
    NoRoom,
    /// There will never be room for it.
    TooLarge,
}

impl Account {
    /// Opens an account that says what is lost in the log.
    pub(crate) fn new(sink: Sink, bound: Bound) -> Self {
        Self::announcing(sink, bound, |loss| {
            let _own = OwnWork::begin();
            loss.log();
        })
    }

    /// Opens an account that says what is lost by `announce`, which is called outside of any lock, on the thread that
    /// dropped or stored something. Default of [`new`](Self::new): in the log, as our own work.
    pub(crate) fn announcing(sink: Sink, bound: Bound, announce: impl Fn(Loss) + Send + Sync + 'static) -> Self {
        Self::with_quiet(sink, bound, loss::QUIET, announce)
    }

    pub(super) fn with_quiet(
        sink: Sink,
        bound: Bound,
        quiet: Duration,
        announce: impl Fn(Loss) + Send + Sync + 'static,
    ) -> Self {
        let inner = Inner {
            sink,
            bound,
            quiet,
            announce: Box::new(announce),
            state: Mutex::new(State::default()),
            freed: Condvar::new(),
            writes: OnceLock::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Returns the sink that the account is of.
    pub fn sink(&self) -> Sink {
        self.inner.sink
    }

    /// Returns how much may wait.
    pub fn bound(&self) -> Bound {
        self.inner.bound
    }

    /// Reads all numbers in one moment.
    pub fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// Counts items that were offered and could not even be queued.
    pub(crate) fn turn_away(&self, items: u64, reason: DropReason) {
        self.count(|state| {
            state.counts.accepted += items;
            state.drop(items, reason)
        });
    }

    /// Writes off everything that is queued or being written, and returns how many items that is. Tokens that are still
    /// about change nothing any more.
    pub(crate) fn write_off(&self, reason: DropReason) -> u64 {
        let mut items = 0;
        self.count(|state| {
            items = state.counts.queued;
            state.epoch += 1;
            (state.counts.queued, state.counts.queued_bytes) = (0, 0);
            state.drop(items, reason)
        });
        items
    }

    /// Says that a loss is over where nothing has been dropped for a while.
    pub(crate) fn look_for_the_end_of_a_loss(&self) {
        self.end_loss(self.inner.quiet);
    }

    /// Says that a loss is over because there is nothing more to come.
    pub(crate) fn close(&self) {
        self.end_loss(Duration::ZERO);
    }

    /// Measures one write to the sink, once a registry exports the account.
    pub(crate) fn record_write(&self, time: Duration) {
        if let Some(writes) = self.inner.writes.get() {
            writes.observe_duration(time);
        }
    }

    /// Measures writes in this histogram from now on; the first one stays.
    pub(super) fn measure_writes(&self, histogram: impl FnOnce() -> Histogram) {
        self.inner.writes.get_or_init(histogram);
    }

    /// Tells whether there is room now for an item of this size.
    pub(crate) fn has_room(&self, bytes: u64, priority: Priority) -> bool {
        let counts = &self.lock().counts;
        self.inner.bound.has_room(counts.queued, counts.queued_bytes, bytes, priority)
    }

    /// Makes room for an item, and returns the epoch that its token is of.
    pub(crate) fn admit(&self, bytes: u64, priority: Priority) -> Result<u64, Refusal> {
        self.lock().admit(self.inner.bound, bytes, priority)
    }

    /// Blocks the thread until there may be room, or nothing is waited for any more; false when the deadline is over.
    pub(super) fn wait_for_room(&self, bytes: u64, priority: Priority, deadline: Instant) -> bool {
        let mut state = self.lock();
        let has_room = |counts: &Counts| self.inner.bound.has_room(counts.queued, counts.queued_bytes, bytes, priority);
        while !state.closed && !has_room(&state.counts) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state.waiters.threads += 1;
            state = self.inner.freed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            state.waiters.threads -= 1;
        }
        true
    }

    /// Lets nobody wait for room any more.
    pub(super) fn end_waiting(&self) {
        let mut state = self.lock();
        state.closed = true;
        let waiters = state.waiters.take();
        drop(state);
        self.inner.freed.notify_all();
        waiters.into_iter().for_each(Waker::wake);
    }

    /// Settles items that left their queue: stored, or dropped for a reason.
    pub(crate) fn settle(&self, items: u64, bytes: u64, epoch: u64, dropped: Option<DropReason>) {
        self.count(|state| {
            if state.epoch != epoch {
                return None;
            }
            state.counts.queued -= items;
            state.counts.queued_bytes -= bytes;
            match dropped {
                Some(reason) => state.drop(items, reason),
                None => {
                    state.counts.stored += items;
                    None
                }
            }
        });
        if dropped.is_none() {
            self.look_for_the_end_of_a_loss();
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the numbers under the lock, by something that returns the reason of a loss that begins; what is said about
    /// it, and who is woken, comes after the lock.
    fn count(&self, change: impl FnOnce(&mut State) -> Option<DropReason>) {
        let mut state = self.lock();
        let before = state.counts.queued;
        let began = change(&mut state);
        let freed = state.counts.queued < before;
        let blocked = freed && state.waiters.threads > 0;
        let waiters = if freed { state.waiters.take() } else { Vec::new() };
        drop(state);
        if blocked {
            self.inner.freed.notify_all();
        }
        waiters.into_iter().for_each(Waker::wake);
        if let Some(reason) = began {
            (self.inner.announce)(Loss::Began { sink: self.inner.sink, reason });
        }
    }

    fn end_loss(&self, quiet: Duration) {
        let ended = Ongoing::end(&mut self.lock().loss, quiet);
        if let Some(dropped) = ended {
            (self.inner.announce)(Loss::Ended { sink: self.inner.sink, dropped });
        }
    }
}

impl State {
    pub(super) fn is_written_off(&self, epoch: u64) -> bool {
        self.epoch != epoch
    }

    pub(super) fn admit(&mut self, bound: Bound, bytes: u64, priority: Priority) -> Result<u64, Refusal> {
        let counts = &mut self.counts;
        if !bound.has_room(counts.queued, counts.queued_bytes, bytes, priority) {
            let enough = bound.is_ever_enough(bytes, priority);
            return Err(if enough { Refusal::NoRoom } else { Refusal::TooLarge });
        }
        counts.accepted += 1;
        counts.queued += 1;
        counts.queued_bytes += bytes;
        Ok(self.epoch)
    }

    /// Counts dropped items, and returns the reason where they begin a loss.
    fn drop(&mut self, items: u64, reason: DropReason) -> Option<DropReason> {
        if items == 0 {
            return None;
        }
        self.counts.dropped[reason as usize] += items;
        Ongoing::count(&mut self.loss, items).then_some(reason)
    }
}

impl Refusal {
    pub(crate) fn reason(self) -> DropReason {
        match self {
            Self::NoRoom => DropReason::Full,
            Self::TooLarge => DropReason::Invalid,
        }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("sink", &self.inner.sink).field("counts", &self.counts()).finish()
    }
}
