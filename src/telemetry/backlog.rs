//! The backlog: what waits between the threads that log and the one that writes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::lines::{Block, Lines, Settlement};
use super::notice::{Notice, NoticeLine};
use crate::presets::monitoring::DropReason;
use crate::queue::{Account, Priority, Refusal};

/// How long no line may be lost until the loss counts as over.
const QUIET: Duration = Duration::from_secs(1);

/// The most bytes of room that are left unused for not putting lines together in vain.
const MOST_UNUSED: u64 = 4096;

/// How long the writer may take to notice that it is given up.
const GRACE: Duration = Duration::from_millis(30);

/// Why a line finds no room.
const TOO_FAST: &str = "they come faster than they are taken";

/// Lines on their way, bounded by their account.
pub(super) struct Backlog {
    pub(super) account: Account,
    notice: NoticeLine,
    state: Mutex<State>,
    /// Wakes the writer.
    work: Condvar,
    /// Wakes who waits for the writer to have nothing to do.
    idle: Condvar,
    /// Whether the block that is being written is given up; read between two writes.
    given_up: AtomicBool,
    /// The length of the shortest line that ever found no room.
    refused: AtomicU64,
}

#[derive(Default)]
struct State {
    lines: Lines,
    /// Whether there is a writer.
    runs: bool,
    /// Whether the writer sleeps, so that a push must wake it.
    sleeps: bool,
    /// Whether the writer has a block in its hands.
    writes: bool,
    /// Whether somebody waits for the end, so that nothing is put off.
    closing: bool,
    /// Whether what waits is given up.
    discards: bool,
    /// Whether nobody logs here any more.
    ended: bool,
    loss: Option<Loss>,
}

/// A loss that is going on.
struct Loss {
    since: Instant,
    last: Instant,
    lost: u64,
    /// Whether the last write failed: then no quiet ends the loss, only a write that succeeds.
    failing: bool,
}

impl Backlog {
    pub(super) fn new(account: Account, notice: NoticeLine) -> Self {
        Self {
            account,
            notice,
            state: Mutex::default(),
            work: Condvar::new(),
            idle: Condvar::new(),
            given_up: AtomicBool::new(false),
            refused: AtomicU64::new(u64::MAX),
        }
    }

    /// Queues a line; one without room is counted as lost.
    pub(super) fn push(&self, line: &[u8], priority: Priority) {
        let mut state = self.lock();
        match self.account.admit(line.len() as u64, priority) {
            Ok(epoch) => state.lines.push(line, epoch),
            Err(refusal) => {
                if refusal == Refusal::NoRoom {
                    self.refused.fetch_min((line.len() as u64).min(MOST_UNUSED), Ordering::Relaxed);
                }
                self.account.turn_away(1, refusal.reason());
                self.lose(&mut state, TOO_FAST);
            }
        }
        let wake = std::mem::take(&mut state.sleeps);
        drop(state);
        if wake {
            self.work.notify_one();
        }
    }

    /// Counts a line as lost where there is no room for one that found none before; false where it is worth the work to
    /// put it together.
    pub(super) fn refuses(&self, priority: Priority) -> bool {
        let refused = self.refused.load(Ordering::Relaxed);
        let refuses = refused != u64::MAX && !self.account.has_room(refused, priority);
        if refuses {
            self.lose_line(DropReason::Full, TOO_FAST);
        }
        refuses
    }

    /// Writes a line about the log itself.
    pub(super) fn notice(&self, notice: Notice<'_>) -> String {
        (self.notice)(notice, SystemTime::now())
    }

    /// Counts a line that cannot even be queued, and says so.
    pub(super) fn lose_line(&self, reason: DropReason, because: &str) {
        self.account.turn_away(1, reason);
        let mut state = self.lock();
        self.lose(&mut state, because);
        let wake = std::mem::take(&mut state.sleeps);
        drop(state);
        if wake {
            self.work.notify_one();
        }
    }

    fn lose(&self, state: &mut State, because: &str) {
        if state.lose(1, false) {
            let notice = self.notice(Notice::Began { reason: because });
            state.lines.push_notice(notice.as_bytes());
        }
    }

