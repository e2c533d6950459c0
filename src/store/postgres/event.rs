//! Events in Postgres.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use serde_json::Value;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use super::fault::{fault, is_key_taken, is_without_partition};
use super::minutes::Deltas;
use super::partition::Day;
use super::select::Select;
use super::value::{Json, Key, Members, Time};
use super::{Access, Postgres, Shared, minutes};
use crate::event::{Event, Fields, Level};
use crate::id::Id;
use crate::sanitise::MAX_DEPTH;
use crate::store::{Appended, Counts, EventCount, EventQuery, EventStore, Page, Scope, StoreError, StoreFuture};
use crate::timestamp::Timestamp;

/// The most events of one statement.
const AT_ONCE: usize = 1000;

/// Stores events of which none is there yet: nothing is looked up beforehand, nothing is returned, and the counts come along,
/// which costs the server a quarter less. `unnest` in the list of columns keeps no copy of them, as it would behind `FROM`.
const APPEND_NEW: &str = "
    WITH stored AS (
        INSERT INTO watchkeeper.events (id, event_type, source, message, level, tags, payload, timestamp, created_at,
            created_by, trace_id, dedup_key)
        SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8),
            unnest($9), unnest($10), unnest($11), unnest($12)
    )
    INSERT INTO watchkeeper.count_deltas (thing, minute, kind, level, count)
    SELECT 'event', * FROM unnest($13, $14, $15, $16)";

/// Stores those of some events that are not there yet.
const APPEND_MISSING: &str = "
    WITH stored AS (
        INSERT INTO watchkeeper.events (id, event_type, source, message, level, tags, payload, timestamp, created_at,
            created_by, trace_id, dedup_key)
        SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8),
            unnest($9), unnest($10), unnest($11), unnest($12)
        ON CONFLICT (id) DO NOTHING
        RETURNING id, event_type, level, timestamp
    ), counted AS (
        INSERT INTO watchkeeper.count_deltas (thing, minute, kind, level, count)
        SELECT 'event', date_bin('1 minute', timestamp, 'epoch'), event_type, coalesce(level, ''), count(*)
        FROM stored GROUP BY 2, 3, 4
    )
    SELECT id FROM stored";

const SELECT: &str = "
    SELECT id, event_type, source, message, level, tags, payload, timestamp, created_at, created_by, trace_id, dedup_key
    FROM watchkeeper.events";

/// What is there wins, and a row that would stay as it is is not written.
const ADD_TAGS: &str = "
    UPDATE watchkeeper.events e SET tags = t.tags || e.tags FROM unnest($1, $2) AS t (id, tags)
    WHERE e.id = t.id AND e.tags <> t.tags || e.tags";

/// Stores events, in the order of their ids so that writers of the same ones do not wait for each other in a circle.
async fn append(shared: &Shared, client: &mut Client, events: &[Arc<Event>]) -> Result<Vec<Appended>, StoreError> {
    const OPERATION: &str = "append_events";
    let now = Timestamp::now();
    let is_taken = |event: &Event| shared.takes(event.id().timestamp(), now);
    let mut taken: Vec<&Event> = events.iter().map(|event| &**event).filter(|event| is_taken(event)).collect();
    taken.sort_by_key(|event| event.id());
    let days: BTreeSet<Day> = taken.iter().map(|event| Day::of(event.id().timestamp())).collect();
    shared.events.ensure(client, days.clone(), OPERATION).await?;
    let mut stored = HashSet::with_capacity(taken.len());
    for some in taken.chunks(AT_ONCE) {
        let ids = match insert(client, some, OPERATION).await {
            Err(error) if is_without_partition(&error) => {
                // Another instance has dropped what was known to be there.
                shared.events.forget();
                shared.events.ensure(client, days.clone(), OPERATION).await?;
                insert(client, some, OPERATION).await?
            }
            answer => answer?,
        };
        stored.extend(ids);
    }
    let answer = |event: &Arc<Event>| match is_taken(event) {
        false => Appended::Refused,
        true if stored.remove(&event.id()) => Appended::Stored,
        true => Appended::Duplicate,
    };
    Ok(events.iter().map(answer).collect())
}

