//! Where the audit is kept.

use std::fmt::Debug;

use super::query::{MAX_LIMIT, MAX_OFFSET, Paging, id_bounds, paging};
use super::{Appended, Cursor, Order, Page, StoreFuture};
use crate::audit::{AuditOutcome, AuditRecord};
use crate::id::Id;
use crate::timestamp::Timestamp;

/// Keeps the audit: records are added, never changed, and never removed by a call. A bounded store may drop its oldest.
pub trait AuditStore: Debug + Send + Sync {
    /// Adds records, and says for each, in the order given, what became of it.
    fn append_audit<'a>(&'a self, records: &'a [AuditRecord]) -> StoreFuture<'a, Vec<Appended>>;

    /// Finds records.
    fn audit<'a>(&'a self, query: &'a AuditQuery) -> StoreFuture<'a, Page<AuditRecord>>;
}

/// Which records of the audit are wanted. Every condition that is set has to hold.
#[derive(Debug, Clone, PartialEq, Default)]
#[must_use = "a query does nothing until a store is asked"]
#[non_exhaustive]
pub struct AuditQuery {
    /// Of this caller.
    pub who: Option<String>,
    /// Of this action.
    pub action: Option<String>,
    /// About this.
    pub target: Option<String>,
    /// With this outcome.
    pub outcome: Option<AuditOutcome>,
    /// At this time or later.
    pub start: Option<Timestamp>,
    /// At this time or earlier.
    pub end: Option<Timestamp>,
    paging: Paging,
}

impl AuditQuery {
    /// Asks for the newest records.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for records of a caller.
    pub fn who(mut self, who: impl Into<String>) -> Self {
        self.who = Some(who.into());
        self
    }

    /// Asks for records of an action.
    pub fn action(mut self, action: impl Into<String>) -> Self {
        self.action = Some(action.into());
        self
    }

    /// Asks for records about something.
    pub fn target(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// Asks for records with an outcome.
    pub fn outcome(mut self, outcome: AuditOutcome) -> Self {
        self.outcome = Some(outcome);
        self
    }

    /// Asks for records at this time or later.
    pub fn start(mut self, time: impl Into<Timestamp>) -> Self {
        self.start = Some(time.into());
        self
    }

    /// Asks for records at this time or earlier.
    pub fn end(mut self, time: impl Into<Timestamp>) -> Self {
        self.end = Some(time.into());
        self
    }

    paging!();

    /// Tells whether a record is what the query asks for, its place apart.
    pub fn matches(&self, record: &AuditRecord) -> bool {
        let is = |wanted: &Option<String>, has: Option<&str>| wanted.is_none() || wanted.as_deref() == has;
        is(&self.who, record.who.as_deref())
            && is(&self.action, Some(&record.action))
            && is(&self.target, record.target.as_deref())
            && self.outcome.is_none_or(|outcome| outcome == record.outcome)
    }

    /// Returns the smallest and the largest id that the times and the cursor leave; none when nothing is left.
    pub fn id_bounds(&self) -> Option<(Id, Id)> {
        id_bounds(self.start, self.end, &self.paging)
    }
}
