//! A task: a name, what it does, its arguments, and how often the scheduler runs it.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::argument::{Argument, Arguments};
use super::context::TaskContext;
use super::error::InvalidTask;
use crate::sanitise::truncate;

/// How long a run may take unless its task says otherwise.
const TIMEOUT: Duration = Duration::from_secs(300);

/// The shortest interval.
const SHORTEST: Duration = Duration::from_millis(100);

/// The longest jitter that a task has without a choice.
const LONGEST_JITTER: Duration = Duration::from_secs(30);

/// What a run comes to.
pub type TaskFuture = Pin<Box<dyn Future<Output = Result<Value, Box<dyn Error + Send + Sync>>> + Send>>;

/// Does what a task is for; any async function of a [`TaskContext`] and [`Arguments`] is one.
///
/// It runs on the watch's thread for tasks, beside others, so it should not block; what blocks belongs into
/// `tokio::task::spawn_blocking`. It is dropped when its time is over, or when the watch closes and its time for that is
/// over, so it should leave nothing half done behind, or what it can go on from.
pub trait Work: Send + Sync + 'static {
    /// Runs once.
    fn run(&self, context: TaskContext, arguments: Arguments) -> TaskFuture;
}

impl<F, R, E> Work for F
where
    F: Fn(TaskContext, Arguments) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Value, E>> + Send + 'static,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    fn run(&self, context: TaskContext, arguments: Arguments) -> TaskFuture {
        let done = self(context, arguments);
        Box::pin(async move { done.await.map_err(Into::into) })
    }
}

/// A task as it is registered.
///
/// ```
/// use std::time::Duration;
/// use serde_json::{Value, json};
/// use watchkeeper::tasks::{Argument, Arguments, Task, TaskContext};
///
/// async fn sweep(_: TaskContext, arguments: Arguments) -> Result<Value, std::io::Error> {
///     Ok(json!({ "swept": arguments.whole("carts") }))
/// }
///
/// let task = Task::new("sweep_carts", sweep)
///     .argument(Argument::whole("carts", 1, 1000).default_to(100))
///     .every(Duration::from_secs(3600));
/// assert_eq!(task.name(), "sweep_carts");
/// ```
#[derive(Clone)]
#[must_use = "a task does nothing until it is registered"]
pub struct Task {
    pub(super) name: Cow<'static, str>,
    pub(super) about: Cow<'static, str>,
    pub(super) arguments: Vec<Argument>,
    pub(super) every: Option<Duration>,
    pub(super) jitter: Option<Duration>,
    pub(super) timeout: Duration,
    pub(super) work: Result<Arc<dyn Work>, Cow<'static, str>>,
}

impl Task {
    /// Makes a task that runs when it is called.
    pub fn new(name: impl Into<Cow<'static, str>>, work: impl Work) -> Self {
        Self::with(name.into(), Ok(Arc::new(work)))
    }

    /// Makes a task that has a name and arguments, and answers
    /// [`NotAvailable`](super::TaskError::NotAvailable) with a reason until another is registered in its place.
    pub fn not_available(name: impl Into<Cow<'static, str>>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::with(name.into(), Err(reason.into()))
    }

    fn with(name: Cow<'static, str>, work: Result<Arc<dyn Work>, Cow<'static, str>>) -> Self {
        let about = Cow::Borrowed("");
        Self { name, about, arguments: Vec::new(), every: None, jitter: None, timeout: TIMEOUT, work }
    }

    /// Says what it does, in a sentence. Default: nothing.
    pub fn about(mut self, about: impl Into<Cow<'static, str>>) -> Self {
        self.about = about.into();
        self
    }

    /// Adds an argument; any that a task does not have is refused. Default: none.
    pub fn argument(mut self, argument: Argument) -> Self {
        self.arguments.push(argument);
        self
    }

    /// Lets the scheduler run it once in every interval of this length, at least 100 ms, counted from 1970 by the store's
    /// clock. Default: it runs only when it is called.
    pub fn every(mut self, interval: Duration) -> Self {
        self.every = Some(interval.max(SHORTEST));
        self
    }

    /// Begins a scheduled run at random within this time after the beginning of its interval. Default: a tenth of the
    /// interval, at most 30 s.
    pub fn jitter(mut self, jitter: Duration) -> Self {
        self.jitter = Some(jitter);
        self
    }

    /// Gives a run so much time; then it is dropped and counts as failed. Default: 5 min.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The latest moment after the beginning of an interval at which a run begins.
    pub(super) fn latest(&self, every: Duration) -> Duration {
        // Beyond the half of an interval there might be none of it left for the run.
        self.jitter.unwrap_or_else(|| (every / 10).min(LONGEST_JITTER)).min(every / 2)
    }

    pub(super) fn check(&self) -> Result<(), InvalidTask> {
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let begins = self.name.starts_with(|c: char| c.is_ascii_lowercase());
        if !begins || self.name.len() > 64 || !self.name.chars().all(is_name) {
            return Err(InvalidTask::Name { name: truncate(&self.name, 64).to_owned() });
        }
        for argument in &self.arguments {
            if argument.default().is_some_and(|value| !argument.takes(value)) {
                let (task, field) = (self.name.clone().into_owned(), argument.name().to_owned());
                return Err(InvalidTask::Default { task, field, allowed: argument.allowed() });
            }
        }
        Ok(())
    }

    pub(super) fn info(&self) -> TaskInfo {
        TaskInfo {
            name: self.name.clone().into_owned(),
            about: self.about.clone().into_owned(),
            arguments: self.arguments.iter().map(ArgumentInfo::of).collect(),
            every_seconds: self.every.map(|every| every.as_secs_f64()),
            timeout_seconds: self.timeout.as_secs_f64(),
            not_available: self.work.as_ref().err().map(|reason| reason.clone().into_owned()),
        }
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("name", &self.name)
            .field("every", &self.every)
            .field("timeout", &self.timeout)
            .field("is_available", &self.work.is_ok())
            .finish_non_exhaustive()
    }
}

/// What is told of a task.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TaskInfo {
    /// Its name.
    pub name: String,
    /// What it does.
    pub about: String,
    /// Its arguments.
    pub arguments: Vec<ArgumentInfo>,
    /// How often the scheduler runs it, in seconds; none where it runs only when it is called.
    pub every_seconds: Option<f64>,
    /// How long a run may take, in seconds.
    pub timeout_seconds: f64,
    /// Why it cannot be run; none where it can.
    pub not_available: Option<String>,
}

/// What is told of an argument.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ArgumentInfo {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// What it may be, in words.
    pub allowed: String,
    /// Whether a run needs it.
    pub required: bool,
    /// Its value where it is left out.
    pub default: Option<Value>,
}

impl ArgumentInfo {
    fn of(argument: &Argument) -> Self {
        Self {
            name: argument.name().to_owned(),
            about: argument.description().to_owned(),
            allowed: argument.allowed(),
            required: argument.is_required(),
            default: argument.default().cloned(),
        }
    }
}