/// Inserts events, each time by one statement, and returns the ids that were not there.
async fn insert(client: &Client, events: &[&Event], operation: &'static str) -> Result<Vec<Id>, StoreError> {
    fn column<'e, T>(events: &[&'e Event], of: impl Fn(&'e Event) -> T) -> Vec<T> {
        events.iter().map(|event| of(event)).collect()
    }
    let ids = column(events, |event| Key(event.id()));
    let types = column(events, |event| event.event_type().as_str());
    let sources = column(events, Event::source);
    let messages = column(events, Event::message);
    let levels = column(events, |event| event.level().map(Level::as_str));
    let tags = column(events, |event| Json::of(event.tags()));
    let payloads = column(events, |event| Json::of(event.payload()));
    let times = column(events, |event| Time(event.timestamp()));
    let created = column(events, |event| Time(event.created_at()));
    let owners = column(events, Event::created_by);
    let traces = column(events, Event::trace_id);
    let keys = column(events, Event::dedup_key);
    let mut parameters: Vec<(&(dyn ToSql + Sync), Type)> = vec![
        (&ids, Type::UUID_ARRAY),
        (&types, Type::TEXT_ARRAY),
        (&sources, Type::TEXT_ARRAY),
        (&messages, Type::TEXT_ARRAY),
        (&levels, Type::TEXT_ARRAY),
        (&tags, Type::JSONB_ARRAY),
        (&payloads, Type::JSONB_ARRAY),
        (&times, Type::TIMESTAMPTZ_ARRAY),
        (&created, Type::TIMESTAMPTZ_ARRAY),
        (&owners, Type::TEXT_ARRAY),
        (&traces, Type::TEXT_ARRAY),
        (&keys, Type::TEXT_ARRAY),
    ];
    let failed = |error| fault(operation, error);
    let deltas = Deltas::of(events);
    let without_deltas = parameters.len();
    parameters.extend(deltas.parameters());
    // Almost always all of them are new; else the server says that a key is taken, and has stored nothing.
    match client.execute_typed(APPEND_NEW, &parameters).await.map_err(failed) {
        Ok(_) => return Ok(events.iter().map(|event| event.id()).collect()),
        Err(error) if is_key_taken(&error) => parameters.truncate(without_deltas),
        Err(error) => return Err(error),
    }
    let rows = client.query_typed(APPEND_MISSING, &parameters).await.map_err(failed)?;
    rows.iter().map(|row| row.try_get(0).map(|Key(id)| id).map_err(failed)).collect()
}

fn read(row: &Row) -> Result<Arc<Event>, Error> {
    let text = |at| row.try_get::<_, Option<String>>(at);
    let Key(id) = row.try_get(0)?;
    Ok(Arc::new(Event {
        id,
        // The table's CHECKs leave no other names.
        event_type: row.try_get::<_, &str>(1)?.parse().unwrap_or(crate::event::EventType::Log),
        source: row.try_get(2)?,
        message: text(3)?,
        level: row.try_get::<_, Option<&str>>(4)?.and_then(|level| level.parse().ok()),
        tags: row.try_get::<_, Members>(5)?.0,
        payload: row.try_get::<_, Members>(6)?.0,
        timestamp: row.try_get::<_, Time>(7)?.0,
        created_at: row.try_get::<_, Time>(8)?.0,
        created_by: text(9)?,
        trace_id: text(10)?,
        dedup_key: text(11)?,
    }))
}

fn scoped(select: &mut Select, scope: &Scope) {
    if let Scope::CreatedBy(owner) = scope {
        select.text("created_by = ?", Some(owner));
    }
}

fn select(query: &EventQuery, bounds: (Id, Id)) -> Select {
    let mut select = Select::new(SELECT, "id", bounds);
    select.text("event_type = ?", query.event_type.map(|event_type| event_type.as_str()));
    select.text("source = ?", query.source.as_deref());
    select.text("level = ?", query.level.map(Level::as_str));
    if let Some(least) = query.min_level {
        let levels = Level::ALL.iter().filter(|level| **level >= least).map(|level| level.as_str());
        if least >= Level::Warn {
            select.one_of_few("level = ?", &levels.collect::<Vec<_>>());
        } else {
            select.one_of("level = ANY(?)", levels.map(str::to_owned).collect());
        }
    }
    scoped(&mut select, &query.scope);
    select.text("trace_id = ?", query.trace_id.as_deref());
    for (key, value) in query.tags.iter() {
        if !is_possible(value, 1) {
            select.hopeless();
        }
        let mut value = value.clone();
        // As it was when it was stored: `1e17` is a whole number.
        crate::sanitise::restore(&mut value);
        select.member("tags -> ? = !", key, Box::new(Json::of(&value)), Type::JSONB);
    }
    select
}

