//! Leases, runs and progress in memory: of one process, so that its tasks are the same with a database and without.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde_json::Value;

use super::{Memory, read, write};
use crate::store::lease::{MAX_LEASE_NAME_BYTES, MAX_NOTE_BYTES, MAX_PROGRESS_BYTES};
use crate::store::{
    Instance, Lease, LeaseStore, Leased, RunClaim, RunStatus, StoreError, StoreErrorKind, StoreFuture, TaskRun,
};
use crate::timestamp::Timestamp;

/// The most leases, tasks with runs, and progresses; further ones are refused as `Full`.
const MOST: usize = 10_000;

/// The most runs of one task; the oldest slot gives way.
const MOST_RUNS: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct Leases {
    leases: HashMap<String, Held>,
    runs: HashMap<String, BTreeMap<Timestamp, TaskRun>>,
    progress: HashMap<String, (u64, Value)>,
    instances: HashMap<String, Instance>,
}

#[derive(Debug)]
struct Held {
    holder: Option<String>,
    fence: u64,
    until: Timestamp,
}

impl Leases {
    fn acquire(&mut self, name: &str, holder: &str, time: Duration) -> Result<Leased, StoreError> {
        const OPERATION: &str = "acquire_lease";
        fits(name, MAX_LEASE_NAME_BYTES, OPERATION)?;
        fits(holder, MAX_LEASE_NAME_BYTES, OPERATION)?;
        let now = Timestamp::now();
        has_room(&self.leases, name, OPERATION)?;
        let new = || Held { holder: None, fence: 0, until: now };
        let held = self.leases.entry(name.to_owned()).or_insert_with(new);
        match &held.holder {
            Some(other) if other != holder && held.until > now => {
                return Ok(Leased::Taken(Lease { holder: other.clone(), fence: held.fence, now, until: held.until }));
            }
            Some(same) if same == holder => {}
            _ => {
                held.holder = Some(holder.to_owned());
                held.fence += 1;
            }
        }
        held.until = now.plus(time);
        Ok(Leased::Held(Lease { holder: holder.to_owned(), fence: held.fence, now, until: held.until }))
    }

    fn release(&mut self, name: &str, holder: &str) -> bool {
        match self.leases.get_mut(name) {
            Some(held) if held.holder.as_deref() == Some(holder) => {
                held.holder = None;
                true
            }
            _ => false,
        }
    }

    fn begin(&mut self, claim: &RunClaim) -> Result<bool, StoreError> {
        const OPERATION: &str = "begin_run";
        fits(&claim.task, MAX_LEASE_NAME_BYTES, OPERATION)?;
        fits(&claim.holder, MAX_LEASE_NAME_BYTES, OPERATION)?;
        has_room(&self.runs, &claim.task, OPERATION)?;
        let runs = self.runs.entry(claim.task.clone()).or_default();
        if runs.get(&claim.slot).is_some_and(|run| run.ended_at.is_some() || run.fence >= claim.fence) {
            return Ok(false);
        }
        let run = TaskRun {
            task: claim.task.clone(),
            slot: claim.slot,
            holder: claim.holder.clone(),
            fence: claim.fence,
            started_at: Timestamp::now(),
            ended_at: None,
            status: None,
            note: None,
        };
        runs.insert(claim.slot, run);
        if runs.len() > MOST_RUNS {
            runs.pop_first();
        }
        Ok(true)
    }

    fn end(&mut self, claim: &RunClaim, status: RunStatus, note: Option<&str>) -> Result<bool, StoreError> {
        fits(note.unwrap_or_default(), MAX_NOTE_BYTES, "end_run")?;
        let run = self.runs.get_mut(&claim.task).and_then(|runs| runs.get_mut(&claim.slot));
        let Some(run) = run.filter(|run| run.ended_at.is_none() && run.fence == claim.fence) else { return Ok(false) };
        run.ended_at = Some(Timestamp::now());
        run.status = Some(status);
        run.note = note.map(str::to_owned);
        Ok(true)
    }

    fn forget(&mut self, before: Timestamp) -> u64 {
        let mut forgotten = 0;
        for runs in self.runs.values_mut() {
            let kept = runs.split_off(&before);
            forgotten += std::mem::replace(runs, kept).len() as u64;
        }
        self.runs.retain(|_, runs| !runs.is_empty());
        self.instances.retain(|_, instance| instance.seen_at >= before);
        forgotten
    }