    /// Waits for lines and hands them to the writer; `None` once there will be no more.
    pub(super) fn next(&self) -> Option<Block> {
        let mut state = self.lock();
        loop {
            self.given_up.store(false, Ordering::Relaxed);
            if state.discards {
                self.discard(&mut state);
            }
            if let Some(Loss { lost, since, .. }) = state.end_of_loss() {
                let notice = self.notice(Notice::Ended { lost, over: since.elapsed() });
                state.lines.push_notice(notice.as_bytes());
            }
            if let Some(block) = state.lines.take() {
                state.writes = true;
                return Some(block);
            }
            if state.ended {
                return None;
            }
            state.sleeps = true;
            self.idle.notify_all();
            let quiet = state.loss.as_ref().filter(|loss| !loss.failing).map(|loss| loss.quiet_in());
            state = match quiet {
                Some(time) => self.work.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0,
                None => self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
            state.sleeps = false;
        }
    }

    /// Takes a block back from the writer.
    pub(super) fn done(&self, block: Block) {
        let mut state = self.lock();
        state.writes = false;
        state.lines.give_back(block);
    }

    /// Counts lines that were written.
    pub(super) fn stored(&self, lines: Settlement) {
        self.settle(lines, None);
    }

    /// Counts lines that were not written, and tells whether a loss begins with them.
    pub(super) fn failed(&self, lines: Settlement, reason: DropReason) -> bool {
        self.settle(lines, Some(reason));
        lines.lines > 0 && self.lock().lose(lines.lines, reason == DropReason::Failed)
    }

    /// Notes that a write succeeded.
    pub(super) fn succeeded(&self) {
        if let Some(loss) = &mut self.lock().loss {
            loss.failing = false;
        }
    }

    fn settle(&self, lines: Settlement, dropped: Option<DropReason>) {
        if lines.lines > 0 {
            self.account.settle(lines.lines, lines.bytes, lines.epoch, dropped);
        }
    }

    /// Tells whether the block in the writer's hands is given up.
    pub(super) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }

    /// Lets the writer wait a while, unless somebody waits for the end; false then.
    pub(super) fn may_wait(&self, time: Duration) -> bool {
        let state = self.lock();
        let waited = self.work.wait_timeout_while(state, time, |state| !state.closing && !state.ended);
        let state = waited.unwrap_or_else(PoisonError::into_inner).0;
        !state.closing && !state.ended
    }

    /// Waits until everything is written, or gives up what is not at the deadline; says how many lines were lost
    /// meanwhile.
    pub(super) fn close(&self, deadline: Instant) -> u64 {
        let before = self.account.counts().dropped();
        let mut state = self.lock();
        // Also a writer that sleeps has to look: a loss may be over.
        (state.closing, state.sleeps) = (true, false);
        self.work.notify_all();
        let (mut state, in_time) = self.wait_until_idle(state, deadline);
        if in_time {
            return self.end_closing(state, before);
        }
        // The writer counts what it has in its hands by itself, unless a write hangs.
        self.given_up.store(true, Ordering::Relaxed);
        state.discards = true;
        self.work.notify_all();
        let (mut state, noticed) = self.wait_until_idle(state, Instant::now() + GRACE);
        if !noticed {
            self.discard(&mut state);
        }
        self.end_closing(state, before)
    }

    /// Counts all that waits, or is in the writer's hands, as lost.
    fn discard(&self, state: &mut State) {
        state.discards = false;
        state.lines.clear();
        self.account.write_off(DropReason::Shutdown);
    }

    fn wait_until_idle<'a>(&self, state: MutexGuard<'a, State>, deadline: Instant) -> (MutexGuard<'a, State>, bool) {
        let left = deadline.saturating_duration_since(Instant::now());
        let waited = self.idle.wait_timeout_while(state, left, |state| !state.is_idle());
        let state = waited.unwrap_or_else(PoisonError::into_inner).0;
        let idle = state.is_idle();
        (state, idle)
    }

    fn end_closing(&self, mut state: MutexGuard<'_, State>, before: u64) -> u64 {
        state.closing = false;
        self.account.counts().dropped() - before
    }

    /// Notes that there is a writer from now on.
    pub(super) fn runs(&self) {
        self.lock().runs = true;
    }

    /// Lets the writer end once it has written what is there.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.work.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts lost lines into the loss that is going on, and tells whether it begins with them.
    fn lose(&mut self, lines: u64, failing: bool) -> bool {
        let now = Instant::now();
        let began = self.loss.is_none();
        let loss = self.loss.get_or_insert(Loss { since: now, last: now, lost: 0, failing });
        (loss.last, loss.lost, loss.failing) = (now, loss.lost + lines, loss.failing || failing);
        began
    }

    fn end_of_loss(&mut self) -> Option<Loss> {
        let closing = self.closing;
        self.loss.take_if(|loss| !loss.failing && (closing || loss.quiet_in().is_zero()))
    }

    /// Tells whether there is nothing to do, and nothing to say.
    fn is_idle(&self) -> bool {
        !self.runs || self.lines.is_empty() && !self.writes && self.sleeps
    }
}

impl Loss {
    fn quiet_in(&self) -> Duration {
        QUIET.saturating_sub(self.last.elapsed())
    }
}
