//! The place of one check: its last result, and the one run that all who ask share.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::check::Check;
use super::failure::Failure;
use super::report::{CheckResult, State};
use crate::presets::Presets;

/// One check of a watch.
pub(super) struct Slot {
    check: Check,
    metrics: Presets,
    /// Who waits for a run waits here.
    run: watch::Sender<Run>,
    /// A probe that did not end with its time; another is not begun before it has.
    stuck: Mutex<Option<AbortHandle>>,
}

#[derive(Clone, Default)]
struct Run {
    under_way: bool,
    /// How many runs have ended.
    ended: u64,
    last: Option<(Instant, CheckResult)>,
}

impl Slot {
    pub(super) fn new(check: Check, metrics: Presets) -> Arc<Self> {
        Arc::new(Self { check, metrics, run: watch::Sender::default(), stuck: Mutex::default() })
    }

    pub(super) const fn check(&self) -> &Check {
        &self.check
    }

    /// Begins a run unless there is one, or a result that is still kept. Needs a runtime around it.
    pub(super) fn refresh(self: &Arc<Self>) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let begun = self.run.send_if_modified(|run| {
            let kept = run.last.as_ref().is_some_and(|(at, _)| at.elapsed() < self.check.keep);
            let begin = !run.under_way && !kept;
            run.under_way |= begin;
            begin
        });
        if begun {
            let pending =
                Pending { slot: Arc::clone(self), started: Instant::now(), at: SystemTime::now(), ended: false };
            runtime.spawn(pending.finish());
        }
    }

    /// Returns the result that is kept, or that of the run which is under way or begins now.
    pub(super) async fn result(self: Arc<Self>) -> CheckResult {
        let mut run = self.run.subscribe();
        let before = run.borrow().ended;
        self.refresh();
        // One that has ended meanwhile will do, or under many who ask there would always be another to wait for.
        let last = match run.wait_for(|run| !run.under_way || run.ended > before).await {
            Ok(run) => run.last.as_ref().map(|(_, result)| result.clone()),
            Err(_) => None,
        };
        last.unwrap_or_else(|| self.found(SystemTime::now(), Duration::ZERO, Err(Failure::new("no runtime to ask in"))))
    }

    fn found(&self, checked_at: SystemTime, took: Duration, answer: Result<(), Failure>) -> CheckResult {
        CheckResult {
            name: self.check.name.clone(),
            importance: self.check.importance,
            state: if answer.is_ok() { State::Up } else { State::Down },
            checked_at,
            took,
            cause: answer.err().map(|failure| failure.cause().to_owned()),
        }
    }

    async fn ask(&self) -> Result<(), Failure> {
        let limit = self.check.timeout;
        if self.stuck().as_ref().is_some_and(|probe| !probe.is_finished()) {
            return Err(Failure::new("the probe of before still blocks its thread"));
        }
        let probe = Arc::clone(&self.check.probe);
        // A task of its own, so that a probe that blocks its thread does not keep the answer waiting.
        let mut task = tokio::spawn(async move { probe.probe().await });
        match timeout(limit, &mut task).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) if error.is_panic() => {
                let payload = error.into_panic();
                Err(Failure::new(&format!("the check panicked: {}", panic_text(&*payload))))
            }
            Ok(Err(_)) => Err(Failure::new("the runtime is closing")),
            Err(_) => {
                task.abort();
                *self.stuck() = Some(task.abort_handle());
                Err(Failure::timeout(limit))
            }
        }
    }

    fn stuck(&self) -> std::sync::MutexGuard<'_, Option<AbortHandle>> {
        self.stuck.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run that ends with a result, whatever becomes of its task.
struct Pending {
    slot: Arc<Slot>,
    started: Instant,
    at: SystemTime,
    ended: bool,
}

impl Pending {
    async fn finish(mut self) {
        let answer = self.slot.ask().await;
        self.end(answer);
    }

    fn end(&mut self, answer: Result<(), Failure>) {
        self.ended = true;
        let (slot, took) = (&self.slot, self.started.elapsed());
        slot.metrics.monitoring().record_health_check(&slot.check.name, answer.is_ok());
        let result = slot.found(self.at, took, answer);
        slot.run.send_modify(|run| {
            *run = Run { under_way: false, ended: run.ended + 1, last: Some((Instant::now(), result)) };
        });
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.ended {
            self.end(Err(Failure::new("the check was not carried out")));
        }
    }
}

/// Returns what a panic said, or nothing where its payload is no text.
fn panic_text(payload: &(dyn std::any::Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or_default()
}
