//! Incidents and their timelines in Postgres.

use std::collections::HashMap;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row};

use super::fault::{fault, is_key_taken};
use super::select::Select;
use super::value::{Document, Json, Key, Time};
use super::{Access, Postgres};
use crate::id::Id;
use crate::incident::{EntryKind, Incident, TimelineEntry};
use crate::store::{
    Appended, Changed, IncidentQuery, IncidentStore, Opened, Page, Scope, StoreError, StoreErrorKind, StoreFuture,
    TimelineQuery,
};
use crate::timestamp::Timestamp;

/// How often a call begins again that another one got in the way of.
const TRIES: u32 = 10;

const SELECT: &str = "SELECT watchkeeper.document(i) FROM watchkeeper.incidents i";

const TIMELINE: &str = "SELECT watchkeeper.document(e) FROM watchkeeper.timeline e";

const OPEN: &str = "
    WITH opened AS (
        INSERT INTO watchkeeper.incidents SELECT * FROM jsonb_populate_record(NULL::watchkeeper.incidents, $1)
        ON CONFLICT DO NOTHING RETURNING id
    ), noted AS (
        INSERT INTO watchkeeper.timeline
        SELECT e.* FROM opened, jsonb_populate_record(NULL::watchkeeper.timeline, $2) e ON CONFLICT DO NOTHING
    )
    SELECT id FROM opened";

/// The incident itself, or else the active one of the key.
const THERE: &str = "
    SELECT watchkeeper.document(i) FROM watchkeeper.incidents i
    WHERE id = $1 OR dedup_key = $2 AND status IN ('open', 'investigating', 'mitigated') ORDER BY id = $1 DESC LIMIT 1";

const FOR_CHANGE: &str = "SELECT watchkeeper.document(i) FROM watchkeeper.incidents i WHERE id = $1 FOR UPDATE";

const OTHER_OF_KEY: &str = "
    SELECT watchkeeper.document(i) FROM watchkeeper.incidents i
    WHERE id <> $1 AND dedup_key = $2 AND status IN ('open', 'investigating', 'mitigated') LIMIT 1";

const CHANGE: &str = "
    UPDATE watchkeeper.incidents SET (title, description, severity, status, root_cause, assigned_to, created_by, dedup_key,
        previous, merged_into, started_at, detected_at, acknowledged_at, mitigated_at, resolved_at, closed_at, created_at,
        updated_at, version)
    = (SELECT title, description, severity, status, root_cause, assigned_to, created_by, dedup_key,
        previous, merged_into, started_at, detected_at, acknowledged_at, mitigated_at, resolved_at, closed_at, created_at,
        updated_at, version FROM jsonb_populate_record(NULL::watchkeeper.incidents, $2))
    WHERE id = $1";

const ADD_ENTRIES: &str = "
    INSERT INTO watchkeeper.timeline SELECT * FROM jsonb_populate_recordset(NULL::watchkeeper.timeline, $1)
    ON CONFLICT DO NOTHING";

const ADD_ENTRY: &str = "
    WITH there AS (SELECT id FROM watchkeeper.incidents WHERE id = $1),
    added AS (
        INSERT INTO watchkeeper.timeline
        SELECT e.* FROM there, jsonb_populate_record(NULL::watchkeeper.timeline, $2) e ON CONFLICT DO NOTHING RETURNING id
    )
    SELECT EXISTS (SELECT FROM there), EXISTS (SELECT FROM added)";

const ADD_EACH: &str = "
    WITH given AS (
        SELECT e.*, EXISTS (SELECT FROM watchkeeper.incidents i WHERE i.id = e.incident) AS is_there
        FROM jsonb_populate_recordset(NULL::watchkeeper.timeline, $1) e
    ), added AS (
        INSERT INTO watchkeeper.timeline (incident, id, kind, timestamp, created_by, message, details)
        SELECT incident, id, kind, timestamp, created_by, message, details FROM given WHERE is_there
        ON CONFLICT DO NOTHING RETURNING incident, id
    )
    SELECT g.incident, g.id, g.is_there, a.id IS NOT NULL
    FROM given g LEFT JOIN added a ON a.incident = g.incident AND a.id = g.id";

