//! The place of one check: its last result, and the one run that all who ask share.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use super::check::{Asked, Check};
use super::failure::Failure;
use super::report::{CheckResult, State};
use crate::presets::Presets;

/// How much longer than its timeout a run may take before it counts as lost.
const SLACK: Duration = Duration::from_secs(1);

/// One check of a watch.
pub(super) struct Slot {
    check: Check,
    metrics: Presets,
    /// Who waits for a run waits here.
    run: watch::Sender<Run>,
    /// A probe that did not end with its time, or one that blocks; another is not begun before it has ended.
    stuck: Mutex<Option<AbortHandle>>,
}

#[derive(Clone, Default)]
struct Run {
    /// Which run is under way, and since when.
    under_way: Option<(u64, Instant)>,
    begun: u64,
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

    /// How long a run may take: one that takes longer stands still, on a runtime that nobody drives.
    const fn longest(&self) -> Duration {
        self.check.timeout.saturating_add(SLACK)
    }

    /// Begins a run unless there is one, or a result that is still kept; within a runtime only.
    pub(super) fn refresh(self: &Arc<Self>) {
        let Ok(runtime) = Handle::try_current() else { return };
        let mut number = 0;
        let begun = self.run.send_if_modified(|run| {
            let goes_on = run.under_way.is_some_and(|(_, since)| since.elapsed() < self.longest());
            let begin = !goes_on && self.kept(run).is_none();
            if begin {
                run.begun += 1;
                number = run.begun;
                run.under_way = Some((number, Instant::now()));
            }
            begin
        });
        if begun {
            let (slot, started, at) = (Arc::clone(self), Instant::now(), SystemTime::now());
            runtime.spawn(Pending { slot, number, started, at, ended: false }.finish());
        }
    }

    /// Begins a run where one is due, and returns the result that is kept or will be that of the run under way.
    pub(super) fn result(self: &Arc<Self>) -> impl Future<Output = CheckResult> + Send + use<> {
        let (slot, mut run) = (Arc::clone(self), self.run.subscribe());
        let before = run.borrow().ended;
        self.refresh();
        async move {
            // Nothing can be begun here, nor waited for in bounded time.
            let Ok(runtime) = Handle::try_current() else {
                let kept = slot.kept(&run.borrow()).cloned();
                return kept.unwrap_or_else(|| slot.unknown("no runtime to ask in"));
            };
            // One that has ended meanwhile will do, or under many who ask there would always be another to wait for.
            let ended = |run: &Run| run.under_way.is_none() || run.ended > before;
            if !ended(&run.borrow()) {
                // A task of its own, since making a timer panics where the runtime has none.
                let longest = slot.longest();
                let mut timer = JoinSet::new();
                timer.spawn_on(async move { tokio::time::sleep(longest).await }, &runtime);
                tokio::select! {
                    biased;
                    _ = run.wait_for(ended) => {}
                    _ = timer.join_next() => {}
                }
            }
            let run = run.borrow();
            match &run.last {
                Some((_, result)) if ended(&run) => result.clone(),
                _ => slot.unknown("the runtime that the check was begun on does not run"),
            }
        }
    }

    /// Returns the last result as long as it is kept.
    fn kept<'a>(&self, run: &'a Run) -> Option<&'a CheckResult> {
        run.last.as_ref().filter(|(at, _)| at.elapsed() < self.check.keep).map(|(_, result)| result)
    }

    fn unknown(&self, cause: &str) -> CheckResult {
        self.found(SystemTime::now(), Duration::ZERO, Err(Failure::new(cause)))
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
        // A task of its own, so that a probe that blocks its thread does not keep the answer waiting.
        let mut task = match self.check.probe.clone() {
            Asked::Async(probe) => tokio::spawn(async move { probe.probe().await }),
            Asked::Blocking(probe) => {
                let task = tokio::task::spawn_blocking(move || probe());
                // Kept from the start: its thread outlasts this run, whatever becomes of that.
                *self.stuck() = Some(task.abort_handle());
                task
            }
        };
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
    number: u64,
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
        let is_up = answer.is_ok();
        let result = slot.found(self.at, took, answer);
        let current = slot.run.send_if_modified(|run| {
            // One that was lost, and whose runtime runs again, comes too late.
            let current = run.under_way.is_some_and(|(number, _)| number == self.number);
            if current {
                run.under_way = None;
                run.ended += 1;
                run.last = Some((Instant::now(), result));
            }
            current
        });
        if current {
            slot.metrics.monitoring().record_health_check(&slot.check.name, is_up);
        }
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
