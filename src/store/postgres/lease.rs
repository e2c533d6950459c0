//! Leases, runs and progress in Postgres, by the clock of its server.

use std::time::Duration;

use serde_json::Value;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::fault::fault;
use super::value::{Json, Time};
use super::{Access, Postgres};
use crate::store::lease::{MAX_LEASE_NAME_BYTES, MAX_NOTE_BYTES, MAX_PROGRESS_BYTES};
use crate::store::{
    Instance, Lease, LeaseStore, Leased, RunClaim, RunStatus, StoreError, StoreErrorKind, StoreFuture, TaskRun,
};
use crate::timestamp::Timestamp;

/// How often a lease is asked for again that another one made or gave back at the same moment.
const TRIES: u32 = 10;

/// The clock is read when the row is locked: by the time of the transaction's beginning it may have been another's.
const ACQUIRE: &str = "
    WITH held AS (
        INSERT INTO watchkeeper.leases AS l (name, holder, fence, until)
        VALUES ($1, $2, 1, clock_timestamp() + make_interval(secs => $3))
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder,
            fence = CASE WHEN l.holder = excluded.holder THEN l.fence ELSE l.fence + 1 END,
            until = clock_timestamp() + make_interval(secs => $3)
        WHERE l.holder IS NULL OR l.holder = excluded.holder OR l.until <= clock_timestamp()
        RETURNING holder, fence, until
    )
    SELECT true, holder, fence, until, clock_timestamp() FROM held
    UNION ALL
    SELECT false, holder, fence, until, clock_timestamp() FROM watchkeeper.leases
    WHERE name = $1 AND holder IS NOT NULL AND NOT EXISTS (SELECT FROM held)";

const RELEASE: &str = "UPDATE watchkeeper.leases SET holder = NULL WHERE name = $1 AND holder = $2";

const BEGIN: &str = "
    INSERT INTO watchkeeper.task_runs AS r (task, slot, holder, fence, started_at)
    VALUES ($1, $2, $3, $4, clock_timestamp())
    ON CONFLICT (task, slot) DO UPDATE
    SET holder = excluded.holder, fence = excluded.fence, started_at = excluded.started_at
    WHERE r.ended_at IS NULL AND r.fence < excluded.fence";

const END: &str = "
    UPDATE watchkeeper.task_runs SET ended_at = clock_timestamp(), status = $4, note = $5
    WHERE task = $1 AND slot = $2 AND fence = $3 AND ended_at IS NULL";

const RUNS: &str = "
    SELECT task, slot, holder, fence, started_at, ended_at, status, note FROM watchkeeper.task_runs
    WHERE task = $1 ORDER BY slot DESC LIMIT $2";

const FORGET: &str = "DELETE FROM watchkeeper.task_runs WHERE slot < $1";

const FORGET_INSTANCES: &str = "DELETE FROM watchkeeper.instances WHERE seen_at < $1";

const ANNOUNCE: &str = "
    INSERT INTO watchkeeper.instances AS i (name, process, service, release, host, started_at, seen_at)
    VALUES ($1, $2, $3, $4, $5, clock_timestamp(), clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET process = excluded.process, service = excluded.service,
        release = excluded.release, host = excluded.host, seen_at = excluded.seen_at";

const INSTANCES: &str = "
    SELECT name, process, service, release, host, started_at, seen_at FROM watchkeeper.instances
    ORDER BY seen_at DESC, name LIMIT $1";

const PROGRESS: &str = "SELECT value FROM watchkeeper.task_progress WHERE name = $1";

const PUT: &str = "
    INSERT INTO watchkeeper.task_progress AS p (name, fence, value) VALUES ($1, $2, $3)
    ON CONFLICT (name) DO UPDATE SET fence = excluded.fence, value = excluded.value WHERE p.fence <= excluded.fence";

/// No fence comes near the end of what a `bigint` holds.
fn number(fence: u64) -> i64 {
    i64::try_from(fence).unwrap_or(i64::MAX)
}

fn fits(text: &str, most: usize, operation: &'static str) -> Result<(), StoreError> {
    if text.len() > most || text.contains('\0') {
        let why = "a name, a note or a progress is too long, or has the character NUL";
        return Err(StoreError::new(StoreErrorKind::Refused, operation).because(why));
    }
    Ok(())
}

async fn acquire(client: &Client, name: &str, holder: &str, time: Duration) -> Result<Leased, StoreError> {
    const OPERATION: &str = "acquire_lease";
    let failed = |error| fault(OPERATION, error);
    fits(name, MAX_LEASE_NAME_BYTES, OPERATION)?;
    fits(holder, MAX_LEASE_NAME_BYTES, OPERATION)?;
    let seconds = time.as_secs_f64().min(1e9);
    let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 3] =
        [(&name, Type::TEXT), (&holder, Type::TEXT), (&seconds, Type::FLOAT8)];
    for _ in 0..TRIES {
        if let Some(row) = client.query_typed_opt(ACQUIRE, &parameters).await.map_err(failed)? {
            let is_ours: bool = row.try_get(0).map_err(failed)?;
            let lease = read_lease(&row).map_err(failed)?;
            return Ok(if is_ours { Leased::Held(lease) } else { Leased::Taken(lease) });
        }
    }
    Err(StoreError::new(StoreErrorKind::Contention, OPERATION).because("others got in the way each time"))
}

