//! How many things were stored, by the minute: rows that are added, and folded together now and then.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use super::fault::fault;
use super::value::Time;
use crate::event::{Event, Level};
use crate::store::{Counts, EventCount, StoreError};
use crate::timestamp::Timestamp;

/// The key of the advisory lock under which rows are folded.
const LOCK: i64 = 0x7761_7463_6866_6f6c;

const MINUTE: Duration = Duration::from_secs(60);

/// How many events of each minute, type and level there are among some: what `count_deltas` is to be told.
#[derive(Debug, Default)]
pub(super) struct Deltas {
    minutes: Vec<Time>,
    kinds: Vec<&'static str>,
    levels: Vec<&'static str>,
    counts: Vec<i64>,
}

impl Deltas {
    pub(super) fn of(events: &[&Event]) -> Self {
        let mut counts = BTreeMap::<_, i64>::new();
        for event in events {
            let key =
                (minute_of(event.timestamp()), event.event_type().as_str(), event.level().map_or("", Level::as_str));
            *counts.entry(key).or_default() += 1;
        }
        let mut deltas = Self::default();
        for ((minute, kind, level), count) in counts {
            deltas.minutes.push(Time(minute));
            deltas.kinds.push(kind);
            deltas.levels.push(level);
            deltas.counts.push(count);
        }
        deltas
    }

    /// The columns as they travel.
    pub(super) fn parameters(&self) -> [(&(dyn ToSql + Sync), Type); 4] {
        [
            (&self.minutes, Type::TIMESTAMPTZ_ARRAY),
            (&self.kinds, Type::TEXT_ARRAY),
            (&self.levels, Type::TEXT_ARRAY),
            (&self.counts, Type::INT8_ARRAY),
        ]
    }
}

/// The beginning of the minute that a time is in.
fn minute_of(time: Timestamp) -> Timestamp {
    Timestamp::from_micros(time.as_micros().div_euclid(60_000_000) * 60_000_000)
}

/// Counts what was stored of one kind of thing.
pub(super) async fn counts(
    client: &Client,
    thing: &'static str,
    now: Timestamp,
    operation: &'static str,
) -> Result<Counts, StoreError> {
    let failed = |error| fault(operation, error);
    let this_minute = minute_of(now);
    let from = this_minute.minus(59 * MINUTE);
    let sql = "SELECT coalesce(sum(count), 0)::bigint,
            coalesce(sum(count) FILTER (WHERE minute BETWEEN $2 AND $3), 0)::bigint
        FROM (SELECT minute, count FROM watchkeeper.counts WHERE thing = $1
            UNION ALL SELECT minute, count FROM watchkeeper.count_deltas WHERE thing = $1) AS every";
    let row = client
        .query_typed_one(
            sql,
            &[(&thing, Type::TEXT), (&Time(from), Type::TIMESTAMPTZ), (&Time(this_minute), Type::TIMESTAMPTZ)],
        )
        .await
        .map_err(failed)?;
    let number = |at| row.try_get::<_, i64>(at).map(i64::unsigned_abs).map_err(failed);
    Ok(Counts { total: number(0)?, last_hour: number(1)? })
}

/// Counts the events of some minutes, by type and level; `None` where minutes may be folded together that are not among
/// them.
pub(super) async fn events_between(
    client: &Client,
    from: Timestamp,
    to: Timestamp,
) -> Result<Option<Vec<EventCount>>, StoreError> {
    let failed = |error| fault("events_between", error);
    // The row without a kind says whether the minutes are told apart still.
    let sql = "SELECT kind, level, sum(count)::bigint
        FROM (SELECT kind, level, count FROM watchkeeper.counts WHERE thing = 'event' AND minute BETWEEN $1 AND $2
            UNION ALL SELECT kind, level, count FROM watchkeeper.count_deltas
            WHERE thing = 'event' AND minute BETWEEN $1 AND $2) AS every GROUP BY 1, 2
        UNION ALL SELECT '', '', 1 WHERE $1 >= now() - interval '7 days'";
    let from = Timestamp::from_micros(from.as_micros().div_euclid(60_000_000) * 60_000_000);
    let parameters: [(&(dyn ToSql + Sync), Type); 2] =
        [(&Time(from), Type::TIMESTAMPTZ), (&Time(to), Type::TIMESTAMPTZ)];
    let rows = client.query_typed(sql, &parameters).await.map_err(failed)?;
    let (mut counts, mut known) = (Vec::new(), false);
    for row in rows {
        let (kind, level): (&str, &str) = (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
        let events = row.try_get::<_, i64>(2).map_err(failed)?.unsigned_abs();
        match kind.parse() {
            Ok(event_type) => counts.push(EventCount { event_type, level: level.parse().ok(), events }),
            Err(_) => known = true,
        }
    }
    Ok(known.then_some(counts))
}

/// Folds the rows that writers added, and then those that are older than a week. One instance does it at a time; the
/// others leave it to that one.
pub(super) async fn fold(client: &mut Client) -> Result<(), StoreError> {
    const OPERATION: &str = "fold_counts";
    // Nobody reads a row twice or not at all, since each step is one statement.
    let steps = [
        "WITH gone AS (DELETE FROM watchkeeper.count_deltas RETURNING thing, minute, kind, level, count)
        INSERT INTO watchkeeper.counts AS c (thing, minute, kind, level, count)
        SELECT thing, minute, kind, level, sum(count)::bigint FROM gone GROUP BY thing, minute, kind, level
        ON CONFLICT (thing, minute, kind, level) DO UPDATE SET count = c.count + excluded.count",
        "WITH gone AS (DELETE FROM watchkeeper.counts
            WHERE minute < now() - interval '7 days' AND minute > 'epoch' RETURNING thing, kind, level, count)
        INSERT INTO watchkeeper.counts AS c (thing, minute, kind, level, count)
        SELECT thing, 'epoch', kind, level, sum(count)::bigint FROM gone GROUP BY thing, kind, level
        ON CONFLICT (thing, minute, kind, level) DO UPDATE SET count = c.count + excluded.count",
    ];
    let failed = |error| fault(OPERATION, error);
    let transaction = client.transaction().await.map_err(failed)?;
    let lock = format!("SELECT pg_try_advisory_xact_lock({LOCK})");
    let row = transaction.query_typed(&lock, &[]).await.map_err(failed)?;
    let is_ours = row.first().is_some_and(|row| row.try_get(0).unwrap_or(false));
    if is_ours {
        for step in steps {
            transaction.execute_typed(step, &[]).await.map_err(failed)?;
        }
    }
    transaction.commit().await.map_err(failed)
}
