//! What can go wrong with a task.

use std::error::Error;
use std::time::Duration;

use thiserror::Error;

use crate::environment::NotUnicode;
use crate::store::StoreError;

/// Says why a task was not run, or what became of it. It names the task.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TaskError {
    /// There is no task of that name.
    #[error("no task is named {name:?}; there are: {known}")]
    Unknown {
        /// The name that was asked for, cut to 64 bytes.
        name: String,
        /// The names that there are, separated by commas.
        known: String,
    },
    /// An argument is not what it may be.
    #[error("{task}: {field} {problem}; allowed: {allowed}")]
    Argument {
        /// The task.
        task: String,
        /// The argument.
        field: String,
        /// What is wrong with it.
        problem: String,
        /// What it may be, in words.
        allowed: String,
    },
    /// The task has a name, and nothing that does it.
    #[error("{task} is not available: {reason}")]
    NotAvailable {
        /// The task.
        task: String,
        /// Why not.
        reason: String,
    },
    /// It is running already, here or in another instance.
    #[error("{task} is running already, by {holder}")]
    Busy {
        /// The task.
        task: String,
        /// Who runs it.
        holder: String,
    },
    /// It took longer than it may.
    #[error("{task} was given up after {after:?}")]
    TimedOut {
        /// The task.
        task: String,
        /// How long it may take.
        after: Duration,
    },
    /// It panicked.
    #[error("{task} panicked")]
    Panicked {
        /// The task.
        task: String,
    },
    /// Another instance has taken the task over meanwhile, so what this run did is not counted.
    #[error("{task} was taken over by another instance while it ran")]
    Superseded {
        /// The task.
        task: String,
    },
    /// The watch is closed, or was closed while it ran.
    #[error("{task} was not run to its end: the watch is closed")]
    Closed {
        /// The task.
        task: String,
    },
    /// The store did not answer as it should.
    #[error("{task}: the store failed")]
    Store {
        /// The task.
        task: String,
        /// What it said.
        source: StoreError,
    },
    /// What the task does failed.
    #[error("{task} failed")]
    Failed {
        /// The task.
        task: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl TaskError {
    /// Says that what a task needs is not there.
    pub fn not_available(task: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::NotAvailable { task: task.into(), reason: reason.into() }
    }

    /// Tells whether the same call may succeed later, without anything being changed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::TimedOut { .. } | Self::Superseded { .. } => true,
            Self::Store { source, .. } => source.is_transient(),
            _ => false,
        }
    }

    pub(super) fn store(task: &str, source: StoreError) -> Self {
        Self::Store { task: task.to_owned(), source }
    }

    /// Takes what a task's work came to: one of these errors as it is, any other with the task's name.
    pub(super) fn of_work(task: &str, error: Box<dyn Error + Send + Sync>) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(known) => return *known,
            Err(error) => error,
        };
        match error.downcast::<StoreError>() {
            Ok(source) => Self::store(task, *source),
            Err(source) => Self::Failed { task: task.to_owned(), source },
        }
    }

    /// Writes the error and its causes in one line.
    pub(super) fn line(&self) -> String {
        let (mut line, mut cause) = (self.to_string(), self.source());
        while let Some(error) = cause {
            line = format!("{line}: {error}");
            cause = error.source();
        }
        line
    }
}

/// Says why a task was not registered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidTask {
    /// Its name is not one: 1 to 64 of the characters `a` to `z`, `0` to `9` and `_`, a letter first.
    #[error("{name:?} is no name of a task: 1 to 64 of a to z, 0 to 9 and _, a letter first")]
    Name {
        /// The name, cut to 64 bytes.
        name: String,
    },
    /// Another task has its name.
    #[error("a task named {name} is registered already")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// There are 1,000 already.
    #[error("{name} finds no room: there are 1000 tasks already")]
    TooMany {
        /// The name.
        name: String,
    },
    /// An argument's default is not what the argument may be.
    #[error("{task}: the default of {field} is not allowed; allowed: {allowed}")]
    Default {
        /// The task.
        task: String,
        /// The argument.
        field: String,
        /// What it may be, in words.
        allowed: String,
    },
}

/// Says which choice about tasks is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidTaskOptions {
    /// A variable's value is not Unicode text.
    #[error(transparent)]
    NotUnicode(#[from] NotUnicode),
    /// A variable's value is no number of days.
    #[error("{variable} is {given:?}; allowed: a whole number of days from 1 to 3650")]
    Days {
        /// The variable.
        variable: &'static str,
        /// What was given, cut to 64 bytes.
        given: String,
    },
}
