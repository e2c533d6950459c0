//! Stores: where events and samples are kept and found again. The traits are the law; every store keeps it.
//!
//! # The law
//!
//! **Order.** Things are ordered by their [`Id`], which is by time, then by arrival. Oldest first means rising ids;
//! newest first is the exact reverse. Times that arrive late are put where they belong.
//!
//! **Paging.** A page holds at most `limit` things and says where the next one begins, unless it is the last. Whoever
//! follows the cursors to the end gets each thing that was stored before the first page exactly once, whatever is stored
//! meanwhile. A cursor of another query, or on a thing that is gone, is a place like any other.
//!
//! **Scope.** What is outside the scope of a query is not there: not on a page, not counted by an offset, not by its id.
//!
//! **Absent.** An id that is not there answers `None`, a query without a match an empty page; neither is an error. A text
//! that nothing can have, such as one with the character NUL, matches nothing.
//!
//! **Letters.** Texts are compared byte by byte: with case, with spaces, without patterns.
//!
//! **Duplicates.** An id that is stored already stays as it is, and the answer says so. So a batch may be sent again.
//!
//! **Atomicity.** What `append` answered as stored is read by every later call. When it answers with an error, each of
//! its things may be stored or not, and the same batch may be sent again; only [`Refused`](StoreErrorKind::Refused) says that
//! nothing was stored. A batch may be read while it is half stored, each of its things whole or not at all.
//!
//! **Refusals.** A store that finds a thing it can never keep answers that one as [`Refused`](Appended::Refused) and
//! stores the others; one that cannot tell which it was answers the whole call with an error of kind `Refused`.
//!
//! **Time.** Every call ends: a store whose counterpart does not answer gives up with [`Timeout`](StoreErrorKind::Timeout).
//! A call that is dropped before its end leaves the store usable; what it asked for may have been done.

mod alert;
mod audit;
mod error;
mod from_env;
mod incident;
mod lease;
mod memory;
mod parts;
#[cfg(feature = "postgres")]
pub mod postgres;
mod query;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use alert::{AlertQuery, AlertStore, RuleQuery};
pub use audit::{AuditQuery, AuditStore};
pub use error::{StoreError, StoreErrorKind};
pub use from_env::InvalidStore;
pub use incident::{Changed, IncidentQuery, IncidentStore, Opened, TimelineQuery};
pub use lease::{
    Instance, Lease, LeaseStore, Leased, MAX_LEASE_NAME_BYTES, MAX_NOTE_BYTES, MAX_PROGRESS_BYTES, RunClaim, RunStatus,
    TaskRun,
};
pub use memory::{Memory, MemoryLimits};
pub use parts::Parts;
#[cfg(feature = "postgres")]
pub use postgres::{Postgres, PostgresOptions};
pub use query::{
    Cursor, DEFAULT_LIMIT, EventQuery, MAX_LIMIT, MAX_OFFSET, Order, Page, Paging, SampleQuery, Scope, same,
};

use crate::event::{Event, EventType, Fields, Level};
use crate::id::Id;
use crate::sample::Sample;
use crate::timestamp::Timestamp;

/// What a store answers, sooner or later.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// What became of one thing in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Appended {
    /// It is stored.
    Stored,
    /// A thing with its id was stored before, and stays as it was.
    Duplicate,
    /// The store can never keep it.
    Refused,
}

/// How many things were ever stored, and how many of the last hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// All that were ever stored. It never falls, whatever is dropped.
    pub total: u64,
    /// Those of the current minute and the 59 before it, by their own time.
    pub last_hour: u64,
}

/// How many events of one type and level were stored in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventCount {
    /// Their type.
    pub event_type: EventType,
    /// Their level; none for those without.
    pub level: Option<Level>,
    /// How many.
    pub events: u64,
}

/// Keeps events.
///
/// **Counts** are counted as things are stored, a duplicate not at all; they are never made by looking at what is there.
///
/// **Retention** drops what is older than a time. Nothing at that time or later is dropped; what is more than a day older
/// is gone when the call answers, and what lies between may stay until the next time. A bounded store may drop its oldest
/// things at any time.
pub trait EventStore: Debug + Send + Sync {
    /// Stores a batch, and says for each event, in the order given, what became of it. An empty batch answers nothing.
    fn append_events<'a>(&'a self, events: &'a [Arc<Event>]) -> StoreFuture<'a, Vec<Appended>>;

    /// Finds an event by its id, if it is in the scope.
    fn event<'a>(&'a self, id: Id, scope: &'a Scope) -> StoreFuture<'a, Option<Arc<Event>>>;

    /// Finds events.
    fn events<'a>(&'a self, query: &'a EventQuery) -> StoreFuture<'a, Page<Arc<Event>>>;

    /// Counts the events that were stored.
    fn event_counts(&self, now: Timestamp) -> StoreFuture<'_, Counts>;

    /// Counts the events that were stored of the minutes from that of `from` to that of `to`, by type and level; those that
    /// were dropped since are in it. `None` where the store has not counted them apart, as of minutes long ago.
    fn events_between(&self, from: Timestamp, to: Timestamp) -> StoreFuture<'_, Option<Vec<EventCount>>> {
        let _ = (from, to);
        Box::pin(async { Ok(None) })
    }

    /// Drops events from before a time, and says how many, or about how many; 0 when there was nothing to drop.
    fn drop_events(&self, before: Timestamp) -> StoreFuture<'_, u64>;

    /// Adds tags to events that lack them, and says how many events that changed; a tag that is there stays, and an event
    /// that is not there is passed over.
    ///
    /// A store that changes nothing once it is stored leaves this as it is, and answers
    /// [`Unsupported`](StoreErrorKind::Unsupported).
    fn add_tags<'a>(&'a self, tags: &'a [(Id, Fields)]) -> StoreFuture<'a, u64> {
        let _left_alone = tags;
        Box::pin(async { Err(StoreError::new(StoreErrorKind::Unsupported, "add_tags")) })
    }
}

/// Keeps samples. Counts and retention are those of [`EventStore`].
pub trait SampleStore: Debug + Send + Sync {
    /// Stores a batch, and says for each sample, in the order given, what became of it. An empty batch answers nothing.
    fn append_samples<'a>(&'a self, samples: &'a [Arc<Sample>]) -> StoreFuture<'a, Vec<Appended>>;

    /// Finds samples.
    fn samples<'a>(&'a self, query: &'a SampleQuery) -> StoreFuture<'a, Page<Arc<Sample>>>;

    /// Counts the samples that were stored.
    fn sample_counts(&self, now: Timestamp) -> StoreFuture<'_, Counts>;

    /// Drops samples from before a time, and says how many, or about how many; 0 when there was nothing to drop.
    fn drop_samples(&self, before: Timestamp) -> StoreFuture<'_, u64>;
}

/// Keeps everything. Whatever keeps each part is a store; [`Parts`] puts one together from several.
pub trait Store: EventStore + SampleStore + IncidentStore + AlertStore + LeaseStore + AuditStore {}

impl<S: EventStore + SampleStore + IncidentStore + AlertStore + LeaseStore + AuditStore + ?Sized> Store for S {}