const ATTACH: &str = "
    INSERT INTO watchkeeper.incident_alerts AS a (incident, fingerprint, entry, count, first_at, last_at)
    SELECT id, $2, $3, 1, $4, $4 FROM watchkeeper.incidents WHERE id = $1
    ON CONFLICT (incident, fingerprint) DO UPDATE
    SET count = a.count + 1, first_at = least(a.first_at, $4), last_at = greatest(a.last_at, $4)
    RETURNING entry, count, first_at, last_at";

const RECOUNT: &str = "UPDATE watchkeeper.timeline SET details = $3 WHERE incident = $1 AND id = $2";

const ACTIVE: &str = "
    SELECT count(*) FROM watchkeeper.incidents WHERE status IN ('open', 'investigating', 'mitigated')";

fn read(row: &Row) -> Result<Incident, Error> {
    row.try_get(0).map(|Document(incident)| incident)
}

fn read_entry(row: &Row) -> Result<TimelineEntry, Error> {
    row.try_get(0).map(|Document(entry)| entry)
}

fn given_up(operation: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Contention, operation).because("others got in the way each time")
}

async fn open(client: &Client, incident: &Incident, created: &TimelineEntry) -> Result<Opened, StoreError> {
    const OPERATION: &str = "open_incident";
    let failed = |error| fault(OPERATION, error);
    let (record, entry) = (Json::of(incident), Json::of(created));
    for _ in 0..TRIES {
        let opened =
            client.query_typed(OPEN, &[(&record, Type::JSONB), (&entry, Type::JSONB)]).await.map_err(failed)?;
        if !opened.is_empty() {
            return Ok(Opened::New);
        }
        let there = [(&Key(incident.id) as _, Type::UUID), (&incident.dedup_key as _, Type::TEXT)];
        if let Some(there) = client.query_typed_opt(THERE, &there).await.map_err(failed)? {
            return read(&there).map(|there| Opened::Existing(Box::new(there))).map_err(failed);
        }
        // It was over in between.
    }
    Err(given_up(OPERATION))
}

async fn change(
    client: &mut Client,
    seen: u64,
    incident: &Incident,
    entries: &[TimelineEntry],
) -> Result<Changed<Incident>, StoreError> {
    const OPERATION: &str = "change_incident";
    for _ in 0..TRIES {
        match change_once(client, seen, incident, entries, OPERATION).await {
            // Somebody took the key after we looked.
            Err(error) if is_key_taken(&error) => {}
            answer => return answer,
        }
    }
    Err(given_up(OPERATION))
}

async fn change_once(
    client: &mut Client,
    seen: u64,
    incident: &Incident,
    entries: &[TimelineEntry],
    operation: &'static str,
) -> Result<Changed<Incident>, StoreError> {
    let failed = |error| fault(operation, error);
    let id = Key(incident.id);
    let transaction = client.transaction().await.map_err(failed)?;
    let there = transaction.query_typed_opt(FOR_CHANGE, &[(&id, Type::UUID)]).await.map_err(failed)?;
    let Some(there) = there else { return Ok(Changed::Absent) };
    let there = read(&there).map_err(failed)?;
    if there.version != seen {
        return Ok(Changed::Stale(Box::new(there)));
    }
    if incident.status.is_active() && incident.dedup_key.is_some() {
        let key = [(&id as _, Type::UUID), (&incident.dedup_key as _, Type::TEXT)];
        if let Some(other) = transaction.query_typed_opt(OTHER_OF_KEY, &key).await.map_err(failed)? {
            return read(&other).map(|other| Changed::KeyTaken(Box::new(other))).map_err(failed);
        }
    }
    let record = Json::of(incident);
    transaction.execute_typed(CHANGE, &[(&id, Type::UUID), (&record, Type::JSONB)]).await.map_err(failed)?;
    let entries = Json::of(&entries);
    transaction.execute_typed(ADD_ENTRIES, &[(&entries, Type::JSONB)]).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(Changed::Done)
}

async fn add(client: &Client, entry: &TimelineEntry) -> Result<Appended, StoreError> {
    let failed = |error| fault("add_entry", error);
    let (incident, record) = (Key(entry.incident), Json::of(entry));
    let parameters = [(&incident as _, Type::UUID), (&record as _, Type::JSONB)];
    let row = client.query_typed_one(ADD_ENTRY, &parameters).await.map_err(failed)?;
    match (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?) {
        (false, _) => Ok(Appended::Refused),
        (true, true) => Ok(Appended::Stored),
        (true, false) => Ok(Appended::Duplicate),
    }
}

