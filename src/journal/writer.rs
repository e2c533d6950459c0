//! The writer of one queue: batches, tries again, and finds what can never be written.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::options::Pace;
use super::target::{Fault, Target, Then};
use crate::presets::monitoring::DropReason;
use crate::queue::{Batch, Queue, Wait, survive};
use crate::store::Appended;

/// How long a batch rests before it is tried again, at first and at most.
const REST: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// How often a batch is tried that may hold the cause of its own failure.
const TRIES: u32 = 3;

/// Writes what one queue holds.
pub(super) struct Writer<T: Target> {
    pub(super) queue: Queue<T::Item>,
    pub(super) target: T,
    pub(super) pace: Pace,
    /// Whether the last write failed, so that trouble is said once when it begins and once when it is over.
    pub(super) troubled: AtomicBool,
    /// How many writes were taken.
    pub(super) taken: AtomicU64,
}

/// A part of a batch, and what is known of it.
struct Part<T> {
    batch: Batch<T>,
    /// Whether it was cut from one that could not be written.
    halved: bool,
    /// How many writes had been taken when the target hung on this one item.
    hung: Option<u64>,
}

impl<T: Target> Writer<T> {
    /// Writes until the queue is closed and empty.
    pub(super) async fn run(&self) {
        while self.queue.ready(1).await == Wait::Ready {
            // In vain where less comes: then what is there is written.
            let _ = timeout(self.pace.linger, self.queue.ready(self.pace.batch_items)).await;
            while let Some(batch) = self.queue.take(self.pace.batch_items, self.pace.batch_bytes) {
                self.write(batch).await;
                if !self.is_batch_waiting() {
                    break;
                }
            }
        }
    }

    fn is_batch_waiting(&self) -> bool {
        self.queue.len() >= self.pace.batch_items
            || self.queue.account().counts().queued_bytes() >= self.pace.batch_bytes
    }

    /// Writes a batch, in parts where something in it cannot be written.
    ///
    /// An item on which the target hangs by itself is set aside, and dropped when it does so again after others were
    /// taken meanwhile: those behind it in the queue, where the batch has no more. Where none are, it is the target that
    /// hangs, which is sat out.
    async fn write(&self, batch: Batch<T::Item>) {
        let mut parts = vec![Part { batch, halved: false, hung: None }];
        while let Some(part) = parts.pop() {
            let (halved, hung) = (part.halved, part.hung);
            let Some((mut batch, reason)) = self.write_part(part).await else { continue };
            if batch.len() > 1 {
                let later = batch.split_off(batch.len().div_ceil(2));
                parts.push(Part { batch: later, halved: true, hung: None });
                parts.push(Part { batch, halved: true, hung: None });
                continue;
            }
            let taken = self.taken.load(Relaxed);
            if reason != DropReason::Timeout || hung.is_some_and(|before| taken > before) {
                batch.dropped(reason);
                continue;
            }
            if parts.is_empty() {
                let next = self.queue.take(self.pace.batch_items, self.pace.batch_bytes);
                parts.extend(next.map(|batch| Part { batch, halved: false, hung: None }));
            }
            parts.insert(0, Part { batch, halved, hung: hung.or(Some(taken)) });
        }
    }

    /// Writes one part until it is settled; returns it where it holds something that cannot be written, with the reason
    /// to drop it for if it is alone.
    async fn write_part(&self, part: Part<T::Item>) -> Option<(Batch<T::Item>, DropReason)> {
        let Part { batch, halved, .. } = part;
        let (mut rest, mut tries, mut hung) = (REST.0, 0, 0);
        loop {
            if batch.is_written_off() {
                return None;
            }
            let fault = match self.call(batch.items()).await {
                Ok(answers) => {
                    self.say_it_is_over();
                    self.taken.fetch_add(1, Relaxed);
                    self.settle(batch, &answers);
                    return None;
                }
                Err(fault) => fault,
            };
            self.say_there_is_trouble(&fault);
            match fault.then {
                Then::Bisect => return Some((batch, DropReason::Invalid)),
                Then::Drop(reason) => {
                    batch.dropped(reason);
                    return None;
                }
                Then::Suspect => {
                    tries += 1;
                    if tries >= TRIES {
                        return Some((batch, DropReason::Failed));
                    }
                }
                Then::Overdue => {
                    hung += 1;
                    // What was halved for hanging need not do it so often again.
                    if halved || hung >= TRIES {
                        return Some((batch, DropReason::Timeout));
                    }
                }
                Then::TryAgain => {}
            }
            sleep(jittered(rest)).await;
            rest = (rest * 2).min(REST.1);
        }
    }

    /// Calls the target, which may take its time, panic, or answer nonsense.
    async fn call(&self, items: &[T::Item]) -> Result<Vec<Appended>, Fault> {
        let started = Instant::now();
        let answer = timeout(self.pace.write_deadline, survive(|| self.target.write(items))).await;
        self.queue.account().record_write(started.elapsed());
        match answer {
            Err(_) => Err(Fault { then: Then::Overdue, error: "no answer within the deadline".into() }),
            Ok(None) => Err(Fault { then: Then::Suspect, error: "it panicked".into() }),
            Ok(Some(Ok(answers))) if answers.len() != items.len() => {
                Err(Fault { then: Then::Suspect, error: "it did not answer for every item".into() })
            }
            Ok(Some(answer)) => answer,
        }
    }

    fn settle(&self, batch: Batch<T::Item>, answers: &[Appended]) {
        let refused = |at: usize| matches!(answers.get(at), Some(Appended::Refused));
        for (_, item) in batch.items().iter().enumerate().filter(|(at, _)| !refused(*at)) {
            self.target.count(item);
        }
        batch.settle_each(|at| refused(at).then_some(DropReason::Invalid));
    }

    fn say_there_is_trouble(&self, fault: &Fault) {
        if fault.then != Then::Bisect && !self.troubled.swap(true, Relaxed) {
            let sink = self.queue.account().sink().as_str();
            tracing::warn!(sink, error = &*fault.error as &dyn std::error::Error, "what is recorded cannot be written");
        }
    }

    fn say_it_is_over(&self) {
        if self.troubled.swap(false, Relaxed) {
            tracing::info!(sink = self.queue.account().sink().as_str(), "what is recorded can be written again");
        }
    }
}

/// Between half of a time and all of it, so that many instances do not come back at once.
fn jittered(time: Duration) -> Duration {
    let share = RandomState::new().hash_one(()) >> 32;
    time / 2 + time / 2 * (share as u32 >> 16) / (1 << 16)
}
