//! Changing incidents: from a version that was seen, or from whichever is there.

use super::{Desk, DeskError};
use crate::event::MAX_IDENTITY_BYTES;
use crate::id::Id;
use crate::incident::{Actor, EntryKind, Incident, IncidentChange, IncidentStatus, TimelineEntry};
use crate::sanitise::{Cleaner, MAX_TEXT_BYTES};
use crate::store::{Appended, Changed, Scope};
use crate::timestamp::Timestamp;

/// How often a change begins again that others got in the way of, where it names no version.
const TRIES: usize = 50;

impl Desk {
    /// Finds an incident.
    ///
    /// # Errors
    ///
    /// [`DeskError::NotFound`] where it is not there or not in the scope; else as the store.
    pub async fn incident(&self, id: Id, scope: &Scope) -> Result<Incident, DeskError> {
        self.store.incident(id, scope).await?.ok_or(DeskError::NotFound(id))
    }

    /// Makes changes, all of them or none, and returns the incident as it is then. Each leaves one entry of the timeline;
    /// one that changes nothing leaves none.
    ///
    /// With `seen`, the changes are made from that version alone. Without, they are made from the version that is there,
    /// again if need be.
    ///
    /// # Errors
    ///
    /// [`DeskError::Stale`] where `seen` is not the version any more, [`DeskError::Change`] where a change may not be made,
    /// [`DeskError::KeyTaken`], [`DeskError::NotFound`]; else as the store.
    pub async fn change(
        &self,
        id: Id,
        scope: &Scope,
        changes: Vec<IncidentChange>,
        by: &Actor,
        seen: Option<u64>,
    ) -> Result<Incident, DeskError> {
        for _ in 0..TRIES {
            let there = self.incident(id, scope).await?;
            let version = there.version;
            if let Some(seen) = seen.filter(|seen| *seen != version) {
                return Err(DeskError::Stale { seen, current: Box::new(there) });
            }
            let (incident, entries) = apply(there, &changes, by)?;
            if entries.is_empty() {
                return Ok(incident);
            }
            match (self.store.change_incident(version, &incident, &entries).await?, seen) {
                (Changed::Done, _) => return Ok(incident),
                (Changed::Stale(current), Some(seen)) => return Err(DeskError::Stale { seen, current }),
                (Changed::Stale(_), None) => {}
                (Changed::KeyTaken(other), _) => return Err(DeskError::KeyTaken(other)),
                (Changed::Absent, _) => return Err(DeskError::NotFound(id)),
            }
        }
        Err(DeskError::Contended(id))
    }

    /// Adds what somebody has to say to the timeline.
    ///
    /// # Errors
    ///
    /// [`DeskError::Invalid`] where the text is empty, longer than 16 KiB or holds what no store keeps;
    /// [`DeskError::NotFound`]; else as the store.
    pub async fn note(&self, id: Id, scope: &Scope, text: &str, by: &Actor) -> Result<TimelineEntry, DeskError> {
        let mut text = text.to_owned();
        let mut cleaner = Cleaner::new(2 * MAX_TEXT_BYTES, 0);
        cleaner.name("text", &mut text, MAX_TEXT_BYTES);
        cleaner.check()?;
        self.incident(id, scope).await?;
        let entry = TimelineEntry::new(id, EntryKind::Comment, Timestamp::now()).by(by.name()).message(text);
        self.add(entry).await
    }

    /// Adds an entry of any kind to the timeline, such as a deployment that may be the cause.
    ///
    /// # Errors
    ///
    /// [`DeskError::NotFound`]; else as the store.
    pub async fn add(&self, entry: TimelineEntry) -> Result<TimelineEntry, DeskError> {
        match self.store.add_entry(&entry).await? {
            Appended::Refused => Err(DeskError::NotFound(entry.incident)),
            Appended::Stored | Appended::Duplicate => Ok(entry),
        }
    }

    /// Notes that an alert belongs to an incident, and returns how often that was noted.
    ///
    /// # Errors
    ///
    /// [`DeskError::NotFound`], [`DeskError::Invalid`] for a fingerprint of more than 256 bytes; else as the store.
    pub async fn attach_alert(&self, id: Id, fingerprint: &str, at: Timestamp) -> Result<u64, DeskError> {
        let mut name = fingerprint.to_owned();
        let mut cleaner = Cleaner::new(2 * MAX_IDENTITY_BYTES, 0);
        cleaner.name("fingerprint", &mut name, MAX_IDENTITY_BYTES);
        cleaner.check()?;
        self.store.attach_alert(id, fingerprint, at).await?.ok_or(DeskError::NotFound(id))
    }

    /// Resolves an incident that is active; one that is over stays as it is.
    ///
    /// # Errors
    ///
    /// [`DeskError::NotFound`]; else as the store.
    pub async fn resolve(&self, id: Id, reason: &str, by: &Actor) -> Result<Incident, DeskError> {
        let there = self.incident(id, &Scope::All).await?;
        if !there.status.is_active() {
            return Ok(there);
        }
        let change = IncidentChange::Status { to: IncidentStatus::Resolved, reason: Some(reason.to_owned()) };
        match self.change(id, &Scope::All, vec![change], by, None).await {
            // Somebody else ended it meanwhile.
            Err(DeskError::Change(_)) => self.incident(id, &Scope::All).await,
            answer => answer,
        }
    }

    /// Says that an incident is the same as another one: it is cancelled, and names that one.
    ///
    /// # Errors
    ///
    /// [`DeskError::NotFound`] where either is not there, [`DeskError::Change`] where it is over; else as the store.
    pub async fn merge(&self, id: Id, into: Id, by: &Actor, seen: Option<u64>) -> Result<Incident, DeskError> {
        self.incident(into, &Scope::All).await?;
        self.change(id, &Scope::All, vec![IncidentChange::MergedInto(into)], by, seen).await
    }
}

/// Makes changes one after the other, and gives the entries that they leave.
fn apply(
    mut incident: Incident,
    changes: &[IncidentChange],
    by: &Actor,
) -> Result<(Incident, Vec<TimelineEntry>), DeskError> {
    let now = Timestamp::now();
    let mut entries = Vec::with_capacity(changes.len());
    for change in changes {
        if let Some((next, entry)) = incident.change(change.clone(), by, now)? {
            incident = next;
            entries.push(entry);
        }
    }
    Ok((incident, entries))
}