fn read_lease(row: &Row) -> Result<Lease, tokio_postgres::Error> {
    Ok(Lease {
        holder: row.try_get(1)?,
        fence: row.try_get::<_, i64>(2)?.unsigned_abs(),
        until: row.try_get::<_, Time>(3)?.0,
        now: row.try_get::<_, Time>(4)?.0,
    })
}

fn read_run(row: &Row) -> Result<TaskRun, tokio_postgres::Error> {
    Ok(TaskRun {
        task: row.try_get(0)?,
        slot: row.try_get::<_, Time>(1)?.0,
        holder: row.try_get(2)?,
        fence: row.try_get::<_, i64>(3)?.unsigned_abs(),
        started_at: row.try_get::<_, Time>(4)?.0,
        ended_at: row.try_get::<_, Option<Time>>(5)?.map(|Time(time)| time),
        // The table's CHECK leaves no other names.
        status: row.try_get::<_, Option<&str>>(6)?.and_then(|status| status.parse().ok()),
        note: row.try_get(7)?,
    })
}

fn read_instance(row: &Row) -> Result<Instance, tokio_postgres::Error> {
    Ok(Instance {
        name: row.try_get(0)?,
        process: u32::try_from(row.try_get::<_, i64>(1)?).unwrap_or(u32::MAX),
        service: row.try_get(2)?,
        release: row.try_get(3)?,
        host: row.try_get(4)?,
        started_at: row.try_get::<_, Time>(5)?.0,
        seen_at: row.try_get::<_, Time>(6)?.0,
    })
}

