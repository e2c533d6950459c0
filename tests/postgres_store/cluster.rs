//! One cluster for all tests of this binary, and a database of its own for each.

use std::sync::LazyLock;
use std::time::Duration;

use watchkeeper::store::{Postgres, PostgresOptions};

use crate::support::postgres::PostgresServer;

/// The cluster that tests share. It ends with the process.
pub static CLUSTER: LazyLock<PostgresServer> = LazyLock::new(|| {
    PostgresServer::start_with(&["fsync=off", "shared_preload_libraries=pg_stat_statements", "max_connections=200"])
});

/// Options for a machine that is busy with other tests.
pub fn patient() -> PostgresOptions {
    let mut options = PostgresOptions::default();
    options.acquire_deadline = Duration::from_secs(30);
    options.call_deadline = Duration::from_secs(30);
    options
}

/// A store in a database that nobody has used.
pub async fn fresh() -> Postgres {
    let database = CLUSTER.database().await;
    store(&database)
}

/// A store in a database.
pub fn store(database: &str) -> Postgres {
    Postgres::with_options(&CLUSTER.url(database), patient()).unwrap()
}
