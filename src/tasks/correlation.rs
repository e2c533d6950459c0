//! Which events belong to which incident: by trace, by request, and by the incident's window.

use std::collections::HashSet;
use std::sync::Arc;

use super::incidents::{self, MOST_EVENTS, Window};
use crate::event::{Event, EventType, Level};
use crate::id::Id;
use crate::incident::TimelineEntry;
use crate::store::{EventQuery, Scope, Store, StoreError};
use crate::timestamp::Timestamp;

/// The most events that are added for belonging to one trace.
const MOST_OF_TRACE: usize = 50;

/// The incidents that go on, and what is known of each.
pub(super) struct Correlation {
    cases: Vec<Case>,
    linked: u64,
    left_out: u64,
}

/// One incident, and the traces and requests that its events belong to.
struct Case {
    window: Window,
    known: HashSet<Id>,
    traces: HashSet<String>,
    requests: HashSet<String>,
}

impl Correlation {
    /// Begins with the incidents that were open at some time within this one, and with what their timelines have.
    pub(super) async fn begin(store: &dyn Store, from: Timestamp, to: Timestamp) -> Result<Self, StoreError> {
        let mut cases = Vec::new();
        for window in incidents::windows(store, from, to).await? {
            let entries = incidents::events_of(store, window.incident).await?;
            cases.push(Case::of(window, &entries));
        }
        Ok(Self { cases, linked: 0, left_out: 0 })
    }

    pub(super) fn linked(&self) -> u64 {
        self.linked
    }

    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Adds those of some events, which come in order of their time, that belong to an incident.
    pub(super) async fn take(&mut self, store: &dyn Store, events: &[Arc<Event>]) -> Result<(), StoreError> {
        for case in &mut self.cases {
            let window = case.window;
            for event in events.iter().filter(|event| window.contains(event.timestamp())) {
                let Some(by) = case.belongs(event) else { continue };
                let (linked, left_out) = case.add(store, event, by).await?;
                self.linked += linked;
                self.left_out += left_out;
            }
        }
        Ok(())
    }
}

impl Case {
    fn of(window: Window, entries: &[TimelineEntry]) -> Self {
        let known = entries.iter().map(|entry| entry.id).collect();
        let detail = |name: &'static str| {
            let text =
                move |entry: &TimelineEntry| entry.details.get(name).and_then(|it| it.as_str()).map(str::to_owned);
            entries.iter().filter_map(text).collect()
        };
        Self { window, known, traces: detail("trace_id"), requests: detail("request_id") }
    }

    /// Says by what an event belongs to the incident.
    fn belongs(&self, event: &Event) -> Option<&'static str> {
        if event.trace_id().is_some_and(|trace| self.traces.contains(trace)) {
            return Some("trace");
        }
        if request_of(event).is_some_and(|request| self.requests.contains(request)) {
            return Some("request");
        }
        let is_grave = event.level() >= Some(Level::Error) || event.event_type() == EventType::Alert;
        is_grave.then_some("window")
    }

    /// Adds an event, and what else belongs to its trace; says how many were added, and how many found no room.
    async fn add(&mut self, store: &dyn Store, event: &Arc<Event>, by: &'static str) -> Result<(u64, u64), StoreError> {
        if self.known.contains(&event.id()) {
            return Ok((0, 0));
        }
        if self.known.len() >= MOST_EVENTS {
            return Ok((0, 1));
        }
        self.known.insert(event.id());
        let mut linked = incidents::add(store, self.window.incident, std::slice::from_ref(event), by).await?;
        if let Some(request) = request_of(event) {
            self.requests.insert(request.to_owned());
        }
        if let Some(trace) = event.trace_id().filter(|trace| !self.traces.contains(*trace)) {
            self.traces.insert(trace.to_owned());
            let mut query = EventQuery::new(Scope::All).trace_id(trace).start(self.window.start);
            if let Some(end) = self.window.end {
                query = query.end(end);
            }
            let page = store.events(&query.oldest_first().limit(MOST_OF_TRACE)).await?;
            let room = MOST_EVENTS.saturating_sub(self.known.len());
            let mut others = page.items;
            others.retain(|other| !self.known.contains(&other.id()));
            others.truncate(room);
            self.known.extend(others.iter().map(|other| other.id()));
            linked += incidents::add(store, self.window.incident, &others, "trace").await?;
        }
        Ok((linked, 0))
    }
}

fn request_of(event: &Event) -> Option<&str> {
    event.tags().get("request_id")?.as_str()
}
