//! One cluster for all tests of this binary, and a database of its own for each.

use std::sync::LazyLock;
use std::time::Duration;

use watchkeeper::store::{Postgres, PostgresOptions};

use super::support::postgres::PostgresServer;

/// The cluster that tests share. It ends with the process.
pub static CLUSTER: LazyLock<PostgresServer> =
    LazyLock::new(|| PostgresServer::start_with(&["fsync=off", "max_connections=200"]));

/// A store in a database that nobody has used.
pub async fn fresh() -> Postgres {
    let database = CLUSTER.database().await;
    store(&CLUSTER.url(&database))
}

/// A store at an address, with the patience that a busy machine needs.
pub fn store(url: &str) -> Postgres {
    let mut options = PostgresOptions::default();
    options.acquire_deadline = Duration::from_secs(30);
    options.call_deadline = Duration::from_secs(30);
    Postgres::with_options(url, options).unwrap()
}
