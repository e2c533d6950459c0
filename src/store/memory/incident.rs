//! Incidents and their timelines in memory.

use std::collections::{BTreeMap, HashMap};

use super::{Memory, page, read, write};
use crate::id::Id;
use crate::incident::{EntryKind, Incident, TimelineEntry};
use crate::store::{
    Appended, Changed, IncidentQuery, IncidentStore, Opened, Page, Scope, StoreError, StoreErrorKind, StoreFuture,
    TimelineQuery,
};
use crate::timestamp::Timestamp;

/// Incidents by id, and which active one has a key.
#[derive(Debug)]
pub(super) struct Incidents {
    kept: BTreeMap<Id, Kept>,
    keys: HashMap<String, Id>,
    bytes: usize,
    max_bytes: usize,
}

#[derive(Debug)]
struct Kept {
    incident: Incident,
    entries: BTreeMap<Id, TimelineEntry>,
    /// The entry that counts an alert, by its fingerprint.
    attached: HashMap<String, Attached>,
}

#[derive(Debug)]
struct Attached {
    entry: Id,
    count: u64,
    first_at: Timestamp,
    last_at: Timestamp,
}

impl Incidents {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { kept: BTreeMap::new(), keys: HashMap::new(), bytes: 0, max_bytes }
    }

    /// Makes room by forgetting the oldest incidents that are over; `keep` is not among them.
    fn make_room(&mut self, bytes: usize, keep: Id, operation: &'static str) -> Result<(), StoreError> {
        while self.bytes + bytes > self.max_bytes {
            let over = |kept: &Kept| kept.incident.id != keep && !kept.incident.status.is_active();
            let Some(id) = self.kept.iter().find(|(_, kept)| over(kept)).map(|(id, _)| *id) else {
                return Err(StoreError::new(StoreErrorKind::Full, operation));
            };
            if let Some(gone) = self.kept.remove(&id) {
                self.bytes -= incident_bytes(&gone.incident);
                self.bytes -= gone.entries.values().map(entry_bytes).sum::<usize>();
            }
        }
        Ok(())
    }

    fn key_of(&self, incident: &Incident) -> Option<&Kept> {
        let key = incident.dedup_key.as_ref().filter(|_| incident.status.is_active())?;
        self.keys.get(key).filter(|id| **id != incident.id).and_then(|id| self.kept.get(id))
    }

    fn open(&mut self, incident: &Incident, created: &TimelineEntry) -> Result<Opened, StoreError> {
        let there = self.kept.get(&incident.id).or_else(|| self.key_of(incident));
        if let Some(there) = there {
            return Ok(Opened::Existing(Box::new(there.incident.clone())));
        }
        let bytes = incident_bytes(incident) + entry_bytes(created);
        self.make_room(bytes, incident.id, "open_incident")?;
        self.bytes += bytes;
        self.hold_key(incident);
        let entries = BTreeMap::from([(created.id, created.clone())]);
        self.kept.insert(incident.id, Kept { incident: incident.clone(), entries, attached: HashMap::new() });
        Ok(Opened::New)
    }

    fn hold_key(&mut self, incident: &Incident) {
        if let Some(key) = &incident.dedup_key {
            if incident.status.is_active() {
                self.keys.insert(key.clone(), incident.id);
            } else if self.keys.get(key) == Some(&incident.id) {
                self.keys.remove(key);
            }
        }
    }

    fn change(
        &mut self,
        seen: u64,
        incident: &Incident,
        entries: &[TimelineEntry],
    ) -> Result<Changed<Incident>, StoreError> {
        let Some(there) = self.kept.get(&incident.id) else { return Ok(Changed::Absent) };
        if there.incident.version != seen {
            return Ok(Changed::Stale(Box::new(there.incident.clone())));
        }
        if let Some(other) = self.key_of(incident) {
            return Ok(Changed::KeyTaken(Box::new(other.incident.clone())));
        }
        let (old_key, old_bytes) = (there.incident.dedup_key.clone(), incident_bytes(&there.incident));
        let fresh: Vec<_> = entries.iter().filter(|entry| !there.entries.contains_key(&entry.id)).collect();
        let bytes = incident_bytes(incident) + fresh.iter().map(|entry| entry_bytes(entry)).sum::<usize>();
        self.make_room(bytes.saturating_sub(old_bytes), incident.id, "change_incident")?;
        self.bytes = self.bytes - old_bytes + bytes;
        if let Some(key) = old_key.filter(|key| self.keys.get(key) == Some(&incident.id)) {
            self.keys.remove(&key);
        }
        self.hold_key(incident);
        if let Some(there) = self.kept.get_mut(&incident.id) {
            there.incident = incident.clone();
            there.entries.extend(fresh.into_iter().map(|entry| (entry.id, entry.clone())));
        }
        Ok(Changed::Done)
    }

    fn add(&mut self, entry: &TimelineEntry, operation: &'static str) -> Result<Appended, StoreError> {
        match self.kept.get(&entry.incident) {
            None => return Ok(Appended::Refused),
            Some(there) if there.entries.contains_key(&entry.id) => return Ok(Appended::Duplicate),
            Some(_) => {}
        }
        self.make_room(entry_bytes(entry), entry.incident, operation)?;
        self.bytes += entry_bytes(entry);
        if let Some(there) = self.kept.get_mut(&entry.incident) {
            there.entries.insert(entry.id, entry.clone());
        }
        Ok(Appended::Stored)
    }

    fn attach(&mut self, incident: Id, fingerprint: &str, at: Timestamp) -> Result<Option<u64>, StoreError> {
        let Some(there) = self.kept.get_mut(&incident) else { return Ok(None) };
        let Some(attached) = there.attached.get_mut(fingerprint) else {
            let entry = TimelineEntry::new(incident, EntryKind::AlertAttached, at)
                .detail("fingerprint", fingerprint)
                .detail("count", 1)
                .detail("first_at", at.to_string())
                .detail("last_at", at.to_string());
            let id = entry.id;
            self.add(&entry, "attach_alert")?;
            if let Some(there) = self.kept.get_mut(&incident) {
                let attached = Attached { entry: id, count: 1, first_at: at, last_at: at };
                there.attached.insert(fingerprint.to_owned(), attached);
            }
            return Ok(Some(1));
        };
        attached.count += 1;
        attached.first_at = attached.first_at.min(at);
        attached.last_at = attached.last_at.max(at);
        if let Some(entry) = there.entries.get_mut(&attached.entry) {
            self.bytes -= entry_bytes(entry);
            entry.details.insert("count", attached.count);
            entry.details.insert("first_at", attached.first_at.to_string());
            entry.details.insert("last_at", attached.last_at.to_string());
            self.bytes += entry_bytes(entry);
        }
        Ok(Some(attached.count))
    }
}

