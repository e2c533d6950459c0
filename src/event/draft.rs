//! An event as it is told, before it is accepted.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Event, EventType, Fields, Level};
use crate::id::Id;
use crate::sanitise::{Cleaner, Invalid, Repair, Repairs};
use crate::timestamp::Timestamp;

/// The most bytes that an event takes as JSON, all its fields together.
pub const MAX_EVENT_BYTES: usize = 64 * 1024;
/// The longest source, in bytes.
pub const MAX_SOURCE_BYTES: usize = 128;
/// The longest trace id, dedup key or name of who made an event, in bytes.
pub const MAX_IDENTITY_BYTES: usize = 256;

/// What ids, times, names of fields and the note of repairs take of an event's JSON.
const FIXED_BYTES: usize = 512;

/// The times that are accepted, seen from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeWindow {
    /// How long ago something may have happened: as long as things are kept.
    pub past: Duration,
    /// How far in the future a time may lie, since clocks differ.
    pub future: Duration,
}

impl TimeWindow {
    /// Accepts what happened within the last `days`, and up to five minutes in the future.
    pub const fn days(days: u32) -> Self {
        Self { past: Duration::from_secs(days as u64 * 86_400), future: Duration::from_secs(300) }
    }

    /// Returns the nearest time that is accepted. Ids begin in 1970, and so does what is accepted.
    pub(crate) fn nearest(self, time: Timestamp, now: Timestamp) -> Timestamp {
        let earliest = now.minus(self.past).max(Timestamp::EPOCH);
        time.clamp(earliest, now.plus(self.future).max(earliest))
    }
}

impl Default for TimeWindow {
    /// The last 30 days, and five minutes in the future.
    fn default() -> Self {
        Self::days(30)
    }
}

/// An event as it is told. [`accept`](Self::accept) or [`check`](Self::check) makes an [`Event`] of it.
///
/// As JSON it has the fields of an event that a client may set: `event_type`, `source`, `message`, `level`, `tags`,
/// `payload`, `timestamp`, `trace_id`, `dedup_key`; any other is refused. Who made it is not among them, in either
/// direction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use = "a draft does nothing until it is recorded"]
pub struct EventDraft {
    event_type: EventType,
    source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    level: Option<Level>,
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    tags: Fields,
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    payload: Fields,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timestamp: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dedup_key: Option<String>,
    #[serde(skip)]
    created_by: Option<String>,
}

impl EventDraft {
    pub(super) fn new(event_type: EventType, source: impl Into<String>) -> Self {
        Self {
            event_type,
            source: source.into(),
            message: None,
            level: None,
            tags: Fields::new(),
            payload: Fields::new(),
            timestamp: None,
            trace_id: None,
            dedup_key: None,
            created_by: None,
        }
    }

    /// Sets how grave it is. Default: not said.
    pub fn level(mut self, level: Level) -> Self {
        self.level = Some(level);
        self
    }

