//! The handle by which tasks are registered, run and looked at.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use serde_json::Value;

use super::core::Core;
use super::error::{InvalidTask, TaskError};
use super::options::TaskOptions;
use super::run::called;
use super::scheduler;
use super::task::{Task, TaskInfo};
use crate::id::Id;
use crate::presets::monitoring::MonitoringMetrics;
use crate::queue::Ended;
use crate::sanitise::label_value;
use crate::service::ServiceInfo;
use crate::store::{Instance, Store, TaskRun};
use crate::timestamp::Timestamp;

/// The tasks of a watch. Cloning it copies a handle.
#[derive(Clone)]
pub struct Tasks {
    open: Arc<Open>,
}

/// Lets the scheduler run until the last handle is gone.
struct Open {
    core: Arc<Core>,
    scheduler: Option<Ended>,
}

impl Tasks {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        metrics: Option<MonitoringMetrics>,
        service: &ServiceInfo,
        options: &TaskOptions,
    ) -> Self {
        let core = Arc::new(Core::new(store, metrics, this(service), options.lease));
        for task in super::builtin::tasks(&core.store, options) {
            // Their names differ, and there is room.
            let _registered = core.register(task);
        }
        let scheduler = options.scheduler.then(|| start(&core)).flatten();
        Self { open: Arc::new(Open { core, scheduler }) }
    }

    /// Registers a task of the app's own, or one in the place of a task that is [not available](Task::not_available).
    ///
    /// # Errors
    ///
    /// [`InvalidTask`] where its name is none or is taken, or an argument's default is not allowed.
    pub fn register(&self, task: Task) -> Result<(), InvalidTask> {
        self.open.core.register(task)
    }

    /// Runs a task now, and returns what it says: for the app's own job runner, a command, an API.
    ///
    /// It runs on the watch's thread for tasks, so it may be awaited on any executor, and goes on to its end when the caller
    /// is dropped. Of all instances on a database one runs a task at a time.
    ///
    /// # Errors
    ///
    /// [`TaskError`]: for an unknown name or a wrong argument with what is allowed, when it runs already, and when it fails.
    pub async fn run(&self, name: &str, arguments: Value) -> Result<Value, TaskError> {
        let (task, arguments) = self.open.core.prepare(name, arguments)?;
        let core = Arc::clone(&self.open.core);
        match self.open.core.worker.ask(called(core, task, arguments)) {
            Ok(answer) => answer.await.unwrap_or_else(|_| Err(TaskError::Closed { task: name.to_owned() })),
            Err(error) => Err(TaskError::Failed { task: name.to_owned(), source: error.into() }),
        }
    }

    /// Sets what an argument of a task is where a call leaves it out, and in scheduled runs: in this instance, until it ends.
    ///
    /// # Errors
    ///
    /// [`TaskError::Unknown`], and [`TaskError::Argument`] with what is allowed.
    pub fn set_default(&self, name: &str, argument: &str, value: impl Into<Value>) -> Result<(), TaskError> {
        self.open.core.set_default(name, argument, value.into())
    }

    /// Lists the tasks by name.
    pub fn list(&self) -> Vec<TaskInfo> {
        self.open.core.tasks().iter().map(|task| task.info()).collect()
    }

    /// Finds the last scheduled runs of a task, by any instance, newest first, at most 1,000.
    ///
    /// # Errors
    ///
    /// [`TaskError::Unknown`], and what the store says.
    pub async fn runs(&self, name: &str, limit: usize) -> Result<Vec<TaskRun>, TaskError> {
        self.open.core.known(name)?;
        self.open.core.store.runs(name, limit).await.map_err(|error| TaskError::store(name, error))
    }

    /// Tells whether this instance is the one that runs what is scheduled, as of a moment ago.
    pub fn leads(&self) -> bool {
        self.open.core.leads.load(Relaxed)
    }

    /// Returns the name of this instance, as leases and runs have it: host, process, and a number of this watch.
    pub fn instance(&self) -> &str {
        &self.open.core.this.name
    }

    /// Begins nothing more, waits for what runs until a deadline, gives up the rest, and says how many that were.
    pub(crate) fn close(&self, deadline: Instant) -> usize {
        let left = self.open.core.close(deadline);
        if let Some(scheduler) = &self.open.scheduler {
            scheduler.wait(deadline);
        }
        left
    }
}

fn start(core: &Arc<Core>) -> Option<Ended> {
    let runs = Arc::clone(core);
    match core.worker.run(move || scheduler::run(Arc::clone(&runs))) {
        Ok(ended) => Some(ended),
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "the thread for tasks cannot be started: nothing is run by itself");
            None
        }
    }
}

/// Describes this instance: of two watches or two starts of a process, no two have one name.
fn this(service: &ServiceInfo) -> Instance {
    let (host, now) = (super::host(), Timestamp::now());
    Instance {
        name: format!("{host}-{}-{:08x}", std::process::id(), super::draw() as u32),
        process: Id::this_process(),
        service: label_value(service.name).into_owned(),
        release: label_value(service.version).into_owned(),
        host,
        started_at: now,
        seen_at: now,
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.core.closing.send_replace(true);
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.open.core.fmt(f)
    }
}
