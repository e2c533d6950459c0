//! One run of a task: under a lease, within its time, counted once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::argument::Arguments;
use super::context::TaskContext;
use super::core::{Core, available};
use super::error::TaskError;
use super::task::Task;
use crate::presets::Status;
use crate::sanitise::redact;
use crate::store::{Lease, Leased, MAX_NOTE_BYTES, RunClaim, RunStatus, StoreError};
use crate::timestamp::Timestamp;

/// How often the end of a run is told to a store that does not answer.
const TRIES: u32 = 3;

/// What came of a scheduled run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// The interval has had its run, by this instance or another.
    Done,
    /// It has not; another attempt may be made.
    Again,
}

/// Runs a task that was called.
pub(super) async fn called(core: Arc<Core>, task: Arc<Task>, arguments: Arguments) -> Result<Value, TaskError> {
    let name = task.name();
    let Some(_under_way) = core.begin() else { return Err(TaskError::Closed { task: name.to_owned() }) };
    let held = Held::take(&core, name).await?;
    let started = Instant::now();
    let done = execute(&core, &task, &held, None, arguments).await;
    // An end that nobody else has counted is this run's.
    if !matches!(done, Err(TaskError::Superseded { .. })) {
        count(&core, name, done.is_ok(), started.elapsed());
    }
    held.release().await;
    done
}

/// Runs a task for an interval, unless that has had its run.
pub(super) async fn scheduled(core: Arc<Core>, task: Arc<Task>, slot: Timestamp) -> Attempt {
    let name = task.name();
    let Some(_under_way) = core.begin() else { return Attempt::Again };
    let held = match Held::take(&core, name).await {
        Ok(held) => held,
        Err(error) => {
            tracing::debug!(task = name, error = &error as &dyn std::error::Error, "a scheduled task is not begun yet");
            return Attempt::Again;
        }
    };
    let (holder, fence) = (held.holder.clone(), held.lease.fence);
    let claim = RunClaim { task: name.to_owned(), slot, holder, fence };
    let attempt = match core.store.begin_run(&claim).await {
        Ok(true) => run_claimed(&core, &task, &held, &claim).await,
        Ok(false) => Attempt::Done,
        Err(error) => {
            tracing::debug!(task = name, error = &error as &dyn std::error::Error, "a scheduled task is not begun yet");
            Attempt::Again
        }
    };
    held.release().await;
    attempt
}

async fn run_claimed(core: &Arc<Core>, task: &Task, held: &Held, claim: &RunClaim) -> Attempt {
    let (name, started) = (task.name(), Instant::now());
    let arguments = Arguments::check(name, &task.arguments, Value::Null);
    let done = match arguments {
        Ok(arguments) => execute(core, task, held, Some(claim.slot), arguments).await,
        Err(error) => Err(error),
    };
    let time = started.elapsed();
    if matches!(done, Err(TaskError::Closed { .. })) {
        // It did not fail. Whoever leads next takes it over.
        return Attempt::Again;
    }
    let (status, note) = match &done {
        Ok(Value::Null) => (RunStatus::Success, None),
        Ok(value) => (RunStatus::Success, Some(value.to_string())),
        Err(error) => (RunStatus::Error, Some(error.line())),
    };
    let note = note.map(|note| redact(&note.replace('\0', "\u{FFFD}"), MAX_NOTE_BYTES));
    match end(core, claim, status, note.as_deref()).await {
        Ok(true) => {
            count(core, name, done.is_ok(), time);
            match &done {
                Ok(_) => tracing::debug!(task = name, ?time, "a scheduled task was run"),
                Err(error) => {
                    tracing::error!(task = name, error = error as &dyn std::error::Error, "a scheduled task failed");
                }
            }
        }
        Ok(false) => tracing::warn!(task = name, "a run came to its end after another instance had taken it over"),
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(task = name, error, "the end of a run could not be told to the store, so it is not counted");
        }
    }
    Attempt::Done
}

async fn end(core: &Core, claim: &RunClaim, status: RunStatus, note: Option<&str>) -> Result<bool, StoreError> {
    let mut tries = 0;
    loop {
        match core.store.end_run(claim, status, note).await {
            Err(error) if error.is_transient() && tries < TRIES => {
                tries += 1;
                sleep(Duration::from_millis(200)).await;
            }
            answer => return answer,
        }
    }
}

fn count(core: &Core, task: &str, succeeded: bool, time: Duration) {
    if let Some(metrics) = &core.metrics {
        let status = if succeeded { Status::Success } else { Status::Error };
        metrics.record_task_run(task, status, time);
    }
}

/// Does what a task is for, until it is done, its time is over, it is another's, or the watch is closed.
async fn execute(
    core: &Arc<Core>,
    task: &Task,
    held: &Held,
    slot: Option<Timestamp>,
    arguments: Arguments,
) -> Result<Value, TaskError> {
    let name = task.name().to_owned();
    let work = available(task)?;
    let context = TaskContext {
        task: name.as_str().into(),
        slot,
        fence: held.lease.fence,
        started_at: held.lease.now,
        started: Instant::now(),
        closing: core.closing.subscribe(),
        store: Arc::clone(&core.store),
    };
    // In a task of its own, which a panic ends and nothing else.
    let work = tokio::spawn(async move { work.run(context, arguments).await });
    let _abort = Abort(work.abort_handle());
    tokio::select! {
        biased;
        done = work => match done {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(TaskError::of_work(&name, error)),
            Err(_) => Err(TaskError::Panicked { task: name }),
        },
        () = sleep(task.timeout) => Err(TaskError::TimedOut { task: name, after: task.timeout }),
        () = held.lost() => Err(TaskError::Superseded { task: name }),
        () = is_over(core.over.subscribe()) => Err(TaskError::Closed { task: name }),
    }
}

async fn is_over(mut over: watch::Receiver<bool>) {
    let _over = over.wait_for(|over| *over).await;
}

/// Ends a task of the runtime when it is dropped.
struct Abort(AbortHandle);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The lease of a task, held for one run.
struct Held {
    core: Arc<Core>,
    name: String,
    holder: String,
    lease: Lease,
}

impl Held {
    async fn take(core: &Arc<Core>, task: &str) -> Result<Self, TaskError> {
        let (name, holder) = (format!("task/{task}"), core.holder());
        match core.store.acquire_lease(&name, &holder, core.lease).await {
            Ok(Leased::Held(lease)) => Ok(Self { core: Arc::clone(core), name, holder, lease }),
            Ok(Leased::Taken(lease)) => Err(TaskError::Busy { task: task.to_owned(), holder: lease.holder }),
            Err(error) => Err(TaskError::store(task, error)),
        }
    }

    /// Renews the lease for as long as it is ours; comes back when it is another's.
    ///
    /// Where the store does not answer, the run goes on: if another takes the task over, it ends uncounted.
    async fn lost(&self) {
        let third = self.core.lease / 3;
        loop {
            sleep(third).await;
            let renewed = self.core.store.acquire_lease(&self.name, &self.holder, self.core.lease);
            match timeout(third, renewed).await {
                Ok(Ok(Leased::Held(lease))) if lease.fence != self.lease.fence => return,
                Ok(Ok(Leased::Taken(_))) => return,
                _ => {}
            }
        }
    }

    async fn release(self) {
        let released = self.core.store.release_lease(&self.name, &self.holder);
        // What is not given back ends by itself.
        let _unheard = timeout(self.core.lease, released).await;
    }
}
