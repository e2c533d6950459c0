//! The tables' version: what was applied, what is to be, and whether this library may write.

use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::fault::fault;
use crate::store::{StoreError, StoreErrorKind};

/// The migrations, in order: the version that each leads to, and its SQL.
const MIGRATIONS: &[(i32, &str)] = &[
    (1, include_str!("migrations/0001_schema.sql")),
    (2, include_str!("migrations/0002_tasks.sql")),
    (3, include_str!("migrations/0003_audit.sql")),
];

const OPERATION: &str = "migrate";

/// The version that this library knows.
pub(super) const KNOWN: i32 = 3;

/// The key of the advisory lock under which the schema is changed, and partitions are made and dropped.
pub(super) const LOCK: i64 = 0x7761_7463_686b_6565;

/// How long another instance may take to migrate.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a migration may take, the waiting for other instances included.
pub(super) const DEADLINE: Duration = Duration::from_secs(60);

/// How the tables stand to this library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They are what it knows.
    Fits,
    /// A newer library made them; they may be read, and not written.
    Newer(i32),
}

/// Says how the schema stands; none where there is something to be migrated.
pub(super) async fn look(client: &Client, may_migrate: bool) -> Result<Option<Verdict>, StoreError> {
    let verdict = verdict(version(client).await?);
    if verdict.is_none() && !may_migrate {
        let why = "the schema watchkeeper is missing or older than this library, which may not migrate it";
        return Err(StoreError::new(StoreErrorKind::ReadOnly, OPERATION).because(why));
    }
    Ok(verdict)
}

/// Brings the schema up to what this library knows, in one transaction.
pub(super) async fn bring_up(client: &mut Client) -> Result<Verdict, StoreError> {
    let failed = |error| fault(OPERATION, error);
    let transaction = client.transaction().await.map_err(failed)?;
    // The lock ends with the transaction, so it is right behind a pooler too.
    let wait = format!("SET LOCAL lock_timeout = {}; SELECT pg_advisory_xact_lock({LOCK})", PATIENCE.as_millis());
    transaction.batch_execute(&wait).await.map_err(failed)?;
    let there = version(transaction.client()).await?;
    if let Some(verdict) = verdict(there) {
        return Ok(verdict);
    }
    for (_, sql) in MIGRATIONS.iter().filter(|(version, _)| *version > there) {
        transaction.batch_execute(sql).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)?;
    tracing::info!(from = there, to = KNOWN, "the schema watchkeeper was brought up to date");
    Ok(Verdict::Fits)
}

fn verdict(version: i32) -> Option<Verdict> {
    match version {
        KNOWN => Some(Verdict::Fits),
        newer if newer > KNOWN => Some(Verdict::Newer(newer)),
        _ => None,
    }
}

/// Returns the schema's version; 0 where there is none.
async fn version(client: &Client) -> Result<i32, StoreError> {
    let failed = |error| fault(OPERATION, error);
    // From the catalogue itself: a lookup by name may answer from before the lock was had.
    let there =
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'watchkeeper' AND c.relname = 'migrations'), current_setting('server_encoding')";
    let row = client.query_typed_one(there, &[]).await.map_err(failed)?;
    if row.try_get::<_, &str>(1).map_err(failed)? != "UTF8" {
        let why = "the database's encoding is not UTF8, so it cannot keep every text";
        return Err(StoreError::new(StoreErrorKind::Unsupported, OPERATION).because(why));
    }
    if !row.try_get::<_, bool>(0).map_err(failed)? {
        return Ok(0);
    }
    let newest = "SELECT coalesce(max(version), 0) FROM watchkeeper.migrations";
    client.query_typed_one(newest, &[] as &[(_, Type)]).await.and_then(|row| row.try_get(0)).map_err(failed)
}

/// Returns the SQL that makes and changes the schema, for who applies it beforehand.
///
/// Each step has the version that it leads to, and is to be run in one transaction, in order.
pub fn migrations() -> impl Iterator<Item = (i32, &'static str)> {
    MIGRATIONS.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_migration_leads_to_its_version_and_notes_it() {
        for (at, (version, sql)) in migrations().enumerate() {
            assert_eq!(version as usize, at + 1);
            assert!(sql.contains(&format!("INSERT INTO watchkeeper.migrations (version) VALUES ({version});")));
        }
        assert_eq!(migrations().last().map(|(version, _)| version), Some(KNOWN));
    }
}
