//! Opening incidents: a new one, or the one that is there.

use std::collections::BTreeMap;

use super::{Desk, DeskError};
use crate::alert::Alert;
use crate::id::Id;
use crate::incident::{Actor, Incident, IncidentChange, IncidentDraft, IncidentStatus};
use crate::store::{IncidentQuery, Opened, Scope};
use crate::timestamp::Timestamp;

/// How often opening begins again that another change got in the way of.
const TRIES: usize = 10;

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
                Some(there) if there.status.is_active() => return Ok(joined(there)),
                Some(there) if there.reopens_at(now) => match self.reopen(&there).await {
                    Ok(incident) => return Ok(Opening { incident, is_new: false, is_reopened: true }),
                    // Somebody was quicker: look again.
                    Err(DeskError::Stale { .. } | DeskError::KeyTaken(_) | DeskError::NotFound(_)) => continue,
                    Err(error) => return Err(error),
                },
                Some(over) => draft.clone().previous(over.id),
                None => draft.clone(),
            };
            let (incident, created) = draft.check(now)?;
            return match self.store.open_incident(&incident, &created).await? {
                Opened::New => Ok(Opening { incident, is_new: true, is_reopened: false }),
                Opened::Existing(there) => Ok(joined(*there)),
            };
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

    async fn reopen(&self, there: &Incident) -> Result<Incident, DeskError> {
        let reason = Some("it came back".to_owned());
        let change = IncidentChange::Status { to: IncidentStatus::Investigating, reason };
        self.change(there.id, &Scope::All, vec![change], &Actor::Automation, Some(there.version)).await
    }
}

fn joined(incident: Incident) -> Opening {
    Opening { incident, is_new: false, is_reopened: false }
}
