//! The incidents that events may belong to: their windows, and the entries that name an event.

use std::sync::Arc;
use std::time::Duration;

use crate::event::Event;
use crate::id::Id;
use crate::incident::{EntryKind, Incident, IncidentStatus, TimelineEntry};
use crate::store::{Appended, IncidentQuery, MAX_LIMIT, Scope, Store, StoreError, TimelineQuery};
use crate::timestamp::Timestamp;

/// How long before an incident began its window begins.
pub(super) const LEAD: Duration = Duration::from_secs(3600);

/// The most entries of events that tasks add to one timeline.
pub(super) const MOST_EVENTS: usize = 500;

/// The longest message that an entry takes over from its event, in bytes.
const MOST_MESSAGE: usize = 4096;

/// An incident, and the time in which what happens may belong to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) incident: Id,
    pub(super) start: Timestamp,
    /// Where it is over; none while it goes on.
    pub(super) end: Option<Timestamp>,
}

impl Window {
    fn of(incident: &Incident) -> Self {
        let over = match incident.status {
            status if status.is_active() => None,
            // It may have been closed a week after it was mended.
            _ => Some(incident.milestones.resolved_at.unwrap_or(incident.updated_at)),
        };
        Self { incident: incident.id, start: incident.milestones.started_at.minus(LEAD), end: over }
    }

    pub(super) fn contains(&self, time: Timestamp) -> bool {
        self.start <= time && self.end.is_none_or(|end| time <= end)
    }

    /// The part of it that lies within a time, both ends included.
    pub(super) fn within(&self, from: Timestamp, to: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let (from, to) = (from.max(self.start), self.end.map_or(to, |end| end.min(to)));
        (from <= to).then_some((from, to))
    }
}

/// Finds the windows of all incidents that were open at some time within this one. An incident that was cancelled was none.
pub(super) async fn windows(store: &dyn Store, from: Timestamp, to: Timestamp) -> Result<Vec<Window>, StoreError> {
    let mut query = IncidentQuery::new(Scope::All).limit(MAX_LIMIT);
    let mut found = Vec::new();
    loop {
        let page = store.incidents(&query).await?;
        let counts = |incident: &&Incident| incident.status != IncidentStatus::Cancelled;
        let windows = page.items.iter().filter(counts).map(Window::of);
        found.extend(windows.filter(|window| window.within(from, to).is_some()));
        let Some(next) = page.next else { return Ok(found) };
        query = query.after(next);
    }
}

/// Finds the entries of an incident that name an event, oldest first; no more than twice as many as tasks add.
pub(super) async fn events_of(store: &dyn Store, incident: Id) -> Result<Vec<TimelineEntry>, StoreError> {
    let query = TimelineQuery::new(Scope::All, incident).kind(EntryKind::Event).oldest_first().limit(2 * MOST_EVENTS);
    Ok(store.timeline(&query).await?.items)
}

/// Adds events to a timeline, and says how many of them did not stand there already.
pub(super) async fn add(
    store: &dyn Store,
    incident: Id,
    events: &[Arc<Event>],
    by: &'static str,
) -> Result<u64, StoreError> {
    let entries: Vec<_> = events.iter().map(|event| entry(incident, event, by)).collect();
    let answers = if entries.is_empty() { Vec::new() } else { store.add_entries(&entries).await? };
    Ok(answers.into_iter().filter(|answer| *answer == Appended::Stored).count() as u64)
}

/// Makes the entry of an event: it has the event's id, so that it is there once however often it is added.
fn entry(incident: Id, event: &Event, by: &str) -> TimelineEntry {
    let mut entry = TimelineEntry::new(incident, EntryKind::Event, event.timestamp())
        .by(event.created_by())
        .detail("event_type", event.event_type().as_str())
        .detail("source", event.source())
        .detail("correlated_by", by);
    entry.id = event.id();
    if let Some(level) = event.level() {
        entry = entry.detail("level", level.as_str());
    }
    if let Some(trace) = event.trace_id() {
        entry = entry.detail("trace_id", trace);
    }
    for tag in ["request_id", "service", "release", "host"] {
        if let Some(value) = event.tags().get(tag) {
            entry = entry.detail(tag, value.clone());
        }
    }
    match event.message() {
        Some(message) => entry.message(crate::sanitise::truncate(message, MOST_MESSAGE)),
        None => entry,
    }
}
