//! The scheduler: in one instance of a database at a time, each task once in each of its intervals.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::core::Core;
use super::gauges::Gauges;
use super::run::{Attempt, scheduled};
use super::task::Task;
use crate::store::Leased;
use crate::timestamp::Timestamp;

/// The lease of whoever runs what is scheduled.
const LEAD: &str = "runner";

/// How often an instance says that it is there.
const ANNOUNCE: Duration = Duration::from_secs(600);

/// How long a run that could not begin is left alone, and the longest that the scheduler sleeps on a due task.
const REST: Duration = Duration::from_secs(1);

/// Runs what is scheduled until the watch is closing, whenever this instance leads.
pub(super) async fn run(core: Arc<Core>) {
    let mut closing = core.closing.subscribe();
    let gauges = Gauges::new(core.metrics.clone());
    let mut scheduler = Scheduler { core, gauges, led_at: None, announced_at: None, attempts: Arc::default() };
    // Not at once: a process that ends soon asks nothing of the store.
    let mut rest = scheduler.third();
    loop {
        let changed = Arc::clone(&scheduler.core);
        tokio::select! {
            biased;
            _closed = closing.wait_for(|closing| *closing) => break,
            () = changed.changed.notified() => {}
            () = sleep(rest) => {}
        }
        rest = scheduler.look().await;
    }
    scheduler.resign().await;
}

struct Scheduler {
    core: Arc<Core>,
    gauges: Gauges,
    /// The store's time when it last said that this instance leads, and when that was.
    led_at: Option<(Timestamp, Instant)>,
    announced_at: Option<Instant>,
    attempts: Attempts,
}

/// What became of each task's last interval.
type Attempts = Arc<Mutex<HashMap<String, Last>>>;

struct Last {
    slot: Timestamp,
    state: State,
}

enum State {
    UnderWay,
    Done,
    Failed(Instant),
}

impl Scheduler {
    fn third(&self) -> Duration {
        self.core.lease / 3
    }

    /// Makes sure that this instance leads, begins what is due, and says how long nothing else is.
    async fn look(&mut self) -> Duration {
        let third = self.third();
        if self.announced_at.is_none_or(|at| at.elapsed() >= ANNOUNCE) {
            self.announced_at = self.announce().await.then(Instant::now);
        }
        if self.led_at.is_none_or(|(_, at)| at.elapsed() >= third) {
            self.led_at = self.lead().await;
            self.core.leads.store(self.led_at.is_some(), Relaxed);
            match self.led_at {
                Some(_) => self.gauges.export(&*self.core.store, third).await,
                None => self.gauges.withdraw(),
            }
        }
        let Some((now, at)) = self.led_at else { return third };
        let now = now.plus(at.elapsed());
        let tasks = self.core.tasks();
        let next = tasks.iter().filter_map(|task| self.begin_if_due(task, now)).min();
        next.unwrap_or(third).min(third.saturating_sub(at.elapsed()))
    }

    /// Says that this instance is there, leading or not.
    async fn announce(&self) -> bool {
        let announced = self.core.store.announce_instance(&self.core.this);
        matches!(timeout(self.core.lease, announced).await, Ok(Ok(())))
    }

    async fn lead(&self) -> Option<(Timestamp, Instant)> {
        let core = &self.core;
        let asked = core.store.acquire_lease(LEAD, &core.this.name, core.lease);
        match timeout(core.lease, asked).await {
            Ok(Ok(Leased::Held(lease))) => Some((lease.now, Instant::now())),
            Ok(Ok(Leased::Taken(_))) => None,
            Ok(Err(error)) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "the store does not say who leads");
                None
            }
            Err(_) => None,
        }
    }

    async fn resign(&mut self) {
        self.gauges.withdraw();
        if self.core.leads.swap(false, Relaxed) {
            let _unheard = timeout(self.third(), self.core.store.release_lease(LEAD, &self.core.this.name)).await;
        }
    }

    /// Begins a task if it is due, and says how long it is not.
    fn begin_if_due(&self, task: &Arc<Task>, now: Timestamp) -> Option<Duration> {
        let every = task.every.filter(|_| task.work.is_ok())?;
        let slot = slot_of(now, every);
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let until_next = || slot.plus(every).since(now);
        match attempts.get(task.name()) {
            Some(Last { state: State::UnderWay, .. }) => return Some(REST),
            Some(Last { state: State::Done, slot: done }) if *done == slot => return Some(until_next()),
            Some(Last { state: State::Failed(at), slot: failed }) if *failed == slot && at.elapsed() < REST => {
                return Some(REST);
            }
            _ => {}
        }
        let due = slot.plus(jitter(&self.core.this.name, task.name(), slot, task.latest(every)));
        if due > now {
            return Some(due.since(now));
        }
        attempts.insert(task.name().to_owned(), Last { slot, state: State::UnderWay });
        drop(attempts);
        let (core, task, attempts) = (Arc::clone(&self.core), Arc::clone(task), Arc::clone(&self.attempts));
        // The mark stays right if the run is dropped.
        let mark = Mark { attempts, task: task.name().to_owned(), slot, attempt: Attempt::Again };
        tokio::spawn(async move {
            let mut mark = mark;
            mark.attempt = scheduled(core, task, slot).await;
        });
        Some(until_next())
    }
}

/// Notes what became of an attempt when it is dropped.
struct Mark {
    attempts: Attempts,
    task: String,
    slot: Timestamp,
    attempt: Attempt,
}

impl Drop for Mark {
    fn drop(&mut self) {
        let state = match self.attempt {
            Attempt::Done => State::Done,
            Attempt::Again => State::Failed(Instant::now()),
        };
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        attempts.insert(std::mem::take(&mut self.task), Last { slot: self.slot, state });
    }
}

/// The beginning of the interval that a time lies in; intervals are counted from 1970, the same for every instance.
fn slot_of(now: Timestamp, every: Duration) -> Timestamp {
    let every = i64::try_from(every.as_micros()).unwrap_or(i64::MAX).max(1);
    Timestamp::from_micros(now.as_micros().div_euclid(every).saturating_mul(every))
}

/// How long after the beginning of an interval a run begins: anyhow, but the same each time it is asked.
fn jitter(instance: &str, task: &str, slot: Timestamp, latest: Duration) -> Duration {
    let mut hasher = DefaultHasher::new();
    (instance, task, slot.as_micros()).hash(&mut hasher);
    latest.mul_f64(hasher.finish() as f64 / u64::MAX as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_lies_in_one_interval() {
        let minute = Duration::from_secs(60);
        let noon: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        for (later, slot) in [(0, 0), (59_999_999, 0), (60_000_000, 60), (-1, -60)] {
            let time = Timestamp::from_micros(noon.as_micros() + later);
            assert_eq!(slot_of(time, minute).as_micros(), noon.as_micros() + slot * 1_000_000);
        }
    }

    #[test]
    fn runs_are_spread_over_the_time_that_they_may_begin_in() {
        let latest = Duration::from_secs(10);
        let starts: Vec<_> =
            (0..1000).map(|n| jitter("a", "sweep", Timestamp::from_micros(n * 60_000_000), latest)).collect();
        assert!(starts.iter().all(|start| *start <= latest));
        let early = starts.iter().filter(|start| **start < latest / 2).count();
        assert!((400..600).contains(&early), "{early} of 1000 in the first half");
        assert_eq!(jitter("a", "b", Timestamp::EPOCH, latest), jitter("a", "b", Timestamp::EPOCH, latest));
    }
}
