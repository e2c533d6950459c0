//! Opening incidents: a new one, or the one that is there.

use std::collections::BTreeMap;

use super::{Desk, DeskError};
use crate::alert::Alert;
use crate::id::Id;
use crate::incident::{Actor, Incident, IncidentChange, IncidentDraft, IncidentStatus, Severity};
use crate::store::{IncidentQuery, Opened, Scope};
use crate::timestamp::Timestamp;

/// How often opening begins again that another change got in the way of.
const TRIES: usize = 50;

/// What became of an incident that was to be opened.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Opening {
    /// The incident.
    pub incident: Incident,
    /// Whether it is a new one.
    pub is_new: bool,
    /// Whether it was over and has been reopened.
    pub is_reopened: bool,
}

/// Returns the dedup key of a rule's alerts with these group labels, in whatever order they were put in: a hash in
/// hexadecimal.
pub fn alert_key(rule: Id, labels: &BTreeMap<String, String>) -> String {
    Alert::fingerprint(rule, labels)
}

impl Desk {
    /// Opens an incident, unless one of its key is there: an active one is joined, one that was resolved in the last 30
    /// minutes is reopened. One of the key that was over for longer is named as the [previous](Incident::previous) one.
    ///
    /// Where the draft is of a higher severity than the incident that is there, that one's is raised; it is never lowered.
    ///
    /// However many callers open incidents of one key at once, there is one.
    ///
    /// # Errors
    ///
    /// [`DeskError::Invalid`] names the field that is not fit to be kept; else as the store.
    pub async fn open(&self, draft: IncidentDraft) -> Result<Opening, DeskError> {
        for _ in 0..TRIES {
            let now = Timestamp::now();
            let before = match draft.key() {
                Some(key) => self.last_of(key).await?,
                None => None,
            };
            let draft = match before {
                Some(there) if there.status.is_active() || there.reopens_at(now) => {
                    match self.take_up(&there, draft.harm()).await {
                        Ok(incident) => {
                            let is_reopened = !there.status.is_active();
                            return Ok(Opening { incident, is_new: false, is_reopened });
                        }
                        // Somebody was quicker: look again.
                        Err(DeskError::Stale { .. } | DeskError::KeyTaken(_) | DeskError::NotFound(_)) => continue,
                        Err(error) => return Err(error),
                    }
                }
                Some(over) => draft.clone().previous(over.id),
                None => draft.clone(),
            };
            let (incident, created) = draft.check(now)?;
            if self.store.open_incident(&incident, &created).await? == Opened::New {
                return Ok(Opening { incident, is_new: true, is_reopened: false });
            }
            // Somebody was quicker: join theirs.
        }
        let (incident, _) = draft.check(Timestamp::now())?;
        Err(DeskError::Contended(incident.id))
    }

    async fn last_of(&self, key: &str) -> Result<Option<Incident>, DeskError> {
        let query = IncidentQuery::new(Scope::All).dedup_key(key);
        let active = self.store.incidents(&query.clone().active().limit(1)).await?;
        if let Some(active) = active.items.into_iter().next() {
            return Ok(Some(active));
        }
        Ok(self.store.incidents(&query.limit(1)).await?.items.into_iter().next())
    }

    /// Reopens an incident that is over, and raises its severity where it is lower, in one change.
    async fn take_up(&self, there: &Incident, severity: Severity) -> Result<Incident, DeskError> {
        let mut changes = Vec::new();
        if !there.status.is_active() {
            let reason = Some("it came back".to_owned());
            changes.push(IncidentChange::Status { to: IncidentStatus::Investigating, reason });
        }
        if severity > there.severity {
            changes.push(IncidentChange::Severity(severity));
        }
        if changes.is_empty() {
            return Ok(there.clone());
        }
        self.change(there.id, &Scope::All, changes, &Actor::Automation, Some(there.version)).await
    }
}
