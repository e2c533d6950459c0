//! Where incidents and their timelines are kept.

use std::fmt::Debug;

use super::query::{Paging, Scope, paging};
use super::{Appended, Cursor, Order, Page, StoreFuture};
use crate::id::Id;
use crate::incident::{EntryKind, Incident, IncidentStatus, Severity, TimelineEntry};
use crate::store::query::{MAX_LIMIT, MAX_OFFSET, id_bounds};
use crate::timestamp::Timestamp;

/// Keeps incidents and their timelines.
///
/// **Keys.** Of the incidents that are [active](IncidentStatus::is_active), no two have the same `dedup_key`, however many
/// callers open or change incidents at once.
///
/// **Versions.** A change names the version that it is made from, and is made if that is still the version. The incident
/// and the entries of the change are stored together or not at all.
///
/// **Evidence.** An entry of the kind [`Event`](EntryKind::Event) is an event's copy. It is in the scope of whoever may see
/// the event: within [`Scope::CreatedBy`], one that was made by somebody else, or by the app, is not there.
///
/// **Repetition.** A call that is made again, because its answer was lost, changes nothing: opening answers the incident
/// that is there, an entry is a duplicate, and a change is stale.
pub trait IncidentStore: Debug + Send + Sync {
    /// Opens an incident and begins its timeline, unless an active one has its key, or it is there already.
    fn open_incident<'a>(&'a self, incident: &'a Incident, created: &'a TimelineEntry) -> StoreFuture<'a, Opened>;

    /// Finds an incident by its id, if it is in the scope.
    fn incident<'a>(&'a self, id: Id, scope: &'a Scope) -> StoreFuture<'a, Option<Incident>>;

    /// Finds incidents, by the time at which they were opened.
    fn incidents<'a>(&'a self, query: &'a IncidentQuery) -> StoreFuture<'a, Page<Incident>>;

    /// Puts an incident in the place of its version `seen`, and adds the entries of that change to its timeline.
    fn change_incident<'a>(
        &'a self,
        seen: u64,
        incident: &'a Incident,
        entries: &'a [TimelineEntry],
    ) -> StoreFuture<'a, Changed<Incident>>;

    /// Adds an entry to a timeline; of an incident that is not there it is refused.
    fn add_entry<'a>(&'a self, entry: &'a TimelineEntry) -> StoreFuture<'a, Appended>;

    /// Adds entries to timelines, each as [`add_entry`](Self::add_entry) does, and answers for each in the order given. Where
    /// one fails, those before it may be stored, and the same ones may be added again.
    ///
    /// Unless a store has a quicker way, it adds them one after the other.
    fn add_entries<'a>(&'a self, entries: &'a [TimelineEntry]) -> StoreFuture<'a, Vec<Appended>> {
        Box::pin(async move {
            let mut answers = Vec::with_capacity(entries.len());
            for entry in entries {
                answers.push(self.add_entry(entry).await?);
            }
            Ok(answers)
        })
    }

    /// Notes that an alert belongs to an incident, and answers how often that was noted; `None` when there is no such
    /// incident.
    ///
    /// The first time adds an [`AlertAttached`](EntryKind::AlertAttached) entry with the details `fingerprint`, `count`,
    /// `first_at` and `last_at`; every further time raises the last two of that entry. No call is lost among others at the
    /// same time. (A call that is made again counts again.)
    fn attach_alert<'a>(&'a self, incident: Id, fingerprint: &'a str, at: Timestamp) -> StoreFuture<'a, Option<u64>>;

    /// Finds entries of a timeline; of an incident that is not there or not in the scope there are none.
    fn timeline<'a>(&'a self, query: &'a TimelineQuery) -> StoreFuture<'a, Page<TimelineEntry>>;

    /// Counts the incidents that are active.
    fn active_incidents(&self) -> StoreFuture<'_, u64>;
}