/// Tells whether a tag can have this value.
fn is_possible(value: &Value, depth: usize) -> bool {
    match value {
        Value::String(text) => !text.contains('\0'),
        Value::Array(items) => depth <= MAX_DEPTH && items.iter().all(|item| is_possible(item, depth + 1)),
        Value::Object(members) => {
            let possible = |(key, value): (&String, &Value)| !key.contains('\0') && is_possible(value, depth + 1);
            depth <= MAX_DEPTH && members.iter().all(possible)
        }
        _ => true,
    }
}

impl EventStore for Postgres {
    fn append_events<'a>(&'a self, events: &'a [Arc<Event>]) -> StoreFuture<'a, Vec<Appended>> {
        if events.is_empty() {
            return Box::pin(async { Ok(Vec::new()) });
        }
        let events = events.to_vec();
        self.ask("append_events", Access::Write, move |shared, client| {
            Box::pin(async move { append(shared, client, &events).await })
        })
    }

    fn event<'a>(&'a self, id: Id, scope: &'a Scope) -> StoreFuture<'a, Option<Arc<Event>>> {
        const OPERATION: &str = "event";
        let mut select = Select::new(SELECT, "id", (Id::MIN, Id::MAX));
        select.and("id = ?", Key(id), Type::UUID);
        scoped(&mut select, scope);
        self.ask(OPERATION, Access::Read, move |_, client| {
            Box::pin(async move {
                let row = select.one(client, OPERATION).await?;
                row.as_ref().map(read).transpose().map_err(|error| fault(OPERATION, error))
            })
        })
    }

    fn events<'a>(&'a self, query: &'a EventQuery) -> StoreFuture<'a, Page<Arc<Event>>> {
        const OPERATION: &str = "events";
        let Some(bounds) = query.id_bounds() else { return Box::pin(async { Ok(Page::default()) }) };
        let (select, paging) = (select(query, bounds), *query.paging());
        self.ask(OPERATION, Access::Read, move |shared, client| {
            Box::pin(async move {
                select.page_over(client, &shared.events, &paging, OPERATION, read, |event| event.id()).await
            })
        })
    }

    fn event_counts(&self, now: Timestamp) -> StoreFuture<'_, Counts> {
        const OPERATION: &str = "event_counts";
        self.ask(OPERATION, Access::Read, move |_, client| {
            Box::pin(async move { minutes::counts(client, "event", now, OPERATION).await })
        })
    }

    fn events_between(&self, from: Timestamp, to: Timestamp) -> StoreFuture<'_, Option<Vec<EventCount>>> {
        self.ask("events_between", Access::Read, move |_, client| {
            Box::pin(async move { minutes::events_between(client, from, to).await })
        })
    }

    fn drop_events(&self, before: Timestamp) -> StoreFuture<'_, u64> {
        const OPERATION: &str = "drop_events";
        self.ask(OPERATION, Access::Write, move |shared, client| {
            Box::pin(async move { shared.events.drop_before(client, before, OPERATION).await })
        })
    }

    fn add_tags<'a>(&'a self, tags: &'a [(Id, Fields)]) -> StoreFuture<'a, u64> {
        const OPERATION: &str = "add_tags";
        if tags.is_empty() {
            return Box::pin(async { Ok(0) });
        }
        let ids: Vec<Key> = tags.iter().map(|(id, _)| Key(*id)).collect();
        let tags: Vec<Json> = tags.iter().map(|(_, tags)| Json::of(tags)).collect();
        self.ask(OPERATION, Access::Write, move |_, client| {
            Box::pin(async move {
                let parameters = [(&ids as _, Type::UUID_ARRAY), (&tags as _, Type::JSONB_ARRAY)];
                let changed = client.execute_typed(ADD_TAGS, &parameters).await;
                changed.map_err(|error| fault(OPERATION, error))
            })
        })
    }
}
