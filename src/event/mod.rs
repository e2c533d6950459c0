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

pub use draft::{EventDraft, MAX_EVENT_BYTES, MAX_IDENTITY_BYTES, MAX_SOURCE_BYTES, TimeWindow};
pub use fields::Fields;
pub(crate) use fields::stored;
pub use level::{EventType, Level};

use crate::heap;
use crate::id::Id;
use crate::timestamp::Timestamp;

/// An event that was accepted: it has an id, and is fit for every store. It does not change any more.
///
/// Read from JSON it is taken as it is, since a store wrote it; what comes from outside is an [`EventDraft`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub(crate) id: Id,
    pub(crate) event_type: EventType,
    pub(crate) source: String,
    pub(crate) message: Option<String>,
    pub(crate) level: Option<Level>,
    #[serde(deserialize_with = "stored")]
    pub(crate) tags: Fields,
    #[serde(deserialize_with = "stored")]
    pub(crate) payload: Fields,
    pub(crate) timestamp: Timestamp,
    pub(crate) created_at: Timestamp,
    pub(crate) created_by: Option<String>,
    pub(crate) trace_id: Option<String>,
    pub(crate) dedup_key: Option<String>,
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
        let texts = heap::text(&self.source) + heap::maybe(&self.message) + heap::maybe(&self.created_by);
        let keys = heap::maybe(&self.trace_id) + heap::maybe(&self.dedup_key);
        // In an `Arc`, with its two counters.
        let own = heap::allocation(size_of::<Self>() + 2 * size_of::<usize>());
        own + texts + keys + self.tags.bytes() + self.payload.bytes()
    }
}