impl LeaseStore for Postgres {
    fn acquire_lease<'a>(&'a self, name: &'a str, holder: &'a str, time: Duration) -> StoreFuture<'a, Leased> {
        let (name, holder) = (name.to_owned(), holder.to_owned());
        self.ask("acquire_lease", Access::Write, move |_, client| {
            Box::pin(async move { acquire(client, &name, &holder, time).await })
        })
    }

    fn release_lease<'a>(&'a self, name: &'a str, holder: &'a str) -> StoreFuture<'a, bool> {
        const OPERATION: &str = "release_lease";
        let (name, holder) = (name.to_owned(), holder.to_owned());
        self.ask(OPERATION, Access::Write, move |_, client| {
            Box::pin(async move {
                let released = client.execute_typed(RELEASE, &[(&name, Type::TEXT), (&holder, Type::TEXT)]).await;
                released.map(|rows| rows > 0).map_err(|error| fault(OPERATION, error))
            })
        })
    }

    fn begin_run<'a>(&'a self, claim: &'a RunClaim) -> StoreFuture<'a, bool> {
        const OPERATION: &str = "begin_run";
        let claim = claim.clone();
        self.ask(OPERATION, Access::Write, move |_, client| {
            Box::pin(async move {
                fits(&claim.task, MAX_LEASE_NAME_BYTES, OPERATION)?;
                fits(&claim.holder, MAX_LEASE_NAME_BYTES, OPERATION)?;
                let parameters = [
                    (&claim.task as _, Type::TEXT),
                    (&Time(claim.slot) as _, Type::TIMESTAMPTZ),
                    (&claim.holder as _, Type::TEXT),
                    (&number(claim.fence) as _, Type::INT8),
                ];
                let begun = client.execute_typed(BEGIN, &parameters).await;
                begun.map(|rows| rows > 0).map_err(|error| fault(OPERATION, error))
            })
        })
    }

    fn end_run<'a>(&'a self, claim: &'a RunClaim, status: RunStatus, note: Option<&'a str>) -> StoreFuture<'a, bool> {
        const OPERATION: &str = "end_run";
        let (claim, note) = (claim.clone(), note.map(str::to_owned));
        self.ask(OPERATION, Access::Write, move |_, client| {
            Box::pin(async move {
                fits(note.as_deref().unwrap_or_default(), MAX_NOTE_BYTES, OPERATION)?;
                let parameters = [
                    (&claim.task as _, Type::TEXT),
                    (&Time(claim.slot) as _, Type::TIMESTAMPTZ),
                    (&number(claim.fence) as _, Type::INT8),
                    (&status.as_str() as _, Type::TEXT),
                    (&note as _, Type::TEXT),
                ];
                let ended = client.execute_typed(END, &parameters).await;
                ended.map(|rows| rows > 0).map_err(|error| fault(OPERATION, error))
            })
        })
    }

    fn runs<'a>(&'a self, task: &'a str, limit: usize) -> StoreFuture<'a, Vec<TaskRun>> {
        const OPERATION: &str = "runs";
        let (task, limit) = (task.to_owned(), limit.min(1_000) as i64);
        self.ask(OPERATION, Access::Read, move |_, client| {
            Box::pin(async move {
                let failed = |error| fault(OPERATION, error);
                if task.contains('\0') {
                    return Ok(Vec::new());
                }
                let parameters = [(&task as _, Type::TEXT), (&limit as _, Type::INT8)];
                let rows = client.query_typed(RUNS, &parameters).await.map_err(failed)?;
                rows.iter().map(|row| read_run(row).map_err(failed)).collect()
            })
        })
    }

    fn forget_runs(&self, before: Timestamp) -> StoreFuture<'_, u64> {
        const OPERATION: &str = "forget_runs";
        self.ask(OPERATION, Access::Write, move |_, client| {
            Box::pin(async move {
                let before = [(&Time(before) as _, Type::TIMESTAMPTZ)];
                let forgotten = client.execute_typed(FORGET, &before).await;
                let forgotten = forgotten.map_err(|error| fault(OPERATION, error))?;
                let gone = client.execute_typed(FORGET_INSTANCES, &before).await;
                gone.map(|_| forgotten).map_err(|error| fault(OPERATION, error))
            })
        })
    }

    fn announce_instance<'a>(&'a self, instance: &'a Instance) -> StoreFuture<'a, ()> {
        const OPERATION: &str = "announce_instance";
        let instance = instance.clone();
        self.ask(OPERATION, Access::Write, move |_, client| {
            Box::pin(async move {
                let Instance { name, process, service, release, host, .. } = &instance;
                for text in [name, service, release, host] {
                    fits(text, MAX_LEASE_NAME_BYTES, OPERATION)?;
                }
                let parameters = [
                    (name as _, Type::TEXT),
                    (&i64::from(*process) as _, Type::INT8),
                    (service as _, Type::TEXT),
                    (release as _, Type::TEXT),
                    (host as _, Type::TEXT),
                ];
                let announced = client.execute_typed(ANNOUNCE, &parameters).await;
                announced.map(|_| ()).map_err(|error| fault(OPERATION, error))
            })
        })
    }

    fn instances(&self, limit: usize) -> StoreFuture<'_, Vec<Instance>> {
        const OPERATION: &str = "instances";
        let limit = limit.min(1_000) as i64;
        self.ask(OPERATION, Access::Read, move |_, client| {
            Box::pin(async move {
                let failed = |error| fault(OPERATION, error);
                let rows = client.query_typed(INSTANCES, &[(&limit, Type::INT8)]).await.map_err(failed)?;
                rows.iter().map(|row| read_instance(row).map_err(failed)).collect()
            })
        })
    }

    fn progress<'a>(&'a self, name: &'a str) -> StoreFuture<'a, Option<Value>> {
        const OPERATION: &str = "progress";
        let name = name.to_owned();
        self.ask(OPERATION, Access::Read, move |_, client| {
            Box::pin(async move {
                let failed = |error| fault(OPERATION, error);
                if name.contains('\0') {
                    return Ok(None);
                }
                let row = client.query_typed_opt(PROGRESS, &[(&name, Type::TEXT)]).await.map_err(failed)?;
                let read = |row: Row| row.try_get(0).map(|super::value::Document(value)| value);
                row.map(read).transpose().map_err(failed)
            })
        })
    }

    fn put_progress<'a>(&'a self, name: &'a str, fence: u64, value: &'a Value) -> StoreFuture<'a, bool> {
        const OPERATION: &str = "put_progress";
        let (name, value, length) = (name.to_owned(), Json::of(value), value.to_string());
        self.ask(OPERATION, Access::Write, move |_, client| {
            Box::pin(async move {
                fits(&name, MAX_LEASE_NAME_BYTES, OPERATION)?;
                fits(&length, MAX_PROGRESS_BYTES, OPERATION)?;
                let parameters =
                    [(&name as _, Type::TEXT), (&number(fence) as _, Type::INT8), (&value as _, Type::JSONB)];
                let put = client.execute_typed(PUT, &parameters).await;
                put.map(|rows| rows > 0).map_err(|error| fault(OPERATION, error))
            })
        })
    }
}
