//! Events: what happened, where, when, and how grave it was.
//!
//! ```
//! use watchkeeper::Timestamp;
//! use watchkeeper::event::{Event, Level, TimeWindow};
//!
//! let told = Event::log("checkout").level(Level::Error).message("card refused").tag("order", 42);
//! let (event, repairs) = told.accept(TimeWindow::default(), Timestamp::now());
//! assert!(repairs.is_empty());
//! assert_eq!(event.tags().get("order"), Some(&42.into()));
//! ```

mod draft;
mod fields;
mod level;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use draft::{EventDraft, MAX_EVENT_BYTES, MAX_IDENTITY_BYTES, MAX_SOURCE_BYTES, TimeWindow};
pub use fields::Fields;
pub use level::{EventType, Level};

use crate::id::Id;
use crate::timestamp::Timestamp;

/// An event that was accepted: it has an id, and is fit for every store. It does not change any more.
///
/// Read from JSON it is taken as it is, since a store wrote it; what comes from outside is an [`EventDraft`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    id: Id,
    event_type: EventType,
    source: String,
    message: Option<String>,
    level: Option<Level>,
    tags: Fields,
    payload: Fields,
    timestamp: Timestamp,
    created_at: Timestamp,
    created_by: Option<String>,
    trace_id: Option<String>,
    dedup_key: Option<String>,
}

impl Event {
    /// The tag that lists what was changed in an event to make it fit.
    pub const SANITIZED: &'static str = "_sanitized";

    /// Tells of something that was logged by `source`, a part of the service such as `checkout`.
    pub fn log(source: impl Into<String>) -> EventDraft {
        EventDraft::new(EventType::Log, source)
    }

    /// Tells of a measured value.
    pub fn metric(source: impl Into<String>) -> EventDraft {
        EventDraft::new(EventType::Metric, source)
    }

    /// Tells of the course of a request.
    pub fn trace(source: impl Into<String>) -> EventDraft {
        EventDraft::new(EventType::Trace, source)
    }

    /// Tells of an alert.
    pub fn alert(source: impl Into<String>) -> EventDraft {
        EventDraft::new(EventType::Alert, source)
    }

    /// Tells of whatever a type names.
    pub fn of_type(event_type: EventType, source: impl Into<String>) -> EventDraft {
        EventDraft::new(event_type, source)
    }

    /// Returns the id: it holds the event's time, and the order in which events of one time were accepted.
    pub const fn id(&self) -> Id {
        self.id
    }

    /// Returns what the event tells of.
    pub const fn event_type(&self) -> EventType {
        self.event_type
    }

    /// Returns the part of the service that it happened in.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns what was said about it.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Returns how grave it is.
    pub const fn level(&self) -> Option<Level> {
        self.level
    }

    /// Returns the tags, by which events are found.
    pub const fn tags(&self) -> &Fields {
        &self.tags
    }

    /// Returns the details.
    pub const fn payload(&self) -> &Fields {
        &self.payload
    }

    /// Returns when it happened.
    pub const fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// Returns when it was accepted.
    pub const fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// Returns who made it; nobody when the app itself did.
    pub fn created_by(&self) -> Option<&str> {
        self.created_by.as_deref()
    }

    /// Returns the trace that it belongs to.
    pub fn trace_id(&self) -> Option<&str> {
        self.trace_id.as_deref()
    }

    /// Returns what it has in common with others of its kind.
    pub fn dedup_key(&self) -> Option<&str> {
        self.dedup_key.as_deref()
    }

    /// Returns the bytes of memory that the event takes, about.
    pub fn bytes(&self) -> usize {
        let texts = [Some(&self.source), self.message.as_ref(), self.created_by.as_ref()];
        let more = [self.trace_id.as_ref(), self.dedup_key.as_ref()];
        let texts: usize = texts.into_iter().chain(more).flatten().map(String::capacity).sum();
        size_of::<Self>() + texts + self.tags.bytes() + self.payload.bytes()
    }
}

/// The bytes of memory behind a value.
fn heap_bytes(value: &Value) -> usize {
    // A B-tree's nodes hold up to eleven members, and are at least half full.
    const NODE: usize = 11 * (size_of::<String>() + size_of::<Value>()) + 16;
    match value {
        Value::String(text) => text.capacity(),
        Value::Array(items) => items.capacity() * size_of::<Value>() + items.iter().map(heap_bytes).sum::<usize>(),
        Value::Object(members) => {
            let inner: usize = members.iter().map(|(key, value)| key.capacity() + heap_bytes(value)).sum();
            members.len().div_ceil(6) * NODE + inner
        }
        _ => 0,
    }
}