async fn add_each(client: &Client, entries: &[TimelineEntry]) -> Result<Vec<Appended>, StoreError> {
    let failed = |error| fault("add_entries", error);
    let records = Json::of(&entries);
    let rows = client.query_typed(ADD_EACH, &[(&records, Type::JSONB)]).await.map_err(failed)?;
    let mut answers = HashMap::with_capacity(rows.len());
    for row in rows {
        let (Key(incident), Key(id)) = (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
        let answer = match (row.try_get(2).map_err(failed)?, row.try_get(3).map_err(failed)?) {
            (false, _) => Appended::Refused,
            (true, true) => Appended::Stored,
            (true, false) => Appended::Duplicate,
        };
        answers.insert((incident, id), answer);
    }
    let mut answer = |entry: &TimelineEntry| match answers.get_mut(&(entry.incident, entry.id)) {
        // The second of two that are the same.
        Some(answer @ Appended::Stored) => std::mem::replace(answer, Appended::Duplicate),
        Some(answer) => *answer,
        None => Appended::Refused,
    };
    Ok(entries.iter().map(&mut answer).collect())
}

async fn attach(
    client: &mut Client,
    incident: Id,
    fingerprint: &str,
    at: Timestamp,
) -> Result<Option<u64>, StoreError> {
    let failed = |error| fault("attach_alert", error);
    let counted = |count: i64, first_at: Timestamp, last_at: Timestamp| {
        TimelineEntry::new(incident, EntryKind::AlertAttached, at)
            .detail("fingerprint", fingerprint)
            .detail("count", count)
            .detail("first_at", first_at.to_string())
            .detail("last_at", last_at.to_string())
    };
    let first = counted(1, at, at);
    let transaction = client.transaction().await.map_err(failed)?;
    let parameters = [
        (&Key(incident) as _, Type::UUID),
        (&fingerprint as _, Type::TEXT),
        (&Key(first.id) as _, Type::UUID),
        (&Time(at) as _, Type::TIMESTAMPTZ),
    ];
    let Some(row) = transaction.query_typed_opt(ATTACH, &parameters).await.map_err(failed)? else { return Ok(None) };
    let entry: Key = row.try_get(0).map_err(failed)?;
    let count: i64 = row.try_get(1).map_err(failed)?;
    let (Time(first_at), Time(last_at)) = (row.try_get(2).map_err(failed)?, row.try_get(3).map_err(failed)?);
    if count == 1 {
        let entries = Json::of(&[first]);
        transaction.execute_typed(ADD_ENTRIES, &[(&entries, Type::JSONB)]).await.map_err(failed)?;
    } else {
        let details = Json::of(&counted(count, first_at, last_at).details);
        let parameters = [(&Key(incident) as _, Type::UUID), (&entry as _, Type::UUID), (&details as _, Type::JSONB)];
        transaction.execute_typed(RECOUNT, &parameters).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)?;
    Ok(Some(count.unsigned_abs()))
}

fn select(query: &IncidentQuery, bounds: (Id, Id)) -> Select {
    let mut select = Select::new(SELECT, "i.id", bounds);
    if let Scope::CreatedBy(owner) = &query.scope {
        select.text("i.created_by = ?", Some(owner));
    }
    select.one_of("i.status = ANY(?)", query.statuses.iter().map(|status| status.as_str().to_owned()).collect());
    select.text("i.severity = ?", query.severity.map(|severity| severity.as_str()));
    select.text("i.dedup_key = ?", query.dedup_key.as_deref());
    select.text("i.assigned_to = ?", query.assigned_to.as_deref());
    select
}

fn select_entries(query: &TimelineQuery, bounds: (Id, Id)) -> Select {
    let mut select = Select::new(TIMELINE, "e.id", bounds);
    select.and("e.incident = ?", Key(query.incident), Type::UUID);
    if let Scope::CreatedBy(owner) = &query.scope {
        select.text(
            "EXISTS (SELECT FROM watchkeeper.incidents i WHERE i.id = e.incident AND i.created_by = ?)",
            Some(owner),
        );
        select.text("(e.kind <> 'event' OR e.created_by = ?)", Some(owner));
    }
    select.one_of("e.kind = ANY(?)", query.kinds.iter().map(|kind| kind.as_str().to_owned()).collect());
    select
}

impl IncidentStore for Postgres {
    fn open_incident<'a>(&'a self, incident: &'a Incident, created: &'a TimelineEntry) -> StoreFuture<'a, Opened> {
        let (incident, created) = (incident.clone(), created.clone());
        self.ask("open_incident", Access::Write, move |_, client| {
            Box::pin(async move { open(client, &incident, &created).await })
        })
    }

    fn incident<'a>(&'a self, id: Id, scope: &'a Scope) -> StoreFuture<'a, Option<Incident>> {
        const OPERATION: &str = "incident";
        let mut select = Select::new(SELECT, "i.id", (Id::MIN, Id::MAX));
        select.and("i.id = ?", Key(id), Type::UUID);
        if let Scope::CreatedBy(owner) = scope {
            select.text("i.created_by = ?", Some(owner));
        }
        self.ask(OPERATION, Access::Read, move |_, client| {
            Box::pin(async move {
                let row = select.one(client, OPERATION).await?;
                row.as_ref().map(read).transpose().map_err(|error| fault(OPERATION, error))
            })
        })
    }

    fn incidents<'a>(&'a self, query: &'a IncidentQuery) -> StoreFuture<'a, Page<Incident>> {
        const OPERATION: &str = "incidents";
        let Some(bounds) = query.id_bounds() else { return Box::pin(async { Ok(Page::default()) }) };
        let (select, paging) = (select(query, bounds), *query.paging());
        self.ask(OPERATION, Access::Read, move |_, client| {
            Box::pin(async move { select.page(client, &paging, OPERATION, read, |found| found.id).await })
        })
    }

    fn change_incident<'a>(
        &'a self,
        seen: u64,
        incident: &'a Incident,
        entries: &'a [TimelineEntry],
    ) -> StoreFuture<'a, Changed<Incident>> {
        let (incident, entries) = (incident.clone(), entries.to_vec());
        self.ask("change_incident", Access::Write, move |_, client| {
            Box::pin(async move { change(client, seen, &incident, &entries).await })
        })
    }

    fn add_entry<'a>(&'a self, entry: &'a TimelineEntry) -> StoreFuture<'a, Appended> {
        let entry = entry.clone();
        self.ask("add_entry", Access::Write, move |_, client| Box::pin(async move { add(client, &entry).await }))
    }

    fn add_entries<'a>(&'a self, entries: &'a [TimelineEntry]) -> StoreFuture<'a, Vec<Appended>> {
        if entries.is_empty() {
            return Box::pin(async { Ok(Vec::new()) });
        }
        let entries = entries.to_vec();
        self.ask("add_entries", Access::Write, move |_, client| {
            Box::pin(async move { add_each(client, &entries).await })
        })
    }

    fn attach_alert<'a>(&'a self, incident: Id, fingerprint: &'a str, at: Timestamp) -> StoreFuture<'a, Option<u64>> {
        let fingerprint = fingerprint.to_owned();
        self.ask("attach_alert", Access::Write, move |_, client| {
            Box::pin(async move { attach(client, incident, &fingerprint, at).await })
        })
    }

    fn timeline<'a>(&'a self, query: &'a TimelineQuery) -> StoreFuture<'a, Page<TimelineEntry>> {
        const OPERATION: &str = "timeline";
        let Some(bounds) = query.id_bounds() else { return Box::pin(async { Ok(Page::default()) }) };
        let (select, paging) = (select_entries(query, bounds), *query.paging());
        self.ask(OPERATION, Access::Read, move |_, client| {
            Box::pin(async move { select.page(client, &paging, OPERATION, read_entry, |entry| entry.id).await })
        })
    }

    fn active_incidents(&self) -> StoreFuture<'_, u64> {
        const OPERATION: &str = "active_incidents";
        self.ask(OPERATION, Access::Read, move |_, client| {
            Box::pin(async move {
                let count = client.query_typed_one(ACTIVE, &[]).await.and_then(|row| row.try_get::<_, i64>(0));
                count.map(i64::unsigned_abs).map_err(|error| fault(OPERATION, error))
            })
        })
    }
}
