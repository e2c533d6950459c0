//! Who of several instances does a thing, and what of it was done.

use std::fmt::Debug;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::StoreFuture;
use crate::named::named_enum;
use crate::timestamp::Timestamp;

/// The longest name of a lease, a holder, a task or a progress, in bytes; a longer one is refused.
pub const MAX_LEASE_NAME_BYTES: usize = 256;
/// The longest note of a run, in bytes; a longer one is refused.
pub const MAX_NOTE_BYTES: usize = 2048;
/// The most bytes that a progress takes as JSON; a longer one is refused.
pub const MAX_PROGRESS_BYTES: usize = 64 * 1024;

/// Keeps leases, the runs of tasks, and how far tasks have come: what instances that share a store agree on.
///
/// **Clock.** Time is the store's own: a database's, whatever the clocks of the instances say.
///
/// **Leases.** A lease has one holder at a time, until it ends or is released. Its number, the fence, rises with each new
/// holder and never falls; whoever comes back to a lease that nobody took meanwhile keeps its number, ended or not.
///
/// **Runs.** A task is run once for a slot. Whoever begins it names its fence; a run that was begun and not ended is taken
/// over by a higher fence, and then the former one cannot end it any more. So of several who do the same work, because one
/// was frozen and woke again, one is counted.
///
/// **Progress.** It is not put back by a lower fence than it was last put by.
pub trait LeaseStore: Debug + Send + Sync {
    /// Takes a lease for a time, or renews it for its holder.
    fn acquire_lease<'a>(&'a self, name: &'a str, holder: &'a str, time: Duration) -> StoreFuture<'a, Leased>;

    /// Gives a lease back before its end; false where it is not, or no longer, that holder's.
    fn release_lease<'a>(&'a self, name: &'a str, holder: &'a str) -> StoreFuture<'a, bool>;

    /// Begins the run of a task for a slot; false where it was ended, or was begun by this fence or a higher one.
    fn begin_run<'a>(&'a self, claim: &'a RunClaim) -> StoreFuture<'a, bool>;

    /// Ends a run, which counts it; false where it was ended already, or is another fence's by now.
    fn end_run<'a>(&'a self, claim: &'a RunClaim, status: RunStatus, note: Option<&'a str>) -> StoreFuture<'a, bool>;

    /// Finds the last runs of a task, newest slot first, at most 1,000.
    fn runs<'a>(&'a self, task: &'a str, limit: usize) -> StoreFuture<'a, Vec<TaskRun>>;

    /// Forgets the runs of slots before a time, and instances that were last seen before it; says how many runs.
    fn forget_runs(&self, before: Timestamp) -> StoreFuture<'_, u64>;

    /// Notes that an instance is there; one that was noted before is seen again, as it is now.
    fn announce_instance<'a>(&'a self, instance: &'a Instance) -> StoreFuture<'a, ()>;

    /// Finds the instances that were seen last, newest first, at most 1,000.
    fn instances(&self, limit: usize) -> StoreFuture<'_, Vec<Instance>>;

    /// Finds how far something has come.
    fn progress<'a>(&'a self, name: &'a str) -> StoreFuture<'a, Option<Value>>;

    /// Notes how far something has come; false where a higher fence has noted it before.
    fn put_progress<'a>(&'a self, name: &'a str, fence: u64, value: &'a Value) -> StoreFuture<'a, bool>;
}

/// One process of a service, as it announces itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// What tells it apart from every other one.
    pub name: String,
    /// The number that the ids which it makes end with ([`Id::process`](crate::Id::process)).
    pub process: u32,
    /// The service's name.
    pub service: String,
    /// The service's version.
    pub release: String,
    /// The host that it runs on.
    pub host: String,
    /// When it was first seen, by the store's clock; what is told of it is not kept.
    pub started_at: Timestamp,
    /// When it was last seen, by the store's clock; what is told of it is not kept.
    pub seen_at: Timestamp,
}

/// What came of asking for a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leased {
    /// It is the caller's.
    Held(Lease),
    /// Another one has it.
    Taken(Lease),
}

impl Leased {
    /// Returns the lease where it is the caller's.
    pub fn held(self) -> Option<Lease> {
        match self {
            Self::Held(lease) => Some(lease),
            Self::Taken(_) => None,
        }
    }
}

/// A lease as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Who has it.
    pub holder: String,
    /// The number of this holding; each new holder has a higher one.
    pub fence: u64,
    /// When the store was asked, by its own clock.
    pub now: Timestamp,
    /// When it ends unless it is renewed, by the same clock.
    pub until: Timestamp,
}

/// What makes a run somebody's: the task, the slot that it is for, and who runs it under which fence.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RunClaim {
    /// The task's name.
    pub task: String,
    /// The beginning of the interval that the run is for.
    pub slot: Timestamp,
    /// Who runs it.
    pub holder: String,
    /// The fence of the lease that it is run under.
    pub fence: u64,
}

named_enum! {
    /// How a run ended.
    pub enum RunStatus: "status" {
        /// It did what it was for.
        Success = "success",
        /// It failed.
        Error = "error",
    }
}

/// One run of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TaskRun {
    /// The task's name.
    pub task: String,
    /// The beginning of the interval that it was for.
    pub slot: Timestamp,
    /// Who ran it, last.
    pub holder: String,
    /// The fence that it was run under, last.
    pub fence: u64,
    /// When it was begun, last.
    pub started_at: Timestamp,
    /// When it ended; none while it runs, or where its instance died.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub status: Option<RunStatus>,
    /// What is said about it, such as the error.
    pub note: Option<String>,
}
