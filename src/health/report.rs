//! Reports: what the checks came to, and what that means for the service.

use std::time::{Duration, SystemTime};

use super::check::Importance;

/// Whether the service works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Every check is up.
    Healthy,
    /// Only informational checks are down.
    Degraded,
    /// A critical check is down.
    Unhealthy,
}

impl Status {
    /// Returns the word for it: `healthy`, `degraded`, `unhealthy`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// Whether what a check is about works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// It works.
    Up,
    /// It does not, or it was not known in time.
    Down,
}

impl State {
    /// Returns the word for it: `up`, `down`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// What one check came to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckResult {
    /// The check's name.
    pub name: String,
    /// What it means for the service.
    pub importance: Importance,
    /// Whether it works.
    pub state: State,
    /// When the probe was asked.
    pub checked_at: SystemTime,
    /// How long the probe took.
    pub took: Duration,
    /// Why it is down, with credentials masked; for an operator, not for the public.
    pub cause: Option<String>,
}

/// What all checks came to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Whether the service works.
    pub status: Status,
    /// When the report was made; a result in it may be older by as long as its check keeps it.
    pub at: SystemTime,
    /// The results, in the order in which the checks were added.
    pub checks: Vec<CheckResult>,
}

impl Report {
    pub(super) fn of(checks: Vec<CheckResult>) -> Self {
        let weight = |check: &CheckResult| match (check.state, check.importance) {
            (State::Up, _) => Status::Healthy,
            (State::Down, Importance::Informational) => Status::Degraded,
            (State::Down, Importance::Critical) => Status::Unhealthy,
        };
        let status = checks.iter().map(weight).max().unwrap_or(Status::Healthy);
        Self { status, at: SystemTime::now(), checks }
    }
}
