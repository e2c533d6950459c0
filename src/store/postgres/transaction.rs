//! An event in the caller's own transaction, by this library or by any driver.

use tokio_postgres::Transaction;
use tokio_postgres::types::Type;

use super::fault::fault;
use crate::event::Event;
use crate::store::{Appended, StoreError};

/// The SQL that stores one event, for a transaction of any driver. Its one parameter is the text of [`event_parameter`];
/// it returns a row when the event was stored, and none when it was there already.
///
/// A statement that fails leaves a transaction unusable, so it belongs under a savepoint.
///
/// ```
/// use watchkeeper::Timestamp;
/// use watchkeeper::event::{Event, TimeWindow};
/// use watchkeeper::store::postgres::{INSERT_EVENT, event_parameter};
///
/// let event = Event::log("checkout").check(TimeWindow::default(), Timestamp::now())?;
/// // With diesel: sql_query(INSERT_EVENT).bind::<Text, _>(event_parameter(&event)).execute(connection)
/// assert!(INSERT_EVENT.contains("$1") && event_parameter(&event).contains("checkout"));
/// # Ok::<(), watchkeeper::sanitise::Invalid>(())
/// ```
pub const INSERT_EVENT: &str = "\
WITH stored AS (
    INSERT INTO watchkeeper.events (id, event_type, source, message, level, tags, payload, timestamp, created_at,
        created_by, trace_id, dedup_key)
    SELECT id, event_type, source, message, level, tags, payload, timestamp, created_at, created_by, trace_id, dedup_key
    FROM jsonb_populate_record(NULL::watchkeeper.events, CAST($1::text AS jsonb))
    ON CONFLICT (id) DO NOTHING
    RETURNING id, event_type, level, timestamp
), counted AS (
    INSERT INTO watchkeeper.count_deltas (thing, minute, kind, level, count)
    SELECT 'event', date_bin('1 minute', timestamp, 'epoch'), event_type, coalesce(level, ''), 1 FROM stored
)
SELECT id FROM stored";

/// Returns the parameter of [`INSERT_EVENT`]: the event as JSON.
pub fn event_parameter(event: &Event) -> String {
    serde_json::to_string(event).unwrap_or_default()
}

/// What an event is stored under, so that one that cannot be stored takes nothing else with it.
const SAVE: &str = "SAVEPOINT watchkeeper";
const KEEP: &str = "RELEASE SAVEPOINT watchkeeper";
const UNDO: &str = "ROLLBACK TO SAVEPOINT watchkeeper; RELEASE SAVEPOINT watchkeeper";

/// Stores an event in a transaction of the app's own: it is there when that is committed, and not when it is rolled back.
///
/// This happens under a savepoint named `watchkeeper`. An event that cannot be stored leaves the transaction as it was
/// before, and usable. The schema has to be there, and a partition for the event's day; a [`Postgres`](super::Postgres)
/// that is written to makes those of today and the next three days.
///
/// It waits on the caller's own future, without a deadline. When that is dropped before the end, the transaction is to be
/// rolled back.
///
/// # Errors
///
/// What the server answered, by its kind: `Refused` for an event that can never be stored.
pub async fn insert_in(transaction: &Transaction<'_>, event: &Event) -> Result<Appended, StoreError> {
    let failed = |error| fault("insert_in", error);
    transaction.batch_execute(SAVE).await.map_err(failed)?;
    let record = event_parameter(event);
    match transaction.query_typed(INSERT_EVENT, &[(&record, Type::TEXT)]).await {
        Ok(rows) => {
            transaction.batch_execute(KEEP).await.map_err(failed)?;
            Ok(if rows.is_empty() { Appended::Duplicate } else { Appended::Stored })
        }
        Err(error) => {
            transaction.batch_execute(UNDO).await.map_err(failed)?;
            Err(failed(error))
        }
    }
}

/// Stores an event in a transaction of the app's own by sqlx 0.9, as [`insert_in`] does by `tokio-postgres`.
///
/// # Errors
///
/// As [`insert_in`].
#[cfg(feature = "sqlx")]
pub async fn insert_in_sqlx(
    transaction: &mut sqlx::Transaction<'_, sqlx::Postgres>,
    event: &Event,
) -> Result<Appended, StoreError> {
    use sqlx::{query, raw_sql};

    let failed = |error| super::fault::fault_of_sqlx("insert_in_sqlx", error);
    raw_sql(SAVE).execute(&mut **transaction).await.map_err(failed)?;
    // Without a name on the server, as everything of ours.
    let insert = query(INSERT_EVENT).bind(event_parameter(event)).persistent(false);
    match insert.fetch_optional(&mut **transaction).await {
        Ok(row) => {
            raw_sql(KEEP).execute(&mut **transaction).await.map_err(failed)?;
            Ok(if row.is_none() { Appended::Duplicate } else { Appended::Stored })
        }
        Err(error) => {
            raw_sql(UNDO).execute(&mut **transaction).await.map_err(failed)?;
            Err(failed(error))
        }
    }
}