    fn announce(&mut self, instance: &Instance) -> Result<(), StoreError> {
        const OPERATION: &str = "announce_instance";
        for text in [&instance.name, &instance.service, &instance.release, &instance.host] {
            fits(text, MAX_LEASE_NAME_BYTES, OPERATION)?;
        }
        has_room(&self.instances, &instance.name, OPERATION)?;
        let now = Timestamp::now();
        let started_at = self.instances.get(&instance.name).map_or(now, |there| there.started_at);
        self.instances.insert(instance.name.clone(), Instance { started_at, seen_at: now, ..instance.clone() });
        Ok(())
    }

    fn put(&mut self, name: &str, fence: u64, value: &Value) -> Result<bool, StoreError> {
        const OPERATION: &str = "put_progress";
        fits(name, MAX_LEASE_NAME_BYTES, OPERATION)?;
        fits(&value.to_string(), MAX_PROGRESS_BYTES, OPERATION)?;
        has_room(&self.progress, name, OPERATION)?;
        let kept = self.progress.entry(name.to_owned()).or_insert_with(|| (0, Value::Null));
        if kept.0 > fence {
            return Ok(false);
        }
        *kept = (fence, value.clone());
        Ok(true)
    }
}

fn fits(text: &str, most: usize, operation: &'static str) -> Result<(), StoreError> {
    if text.len() > most || text.contains('\0') {
        let why = "a name, a note or a progress is too long, or has the character NUL";
        return Err(StoreError::new(StoreErrorKind::Refused, operation).because(why));
    }
    Ok(())
}

fn has_room<T>(kept: &HashMap<String, T>, name: &str, operation: &'static str) -> Result<(), StoreError> {
    if kept.len() >= MOST && !kept.contains_key(name) {
        return Err(StoreError::new(StoreErrorKind::Full, operation));
    }
    Ok(())
}

impl LeaseStore for Memory {
    fn acquire_lease<'a>(&'a self, name: &'a str, holder: &'a str, time: Duration) -> StoreFuture<'a, Leased> {
        Box::pin(async move { write(&self.inner.leases).acquire(name, holder, time) })
    }

    fn release_lease<'a>(&'a self, name: &'a str, holder: &'a str) -> StoreFuture<'a, bool> {
        Box::pin(async move { Ok(write(&self.inner.leases).release(name, holder)) })
    }

    fn begin_run<'a>(&'a self, claim: &'a RunClaim) -> StoreFuture<'a, bool> {
        Box::pin(async move { write(&self.inner.leases).begin(claim) })
    }

    fn end_run<'a>(&'a self, claim: &'a RunClaim, status: RunStatus, note: Option<&'a str>) -> StoreFuture<'a, bool> {
        Box::pin(async move { write(&self.inner.leases).end(claim, status, note) })
    }

    fn runs<'a>(&'a self, task: &'a str, limit: usize) -> StoreFuture<'a, Vec<TaskRun>> {
        Box::pin(async move {
            let leases = read(&self.inner.leases);
            let runs = leases.runs.get(task).into_iter().flat_map(|runs| runs.values().rev());
            Ok(runs.take(limit.min(MOST_RUNS)).cloned().collect())
        })
    }

    fn forget_runs(&self, before: Timestamp) -> StoreFuture<'_, u64> {
        Box::pin(async move { Ok(write(&self.inner.leases).forget(before)) })
    }

    fn announce_instance<'a>(&'a self, instance: &'a Instance) -> StoreFuture<'a, ()> {
        Box::pin(async move { write(&self.inner.leases).announce(instance) })
    }

    fn instances(&self, limit: usize) -> StoreFuture<'_, Vec<Instance>> {
        Box::pin(async move {
            let mut found: Vec<_> = read(&self.inner.leases).instances.values().cloned().collect();
            found.sort_by(|a, b| b.seen_at.cmp(&a.seen_at).then_with(|| a.name.cmp(&b.name)));
            found.truncate(limit.min(1_000));
            Ok(found)
        })
    }

    fn progress<'a>(&'a self, name: &'a str) -> StoreFuture<'a, Option<Value>> {
        Box::pin(async move { Ok(read(&self.inner.leases).progress.get(name).map(|(_, value)| value.clone())) })
    }

    fn put_progress<'a>(&'a self, name: &'a str, fence: u64, value: &'a Value) -> StoreFuture<'a, bool> {
        Box::pin(async move { write(&self.inner.leases).put(name, fence, value) })
    }
}
