//! The timeline of an incident: what was done about it, between the events of its time.

use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::merge::Merge;
use super::{Desk, DeskError};
use crate::event::{Event, EventType, Level};
use crate::id::Id;
use crate::incident::{EntryKind, Incident, IncidentStatus, TimelineEntry};
use crate::store::{Cursor, EventQuery, MAX_LIMIT, MAX_OFFSET, Order, Scope, TimelineQuery};
use crate::timestamp::Timestamp;

/// How long before its start events belong to an incident.
const BEFORE: Duration = Duration::from_secs(60 * 60);

/// Which part of a timeline is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "options do nothing until a timeline is asked for"]
#[non_exhaustive]
pub struct TimelineOptions {
    /// The least level of events; alerts come whatever their level. `None` is all events. Default: `warn`.
    pub min_level: Option<Level>,
    /// How many items a page holds, 1 to 1,000. Default: 100.
    pub limit: usize,
    /// How many items are passed over, 10,000 at most. Default: 0.
    pub offset: usize,
    /// The place where an earlier page ended. Default: the beginning.
    pub after: Option<Cursor>,
    /// From which end items come. Default: newest first.
    pub order: Order,
    /// Of which kinds entries come; of all when there are none. Default: of all.
    pub kinds: Vec<EntryKind>,
    /// Whether events of the incident's time come between its entries. Default: they do.
    pub events: bool,
}

impl TimelineOptions {
    /// Asks for the newest items, with events from `warn` on.
    pub fn new() -> Self {
        let (limit, order) = (crate::store::DEFAULT_LIMIT, Order::NewestFirst);
        Self { min_level: Some(Level::Warn), limit, offset: 0, after: None, order, kinds: Vec::new(), events: true }
    }

    /// Asks for events of at least this level, or for all.
    pub fn min_level(mut self, level: Option<Level>) -> Self {
        self.min_level = level;
        self
    }

    /// Sets how many items a page holds; what is out of range becomes the nearest that is in it.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit.clamp(1, MAX_LIMIT);
        self
    }

    /// Passes over the first items, 10,000 at most.
    pub fn offset(mut self, offset: usize) -> Self {
        self.offset = offset.min(MAX_OFFSET);
        self
    }

    /// Begins behind the place where an earlier page ended.
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.after = Some(cursor);
        self
    }

    /// Begins with the oldest.
    pub fn oldest_first(mut self) -> Self {
        self.order = Order::OldestFirst;
        self
    }

    /// Asks for entries of a kind, or of one of several when called again.
    pub fn kind(mut self, kind: EntryKind) -> Self {
        self.kinds.push(kind);
        self
    }

    /// Asks for the incident's own entries alone.
    pub fn without_events(mut self) -> Self {
        self.events = false;
        self
    }
}

impl Default for TimelineOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// A page of a timeline.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Timeline {
    /// The incident.
    pub incident: Incident,
    /// What happened, in the order that was asked for.
    pub items: Vec<TimelineItem>,
    /// Where the next page begins; none when this was the last one.
    pub next: Option<Cursor>,
    /// The time that events are shown of: from one hour before the start to the end, or now.
    pub from: Timestamp,
    /// The end of that time.
    pub to: Timestamp,
    /// How many events of that time are of too low a level to be shown, by whole minutes at both ends; one that is shown
    /// nevertheless, because it was kept as evidence, is among them. Not known to a caller who sees a part of the events, nor
    /// of minutes that are too old to be counted apart, nor where no events were asked for.
    pub left_out: Option<u64>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", content = "item", rename_all = "snake_case")]
#[non_exhaustive]
pub enum TimelineItem {
    /// Something was done about the incident, or was kept as evidence.
    Entry(TimelineEntry),
    /// Something happened in its time.
    Event(#[serde(serialize_with = "itself")] Arc<Event>),
}

fn itself<S: Serializer>(event: &Arc<Event>, to: S) -> Result<S::Ok, S::Error> {
    Event::serialize(event, to)
}

impl TimelineItem {
    /// Returns the id, by which items are ordered: by time, then by arrival.
    pub fn id(&self) -> Id {
        match self {
            Self::Entry(entry) => entry.id,
            Self::Event(event) => event.id(),
        }
    }
}

impl Desk {
    /// Finds what happened to an incident: its own entries, merged with the events from one hour before its start to its
    /// end, or now. An event that was kept as evidence and is there still comes once. An incident ended when it was resolved
    /// or cancelled, whatever was written about it later.
    ///
    /// Options that are out of range are taken as the nearest that are in it.
    ///
    /// # Errors
    ///
    /// [`DeskError::NotFound`] where the incident is not there or not in the scope; else as the store.
    pub async fn timeline(&self, id: Id, scope: &Scope, options: &TimelineOptions) -> Result<Timeline, DeskError> {
        let incident = self.incident(id, scope).await?;
        let from = incident.milestones.started_at.minus(BEFORE);
        let to = self.end(&incident).await?;
        // Its fields are there to be set to anything.
        let options = options.clone().limit(options.limit).offset(options.offset);
        let entries = options.kinds.iter().cloned().fold(TimelineQuery::new(scope.clone(), id), TimelineQuery::kind);
        let events = EventQuery::new(scope.clone()).start(from).end(to);
        let events = if options.events { queries(events, options.min_level) } else { Vec::new() };
        let mut merge = Merge::new(&self.store, &options, entries, events);
        let left_out = async {
            match (scope, options.min_level) {
                _ if !options.events => Ok(None),
                (_, None) => Ok(Some(0)),
                (Scope::All, Some(level)) => self.left_out(from, to, level).await,
                (Scope::CreatedBy(_), Some(_)) => Ok(None),
            }
        };
        let page = async { Ok(merge.page(options.offset, options.limit).await?) };
        let ((items, next), left_out) = tokio::try_join!(page, left_out)?;
        Ok(Timeline { incident, items, next, from, to, left_out })
    }

    /// Finds when an incident ended; now while it goes on.
    async fn end(&self, incident: &Incident) -> Result<Timestamp, DeskError> {
        let milestones = &incident.milestones;
        if incident.status.is_active() {
            return Ok(Timestamp::now());
        }
        if let Some(end) = milestones.resolved_at.or(milestones.closed_at) {
            return Ok(end);
        }
        // There is no milestone of a cancellation, and it is the last step that was taken.
        let steps = TimelineQuery::new(Scope::All, incident.id).kind(EntryKind::StatusChanged).kind(EntryKind::Merged);
        let steps = self.store.timeline(&steps.limit(10)).await?.items;
        let cancelled = IncidentStatus::Cancelled.as_str();
        let cancels = |entry: &&TimelineEntry| {
            entry.kind == EntryKind::Merged || entry.details.get("to").is_some_and(|to| to == cancelled)
        };
        Ok(steps.iter().find(cancels).map_or(incident.updated_at, |entry| entry.timestamp))
    }

    async fn left_out(&self, from: Timestamp, to: Timestamp, level: Level) -> Result<Option<u64>, DeskError> {
        let counts = self.store.events_between(from, to).await?;
        let shown = |kind: EventType, of: Option<Level>| kind == EventType::Alert || of.is_some_and(|of| of >= level);
        Ok(counts.map(|counts| {
            counts.iter().filter(|count| !shown(count.event_type, count.level)).map(|count| count.events).sum()
        }))
    }
}

/// The queries whose answers together are the events to be shown, each event once.
fn queries(events: EventQuery, min_level: Option<Level>) -> Vec<EventQuery> {
    match min_level {
        None => vec![events],
        Some(level) => vec![events.clone().at_least(level), events.event_type(EventType::Alert)],
    }
}
