//! What runs, the scheduler and the handle have in common.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::{Notify, watch};

use super::argument::Arguments;
use super::error::{InvalidTask, TaskError};
use super::task::{Task, Work};
use crate::presets::monitoring::MonitoringMetrics;
use crate::queue::Worker;
use crate::sanitise::truncate;
use crate::store::{Instance, Store};

/// The most tasks of one watch.
const MOST_TASKS: usize = 1000;

pub(super) struct Core {
    pub(super) store: Arc<dyn Store>,
    pub(super) metrics: Option<MonitoringMetrics>,
    pub(super) worker: Worker,
    pub(super) lease: Duration,
    /// Who this is among all instances, however often a process is started on a host.
    pub(super) this: Instance,
    tasks: RwLock<BTreeMap<String, Arc<Task>>>,
    /// Told when there is another task.
    pub(super) changed: Notify,
    /// Whether this instance runs what is scheduled.
    pub(super) leads: AtomicBool,
    runs: AtomicU64,
    /// Whether nothing is to begin any more.
    pub(super) closing: watch::Sender<bool>,
    /// Whether what still runs is to be dropped.
    pub(super) over: watch::Sender<bool>,
    under_way: Mutex<usize>,
    ended: Condvar,
}

impl Core {
    pub(super) fn new(
        store: Arc<dyn Store>,
        metrics: Option<MonitoringMetrics>,
        this: Instance,
        lease: Duration,
    ) -> Self {
        Self {
            store,
            metrics,
            worker: Worker::for_the_app(),
            lease,
            this,
            tasks: RwLock::default(),
            changed: Notify::new(),
            leads: AtomicBool::new(false),
            runs: AtomicU64::new(0),
            closing: watch::Sender::new(false),
            over: watch::Sender::new(false),
            under_way: Mutex::default(),
            ended: Condvar::new(),
        }
    }

    /// Registers a task, in the place of one that is not available or where there is none of its name.
    pub(super) fn register(&self, task: Task) -> Result<(), InvalidTask> {
        task.check()?;
        let name = task.name().to_owned();
        let mut tasks = self.tasks.write().unwrap_or_else(PoisonError::into_inner);
        match tasks.get(&name) {
            Some(there) if there.work.is_ok() => return Err(InvalidTask::NameTaken { name }),
            None if tasks.len() >= MOST_TASKS => return Err(InvalidTask::TooMany { name }),
            _ => {}
        }
        tasks.insert(name, Arc::new(task));
        drop(tasks);
        self.changed.notify_one();
        Ok(())
    }

    pub(super) fn tasks(&self) -> Vec<Arc<Task>> {
        self.tasks.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Puts another default in the place of an argument's, if it is allowed.
    pub(super) fn set_default(&self, name: &str, argument: &str, value: Value) -> Result<(), TaskError> {
        let task = self.known(name)?;
        Arguments::check(name, &task.arguments, serde_json::json!({ argument: value }))?;
        let mut task = Task::clone(&task);
        for own in task.arguments.iter_mut().filter(|own| own.name() == argument) {
            *own = own.clone().default_to(value.clone());
        }
        self.tasks.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), Arc::new(task));
        Ok(())
    }

    /// Finds a task, what does it, and its arguments, checked.
    pub(super) fn prepare(&self, name: &str, given: Value) -> Result<(Arc<Task>, Arguments), TaskError> {
        let task = self.known(name)?;
        let arguments = Arguments::check(name, &task.arguments, given)?;
        available(&task)?;
        Ok((task, arguments))
    }

    /// Makes sure that there is a task of a name.
    pub(super) fn known(&self, name: &str) -> Result<Arc<Task>, TaskError> {
        let tasks = self.tasks.read().unwrap_or_else(PoisonError::into_inner);
        tasks.get(name).cloned().ok_or_else(|| {
            let known = tasks.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            TaskError::Unknown { name: truncate(name, 64).to_owned(), known }
        })
    }

    /// Makes a name for one run, that no other run has anywhere.
    pub(super) fn holder(&self) -> String {
        format!("{}/{}", self.this.name, self.runs.fetch_add(1, Relaxed) + 1)
    }

    /// Counts a run as under way until what this returns is dropped; none when the watch is closing.
    pub(super) fn begin(self: &Arc<Self>) -> Option<UnderWay> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if *self.closing.borrow() {
            return None;
        }
        *under_way += 1;
        Some(UnderWay(Arc::clone(self)))
    }

    /// Waits for what runs until a deadline, gives up the rest, and says how many that were.
    pub(super) fn close(&self, deadline: Instant) -> usize {
        self.closing.send_replace(true);
        let left = self.wait(deadline);
        self.over.send_replace(true);
        left
    }

    fn wait(&self, deadline: Instant) -> usize {
        let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let time = deadline.saturating_duration_since(Instant::now());
        let waited = self.ended.wait_timeout_while(under_way, time, |under_way| *under_way > 0);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Returns what does a task.
pub(super) fn available(task: &Task) -> Result<Arc<dyn Work>, TaskError> {
    task.work.clone().map_err(|reason| TaskError::not_available(task.name(), reason))
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks = self.tasks();
        f.debug_struct("Tasks")
            .field("instance", &self.this.name)
            .field("tasks", &tasks.iter().map(|task| task.name()).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// A run that is under way.
pub(super) struct UnderWay(Arc<Core>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        *self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.ended.notify_all();
    }
}
