//! Incidents, the states they pass through, and what happened to them.
//!
//! ```
//! use watchkeeper::Timestamp;
//! use watchkeeper::incident::{Actor, Incident, IncidentChange, IncidentStatus, Severity};
//!
//! let now = Timestamp::now();
//! let (incident, _created) = Incident::draft("payments fail", Severity::High).check(now)?;
//! let take = IncidentChange::Status { to: IncidentStatus::Investigating, reason: None };
//! let (incident, entry) = incident.change(take, &Actor::Moderator("ann".into()), now)?.expect("it was open");
//! assert_eq!((incident.version, entry.kind.as_str()), (2, "status_changed"));
//! assert_eq!(incident.milestones.acknowledged_at, Some(now));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod change;
mod draft;
mod milestones;
mod status;
mod timeline;

use serde::{Deserialize, Serialize};

pub use change::{ChangeError, IncidentChange};
pub use draft::{IncidentDraft, MAX_INCIDENT_BYTES, MAX_TITLE_BYTES};
pub use milestones::Milestones;
pub use status::{Actor, IncidentStatus, InvalidTransition, Obstacle, REOPEN_WINDOW, Severity};
pub use timeline::{EntryKind, MAX_ENTRY_BYTES, MAX_KIND_BYTES, TimelineEntry};

use crate::id::Id;
use crate::timestamp::Timestamp;

/// An incident at one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Incident {
    /// Its id: it holds the time at which it was opened.
    pub id: Id,
    /// What it is, in a line.
    pub title: String,
    /// What it is, at length.
    pub description: String,
    /// How much harm it does.
    pub severity: Severity,
    /// The state that it is in.
    pub status: IncidentStatus,
    /// What caused it, once that is known.
    pub root_cause: Option<String>,
    /// Who is at it.
    pub assigned_to: Option<String>,
    /// Who opened it; nobody when automation did.
    pub created_by: Option<String>,
    /// What makes another report the same incident; one active incident has it at a time.
    pub dedup_key: Option<String>,
    /// The incident of the same key before this one.
    pub previous: Option<Id>,
    /// The incident that this one turned out to be.
    pub merged_into: Option<Id>,
    /// When it reached what.
    #[serde(flatten)]
    pub milestones: Milestones,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// How often it was changed, and one; who changes it says which version was seen.
    pub version: u64,
}

impl Incident {
    /// Tells of an incident.
    pub fn draft(title: impl Into<String>, severity: Severity) -> IncidentDraft {
        IncidentDraft::new(title.into(), severity)
    }

    /// Tells whether an alert that fires again reopens it: it was resolved no more than 30 minutes ago.
    pub fn reopens_at(&self, now: Timestamp) -> bool {
        let resolved = self.milestones.resolved_at;
        self.status == IncidentStatus::Resolved && resolved.is_some_and(|at| now.since(at) <= REOPEN_WINDOW)
    }
}
