//! What happened to an incident, one entry after the other.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::event::Fields;
use crate::id::Id;
use crate::sanitise::{Cleaner, Repairs};
use crate::timestamp::Timestamp;

/// The most bytes that an entry takes as JSON.
pub const MAX_ENTRY_BYTES: usize = 64 * 1024;
/// The longest kind of entry, in bytes.
pub const MAX_KIND_BYTES: usize = 64;

macro_rules! kinds {
    ($($(#[$about:meta])* $kind:ident = $name:literal,)+) => {
        /// The kind of an entry. One that this version does not know is kept word for word.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum EntryKind {
            $($(#[$about])* $kind,)+
            /// A kind that this version does not know.
            Other(String),
        }

        impl EntryKind {
            /// Every kind that this version knows.
            pub const KNOWN: &'static [Self] = &[$(Self::$kind),+];

            /// Returns the kind's name, as JSON and databases have it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$kind => $name,)+
                    Self::Other(name) => name,
                }
            }
        }

        impl From<&str> for EntryKind {
            fn from(name: &str) -> Self {
                match name {
                    $($name => Self::$kind,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }
    };
}

kinds! {
    /// The incident was opened.
    Created = "created",
    /// It went to another state.
    StatusChanged = "status_changed",
    /// It was found to do more or less harm.
    SeverityChanged = "severity_changed",
    /// Somebody was set to it.
    Assigned = "assigned",
    /// An alert belongs to it: `fingerprint`, `count`, `first_at`, `last_at`.
    AlertAttached = "alert_attached",
    /// An alert that belongs to it ended.
    AlertResolved = "alert_resolved",
    /// An event that is kept as evidence: the entry has its id, its time, and who made it.
    Event = "event",
    /// What somebody had to say.
    Comment = "comment",
    /// The cause was written down.
    RootCauseSet = "root_cause_set",
    /// An analysis came to an end.
    AnalysisCompleted = "analysis_completed",
    /// An analysis failed.
    AnalysisFailed = "analysis_failed",
    /// It is the same as another incident.
    Merged = "merged",
    /// It came back.
    Reopened = "reopened",
    /// Somebody was told.
    NotificationSent = "notification_sent",
    /// Something was changed in what is watched, such as a deployment.
    Change = "change",
    /// Whatever else an app notes; a change of title or description too.
    Custom = "custom",
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for EntryKind {
    type Err = std::convert::Infallible;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(Self::from(name))
    }
}

impl Serialize for EntryKind {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for EntryKind {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self::from(&*std::borrow::Cow::<'de, str>::deserialize(from)?))
    }
}

/// One entry of an incident's timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TimelineEntry {
    /// The entry's id: it holds its time, and the order in which entries of one time were made.
    pub id: Id,
    /// The incident that it belongs to.
    pub incident: Id,
    /// What happened.
    pub kind: EntryKind,
    /// When it happened.
    pub timestamp: Timestamp,
    /// Who did it; nobody when automation did.
    pub created_by: Option<String>,
    /// What is said about it: a comment, a reason.
    pub message: Option<String>,
    /// Its details, such as `from` and `to`.
    #[serde(deserialize_with = "crate::event::stored")]
    pub details: Fields,
}

impl TimelineEntry {
    /// Makes an entry; what is not fit to be kept is changed as it is in an event.
    pub fn new(incident: Id, kind: EntryKind, now: Timestamp) -> Self {
        let kind = match kind {
            EntryKind::Other(mut name) => {
                Cleaner::new(MAX_ENTRY_BYTES, 0).name("kind", &mut name, MAX_KIND_BYTES);
                EntryKind::from(&*name)
            }
            known => known,
        };
        Self {
            id: Id::at(now),
            incident,
            kind,
            timestamp: now,
            created_by: None,
            message: None,
            details: Fields::new(),
        }
    }

    /// Sets who did it; a name of more than 256 bytes is left out.
    #[must_use]
    pub fn by(mut self, who: Option<&str>) -> Self {
        self.created_by = who.map(str::to_owned);
        Cleaner::new(MAX_ENTRY_BYTES, 0).identity("created_by", &mut self.created_by, crate::event::MAX_IDENTITY_BYTES);
        self
    }

    /// Sets what is said about it, cut to 16 KiB.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        let mut message = message.into();
        Cleaner::new(MAX_ENTRY_BYTES, 0).text("message", &mut message, crate::sanitise::MAX_TEXT_BYTES);
        self.message = Some(message);
        self
    }

    /// Sets a detail.
    #[must_use]
    pub fn detail(mut self, key: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        self.details.insert(key, value);
        self.clean();
        self
    }

    /// Makes the details fit, and says what was changed.
    fn clean(&mut self) -> Repairs {
        // Message and names have their own limits, well within the rest.
        let mut cleaner = Cleaner::new(MAX_ENTRY_BYTES, MAX_ENTRY_BYTES / 2);
        self.details.change(|members| cleaner.members("details", members));
        cleaner.repairs()
    }
}
