//! An incident as it is told, before it is opened.

use serde::Deserialize;

use super::{EntryKind, Incident, IncidentStatus, Milestones, Severity, TimelineEntry};
use crate::event::MAX_IDENTITY_BYTES;
use crate::id::Id;
use crate::sanitise::{Cleaner, Invalid, MAX_TEXT_BYTES, Repairs};
use crate::timestamp::Timestamp;

/// The longest title, in bytes.
pub const MAX_TITLE_BYTES: usize = 256;
/// The most bytes that an incident takes as JSON; the limits of its fields keep it below.
pub const MAX_INCIDENT_BYTES: usize = 256 * 1024;

/// An incident as it is told. [`accept`](Self::accept) or [`check`](Self::check) makes an [`Incident`] of it.
///
/// As JSON it has the fields that whoever reports an incident may set: `title`, `description`, `severity`; any other is
/// refused.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use = "a draft does nothing until it is opened"]
pub struct IncidentDraft {
    title: String,
    #[serde(default)]
    description: String,
    severity: Severity,
    #[serde(skip)]
    created_by: Option<String>,
    #[serde(skip)]
    assigned_to: Option<String>,
    #[serde(skip)]
    dedup_key: Option<String>,
    #[serde(skip)]
    previous: Option<Id>,
    #[serde(skip)]
    started_at: Option<Timestamp>,
}

impl IncidentDraft {
    pub(super) fn new(title: String, severity: Severity) -> Self {
        Self {
            title,
            description: String::new(),
            severity,
            created_by: None,
            assigned_to: None,
            dedup_key: None,
            previous: None,
            started_at: None,
        }
    }

    /// Sets what it is, at length, at most 16 KiB. Default: nothing.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Sets who reports it, at most 256 bytes. Default: automation.
    pub fn created_by(mut self, who: impl Into<String>) -> Self {
        self.created_by = Some(who.into());
        self
    }

    /// Sets who is at it, at most 256 bytes. Default: nobody.
    pub fn assigned_to(mut self, who: impl Into<String>) -> Self {
        self.assigned_to = Some(who.into());
        self
    }

    /// Sets what makes another report the same incident, at most 256 bytes. Default: none, it is always another.
    pub fn dedup_key(mut self, key: impl Into<String>) -> Self {
        self.dedup_key = Some(key.into());
        self
    }

    /// Returns what makes another report the same incident.
    pub(crate) fn key(&self) -> Option<&str> {
        self.dedup_key.as_deref()
    }

    /// Returns how much harm it does.
    pub(crate) fn harm(&self) -> Severity {
        self.severity
    }

    /// Names the incident of the same key before this one. Default: none.
    pub fn previous(mut self, incident: Id) -> Self {
        self.previous = Some(incident);
        self
    }

    /// Sets when the harm began, no later than now. Default: now.
    pub fn started_at(mut self, time: impl Into<Timestamp>) -> Self {
        self.started_at = Some(time.into());
        self
    }

    /// Makes an incident of it, and the entry that begins its timeline; what is not fit to be kept is changed.
    pub fn accept(mut self, now: Timestamp) -> (Incident, TimelineEntry, Repairs) {
        let repairs = self.clean().repairs();
        let (incident, entry) = self.into_incident(now);
        (incident, entry, repairs)
    }

    /// Makes an incident of it, and the entry that begins its timeline, if nothing about it has to be changed.
    ///
    /// # Errors
    ///
    /// Names the first field that is not fit to be kept, and the rule that it breaks.
    pub fn check(mut self, now: Timestamp) -> Result<(Incident, TimelineEntry), Invalid> {
        self.clean().check()?;
        Ok(self.into_incident(now))
    }

    fn clean(&mut self) -> Cleaner {
        let mut cleaner = Cleaner::new(MAX_INCIDENT_BYTES, 0);
        cleaner.name("title", &mut self.title, MAX_TITLE_BYTES);
        cleaner.text("description", &mut self.description, MAX_TEXT_BYTES);
        cleaner.identity("created_by", &mut self.created_by, MAX_IDENTITY_BYTES);
        cleaner.identity("assigned_to", &mut self.assigned_to, MAX_IDENTITY_BYTES);
        cleaner.identity("dedup_key", &mut self.dedup_key, MAX_IDENTITY_BYTES);
        cleaner
    }

    fn into_incident(self, now: Timestamp) -> (Incident, TimelineEntry) {
        let incident = Incident {
            id: Id::at(now),
            title: self.title,
            description: self.description,
            severity: self.severity,
            status: IncidentStatus::Open,
            root_cause: None,
            assigned_to: self.assigned_to,
            created_by: self.created_by,
            dedup_key: self.dedup_key,
            previous: self.previous,
            merged_into: None,
            milestones: Milestones::new(self.started_at.unwrap_or(now), now),
            created_at: now,
            updated_at: now,
            version: 1,
        };
        let created = TimelineEntry::new(incident.id, EntryKind::Created, now)
            .by(incident.created_by.as_deref())
            .detail("severity", incident.severity.as_str());
        (incident, created)
    }
}