/// What became of an incident that was to be opened.
#[derive(Debug, Clone, PartialEq)]
pub enum Opened {
    /// It is open.
    New,
    /// This one is there already: an active one of the same key, or the same incident.
    Existing(Box<Incident>),
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Changed<T> {
    /// It was made.
    Done,
    /// Somebody else made one before; this is how it stands.
    Stale(Box<T>),
    /// It would be active, and this one is, with the same key.
    KeyTaken(Box<T>),
    /// There is nothing of that id.
    Absent,
}

/// Which incidents are wanted. Every condition that is set has to hold.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a query does nothing until a store is asked"]
#[non_exhaustive]
pub struct IncidentQuery {
    /// Whose incidents.
    pub scope: Scope,
    /// In one of these states; in any when there are none.
    pub statuses: Vec<IncidentStatus>,
    /// Of exactly this severity.
    pub severity: Option<Severity>,
    /// With this key.
    pub dedup_key: Option<String>,
    /// With somebody at it.
    pub assigned_to: Option<String>,
    /// Opened at this time or later.
    pub start: Option<Timestamp>,
    /// Opened at this time or earlier.
    pub end: Option<Timestamp>,
    paging: Paging,
}

impl IncidentQuery {
    /// Asks for the newest incidents in a scope.
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            statuses: Vec::new(),
            severity: None,
            dedup_key: None,
            assigned_to: None,
            start: None,
            end: None,
            paging: Paging::default(),
        }
    }

    /// Asks for incidents in a state, or in one of several when called again.
    pub fn status(mut self, status: IncidentStatus) -> Self {
        self.statuses.push(status);
        self
    }

    /// Asks for incidents that are active.
    pub fn active(mut self) -> Self {
        self.statuses = IncidentStatus::ALL.iter().copied().filter(|status| status.is_active()).collect();
        self
    }

    /// Asks for incidents of a severity.
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// Asks for incidents with a key.
    pub fn dedup_key(mut self, key: impl Into<String>) -> Self {
        self.dedup_key = Some(key.into());
        self
    }

    /// Asks for incidents that somebody is at.
    pub fn assigned_to(mut self, who: impl Into<String>) -> Self {
        self.assigned_to = Some(who.into());
        self
    }

    /// Asks for incidents that were opened at this time or later.
    pub fn start(mut self, time: impl Into<Timestamp>) -> Self {
        self.start = Some(time.into());
        self
    }

    /// Asks for incidents that were opened at this time or earlier.
    pub fn end(mut self, time: impl Into<Timestamp>) -> Self {
        self.end = Some(time.into());
        self
    }

    paging!();

    /// Tells whether an incident is what the query asks for, its place apart.
    pub fn matches(&self, incident: &Incident) -> bool {
        let is = |wanted: &Option<String>, has: &Option<String>| wanted.is_none() || wanted == has;
        self.scope.contains(incident.created_by.as_deref())
            && (self.statuses.is_empty() || self.statuses.contains(&incident.status))
            && self.severity.is_none_or(|severity| severity == incident.severity)
            && is(&self.dedup_key, &incident.dedup_key)
            && is(&self.assigned_to, &incident.assigned_to)
    }

    /// Returns the smallest and the largest id that the times and the cursor leave; none when nothing is left.
    pub fn id_bounds(&self) -> Option<(Id, Id)> {
        id_bounds(self.start, self.end, &self.paging)
    }
}

/// Which entries of one incident's timeline are wanted. Every condition that is set has to hold.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a query does nothing until a store is asked"]
#[non_exhaustive]
pub struct TimelineQuery {
    /// Whose incident.
    pub scope: Scope,
    /// The incident.
    pub incident: Id,
    /// Of one of these kinds; of any when there are none.
    pub kinds: Vec<EntryKind>,
    /// At this time or later.
    pub start: Option<Timestamp>,
    /// At this time or earlier.
    pub end: Option<Timestamp>,
    paging: Paging,
}

impl TimelineQuery {
    /// Asks for the newest entries of an incident's timeline.
    pub fn new(scope: Scope, incident: Id) -> Self {
        Self { scope, incident, kinds: Vec::new(), start: None, end: None, paging: Paging::default() }
    }

    /// Asks for entries of a kind, or of one of several when called again.
    pub fn kind(mut self, kind: EntryKind) -> Self {
        self.kinds.push(kind);
        self
    }

    /// Asks for entries at this time or later.
    pub fn start(mut self, time: impl Into<Timestamp>) -> Self {
        self.start = Some(time.into());
        self
    }

    /// Asks for entries at this time or earlier.
    pub fn end(mut self, time: impl Into<Timestamp>) -> Self {
        self.end = Some(time.into());
        self
    }

    paging!();

    /// Tells whether an entry is what the query asks for, its place and its incident's scope apart.
    pub fn matches(&self, entry: &TimelineEntry) -> bool {
        entry.incident == self.incident
            && (self.kinds.is_empty() || self.kinds.contains(&entry.kind))
            && (entry.kind != EntryKind::Event || self.scope.contains(entry.created_by.as_deref()))
    }

    /// Returns the smallest and the largest id that the times and the cursor leave; none when nothing is left.
    pub fn id_bounds(&self) -> Option<(Id, Id)> {
        id_bounds(self.start, self.end, &self.paging)
    }
}