    /// Sets what is said about it, at most 16 KiB. Default: nothing.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Sets a tag, by which events are found.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.tags.insert(key, value);
        self
    }

    /// Sets a detail, a member of the payload.
    pub fn detail(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.payload.insert(key, value);
        self
    }

    /// Sets all details at once.
    pub fn payload(mut self, payload: impl Into<Fields>) -> Self {
        self.payload = payload.into();
        self
    }

    /// Sets when it happened. Default: when it is accepted.
    pub fn at(mut self, time: impl Into<Timestamp>) -> Self {
        self.timestamp = Some(time.into());
        self
    }

    /// Sets the trace that it belongs to, at most 256 bytes. Default: none.
    pub fn trace_id(mut self, trace: impl Into<String>) -> Self {
        self.trace_id = Some(trace.into());
        self
    }

    /// Sets what it has in common with others of its kind, at most 256 bytes. Default: nothing.
    pub fn dedup_key(mut self, key: impl Into<String>) -> Self {
        self.dedup_key = Some(key.into());
        self
    }

    /// Sets who made it, and so who may see it, at most 256 bytes. Default: the app itself.
    pub fn created_by(mut self, who: impl Into<String>) -> Self {
        self.created_by = Some(who.into());
        self
    }

    /// Returns how grave it is said to be.
    pub const fn told_level(&self) -> Option<Level> {
        self.level
    }

    /// Returns what it tells of.
    pub const fn event_type(&self) -> EventType {
        self.event_type
    }

    /// Makes an event of it, whatever it is: what is not fit to be kept is changed, as [`Repair`] lists it.
    ///
    /// An event that was changed has a tag `_sanitized`, a list of the changes. One that nothing names gets `unknown`
    /// as its source.
    pub fn accept(mut self, window: TimeWindow, now: Timestamp) -> (Event, Repairs) {
        let (timestamp, cleaner) = self.clean(window, now);
        let repairs = cleaner.repairs();
        if !repairs.is_empty() {
            let noted = self.tags.get(Event::SANITIZED).cloned();
            let noted =
                |repair: &Repair| repairs.contains(*repair) || noted.as_ref().is_some_and(|n| notes(n, *repair));
            let names: Vec<_> =
                Repair::ALL.iter().filter(|repair| noted(repair)).map(|repair| repair.as_str()).collect();
            self.tags.insert(Event::SANITIZED, names);
        }
        (self.into_event(timestamp, now), repairs)
    }

    /// Makes an event of it if nothing about it has to be changed.
    ///
    /// # Errors
    ///
    /// Names the first field that is not fit to be kept, and the rule that it breaks.
    pub fn check(mut self, window: TimeWindow, now: Timestamp) -> Result<Event, Invalid> {
        let (timestamp, cleaner) = self.clean(window, now);
        cleaner.check()?;
        Ok(self.into_event(timestamp, now))
    }

    fn clean(&mut self, window: TimeWindow, now: Timestamp) -> (Timestamp, Cleaner) {
        let mut cleaner = Cleaner::new(MAX_EVENT_BYTES, FIXED_BYTES);
        let told = self.timestamp.unwrap_or(now);
        let timestamp = window.nearest(told, now);
        if timestamp != told {
            cleaner.note("timestamp", Repair::Time, 0);
        }
        cleaner.name("source", &mut self.source, MAX_SOURCE_BYTES);
        cleaner.identity("created_by", &mut self.created_by, MAX_IDENTITY_BYTES);
        cleaner.identity("trace_id", &mut self.trace_id, MAX_IDENTITY_BYTES);
        cleaner.identity("dedup_key", &mut self.dedup_key, MAX_IDENTITY_BYTES);
        if let Some(message) = &mut self.message {
            cleaner.text("message", message, crate::sanitise::MAX_TEXT_BYTES);
        }
        // The note of earlier repairs has its place among what is fixed.
        let noted = self.tags.get(Event::SANITIZED).is_some_and(is_note).then(|| self.tags.remove(Event::SANITIZED));
        self.tags.change(|members| cleaner.members("tags", members));
        self.payload.change(|members| cleaner.members("payload", members));
        if let Some(noted) = noted.flatten() {
            self.tags.insert(Event::SANITIZED, noted);
        }
        (timestamp, cleaner)
    }

    fn into_event(self, timestamp: Timestamp, now: Timestamp) -> Event {
        Event {
            id: Id::at(timestamp),
            event_type: self.event_type,
            source: self.source,
            message: self.message,
            level: self.level,
            tags: self.tags,
            payload: self.payload,
            timestamp,
            created_at: now,
            created_by: self.created_by,
            trace_id: self.trace_id,
            dedup_key: self.dedup_key,
        }
    }
}

/// Tells whether a note of repairs has this one.
fn notes(note: &Value, repair: Repair) -> bool {
    note.as_array().is_some_and(|names| names.iter().any(|name| name.as_str() == Some(repair.as_str())))
}

/// Tells whether a value is a note of repairs, and no more than that.
fn is_note(value: &Value) -> bool {
    let known = |name: &Value| name.as_str().is_some_and(|name| name.parse::<Repair>().is_ok());
    value.as_array().is_some_and(|names| names.len() <= Repair::ALL.len() && names.iter().all(known))
}
