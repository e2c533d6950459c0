//! The stores that every test here runs over.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use watchkeeper::desk::Desk;
use watchkeeper::store::{Memory, MemoryLimits, Postgres, PostgresOptions, Store};

use crate::support::postgres::PostgresServer;

static CLUSTER: LazyLock<PostgresServer> =
    LazyLock::new(|| PostgresServer::start_with(&["fsync=off", "max_connections=100"]));

/// An empty store of each kind, by name.
pub async fn both() -> [(&'static str, Arc<dyn Store>); 2] {
    let postgres = postgres(&database().await);
    let mut limits = MemoryLimits::default();
    limits.incident_bytes = 256 << 20;
    [("memory", Arc::new(Memory::with_limits(limits))), ("postgres", Arc::new(postgres))]
}

/// The address of a database that nobody has used.
pub async fn database() -> String {
    CLUSTER.url(&CLUSTER.database().await)
}

/// A store in a database, with the patience that a busy machine needs.
pub fn postgres(url: &str) -> Postgres {
    let mut options = PostgresOptions::default();
    options.acquire_deadline = Duration::from_secs(30);
    options.call_deadline = Duration::from_secs(30);
    Postgres::with_options(url, options).unwrap()
}

/// A desk over each kind of store.
pub async fn desks() -> [(&'static str, Desk); 2] {
    both().await.map(|(name, store)| (name, Desk::new(store)))
}
