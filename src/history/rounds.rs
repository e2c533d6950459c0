//! The thread that samples, round by round, until it is told to end.

use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use super::head::Head;
use super::options::Stores;
use super::sampler::{Sampled, Sampler};
use crate::journal::Journal;
use crate::promql::engine::METRIC_NAME;
use crate::queue::OwnWork;
use crate::sample::Sample;
use crate::timestamp::Timestamp;

/// The rounds of one history. They end when this is dropped.
pub(super) struct Rounds {
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Running,
    Ending,
    Ended,
}

/// What a round needs.
pub(super) struct Round {
    pub(super) sampler: Sampler,
    pub(super) head: Arc<RwLock<Head>>,
    pub(super) interval: Duration,
    /// Where rounds go into the store as well.
    pub(super) into: Option<(Journal, Stores)>,
}

impl Rounds {
    /// Starts the thread. It needs no runtime, so it samples whatever becomes of the app's.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub(super) fn start(round: Round) -> io::Result<Self> {
        let rounds = Self { state: Arc::default() };
        let state = Arc::clone(&rounds.state);
        thread::Builder::new().name("watchkeeper-history".to_owned()).spawn(move || {
            let _own = OwnWork::begin();
            round.run(&state);
            let (state, changed) = &*state;
            *state.lock().unwrap_or_else(PoisonError::into_inner) = State::Ended;
            changed.notify_all();
        })?;
        Ok(rounds)
    }

    /// Ends the rounds, and waits no longer than until the deadline for the one that runs; false where it is not over.
    pub(super) fn end(&self, deadline: Instant) -> bool {
        let (state, changed) = &*self.state;
        let mut now = state.lock().unwrap_or_else(PoisonError::into_inner);
        if *now == State::Running {
            *now = State::Ending;
            changed.notify_all();
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let ended = changed.wait_timeout_while(now, left, |state| *state != State::Ended);
        *ended.unwrap_or_else(PoisonError::into_inner).0 == State::Ended
    }
}

impl Drop for Rounds {
    fn drop(&mut self) {
        self.end(Instant::now());
    }
}

impl Round {
    fn run(mut self, state: &(Mutex<State>, Condvar)) {
        let mut pace = Pace::begin(self.interval);
        loop {
            let time = pace.time(now());
            if self.is_set_back(time) {
                tracing::warn!("the clock was set back: the history begins anew");
                self.write(Head::clear);
            }
            let is_stored = self.into.as_ref().is_some_and(|(_, is_ours)| is_ours());
            let sampled = self.sampler.sample(time, is_stored);
            if let Some((journal, _)) = &self.into {
                sampled.into_iter().for_each(|sample| store(journal, time, sample));
            }
            let (state, changed) = state;
            let running = state.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = changed.wait_timeout_while(running, pace.rest(), |state| *state == State::Running);
            if *waited.unwrap_or_else(PoisonError::into_inner).0 != State::Running {
                break;
            }
            pace.step();
        }
        self.sampler.end(now());
    }

    /// Tells whether what is held lies in the future by more than a round.
    fn is_set_back(&self, time: i64) -> bool {
        let newest = self.head.read().unwrap_or_else(PoisonError::into_inner).newest();
        newest.is_some_and(|newest| newest > time + self.interval.as_millis() as i64 + 1_000)
    }

    fn write(&self, change: impl FnOnce(&mut Head)) {
        change(&mut self.head.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl fmt::Debug for Rounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rounds").finish_non_exhaustive()
    }
}

/// Puts a sample of a round into the store, by the journal: nothing here waits for a store.
fn store(journal: &Journal, time: i64, sampled: Sampled) {
    let time = Timestamp::from_micros(time.saturating_mul(1000));
    let name = sampled.labels.get(METRIC_NAME);
    let draft =
        if sampled.is_total { Sample::counter(name, sampled.value) } else { Sample::gauge(name, sampled.value) };
    let labels = sampled.labels.iter().filter(|(name, _)| *name != METRIC_NAME);
    journal.record_sample(labels.fold(draft.at(time), |draft, (name, value)| draft.label(name, value)));
}

/// Milliseconds since 1970.
fn now() -> i64 {
    Timestamp::now().as_micros().div_euclid(1000)
}

/// When rounds are, by a clock that is not set, and what time each is said to have.
struct Pace {
    next: Instant,
    interval: Duration,
    /// The time that the last round was said to have.
    last: Option<i64>,
}

impl Pace {
    fn begin(interval: Duration) -> Self {
        Self { next: Instant::now(), interval, last: None }
    }

    /// Returns the time of a round that is at `now`: an interval after the last one where it is a hundredth of that off at
    /// most, as in Prometheus. Times at a steady pace take a bit each.
    fn time(&mut self, now: i64) -> i64 {
        let interval = self.interval.as_millis() as i64;
        let due = self.last.map(|last| last + interval);
        let near = |due: &i64| (now - due).abs() <= (interval / 100).max(2);
        let time = due.filter(near).unwrap_or(now);
        self.last = Some(time);
        time
    }

    fn rest(&self) -> Duration {
        (self.next + self.interval).saturating_duration_since(Instant::now())
    }

    /// Goes on to the next round; those that were missed are left out.
    fn step(&mut self) {
        let now = Instant::now();
        self.next += self.interval;
        if now.saturating_duration_since(self.next) > self.interval {
            self.next = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_their_pace_while_they_are_near_it() {
        let mut pace = Pace::begin(Duration::from_secs(15));
        let told: Vec<_> = [1_000, 16_003, 30_990, 46_500, 61_499].map(|now| pace.time(now)).into();
        assert_eq!(told, [1_000, 16_000, 31_000, 46_500, 61_500]);
    }
}