fn incident_bytes(incident: &Incident) -> usize {
    let optional = [&incident.root_cause, &incident.assigned_to, &incident.created_by];
    let optional: usize = optional.into_iter().flatten().map(String::len).sum();
    // A key stands in the table of keys too.
    let key = incident.dedup_key.as_ref().map_or(0, |key| 2 * key.len());
    size_of::<Kept>() + incident.title.len() + incident.description.len() + optional + key
}

fn entry_bytes(entry: &TimelineEntry) -> usize {
    let texts = [entry.created_by.as_ref(), entry.message.as_ref()];
    size_of::<TimelineEntry>()
        + entry.kind.as_str().len()
        + entry.details.bytes()
        + texts.into_iter().flatten().map(String::len).sum::<usize>()
}

impl IncidentStore for Memory {
    fn open_incident<'a>(&'a self, incident: &'a Incident, created: &'a TimelineEntry) -> StoreFuture<'a, Opened> {
        Box::pin(async move { write(&self.inner.incidents).open(incident, created) })
    }

    fn incident<'a>(&'a self, id: Id, scope: &'a Scope) -> StoreFuture<'a, Option<Incident>> {
        Box::pin(async move {
            let incidents = read(&self.inner.incidents);
            let found = incidents.kept.get(&id).map(|kept| &kept.incident);
            Ok(found.filter(|incident| scope.contains(incident.created_by.as_deref())).cloned())
        })
    }

    fn incidents<'a>(&'a self, query: &'a IncidentQuery) -> StoreFuture<'a, Page<Incident>> {
        Box::pin(async move {
            let incidents = read(&self.inner.incidents);
            let Some((first, last)) = query.id_bounds() else { return Ok(Page::default()) };
            let found = incidents.kept.range(first..=last).map(|(_, kept)| &kept.incident);
            Ok(page(query.paging(), found.filter(|incident| query.matches(incident)), |incident| incident.id))
        })
    }

    fn change_incident<'a>(
        &'a self,
        seen: u64,
        incident: &'a Incident,
        entries: &'a [TimelineEntry],
    ) -> StoreFuture<'a, Changed<Incident>> {
        Box::pin(async move { write(&self.inner.incidents).change(seen, incident, entries) })
    }

    fn add_entry<'a>(&'a self, entry: &'a TimelineEntry) -> StoreFuture<'a, Appended> {
        Box::pin(async move { write(&self.inner.incidents).add(entry, "add_entry") })
    }

    fn attach_alert<'a>(&'a self, incident: Id, fingerprint: &'a str, at: Timestamp) -> StoreFuture<'a, Option<u64>> {
        Box::pin(async move { write(&self.inner.incidents).attach(incident, fingerprint, at) })
    }

    fn timeline<'a>(&'a self, query: &'a TimelineQuery) -> StoreFuture<'a, Page<TimelineEntry>> {
        Box::pin(async move {
            let incidents = read(&self.inner.incidents);
            let kept = incidents.kept.get(&query.incident);
            let visible = kept.filter(|kept| query.scope.contains(kept.incident.created_by.as_deref()));
            let (Some(kept), Some((first, last))) = (visible, query.id_bounds()) else {
                return Ok(Page::default());
            };
            let found = kept.entries.range(first..=last).map(|(_, entry)| entry);
            Ok(page(query.paging(), found.filter(|entry| query.matches(entry)), |entry| entry.id))
        })
    }

    fn active_incidents(&self) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let incidents = read(&self.inner.incidents);
            Ok(incidents.kept.values().filter(|kept| kept.incident.status.is_active()).count() as u64)
        })
    }
}
