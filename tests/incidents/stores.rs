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
    let database = CLUSTER.database().await;
    let mut options = PostgresOptions::default();
    options.acquire_deadline = Duration::from_secs(30);
    options.call_deadline = Duration::from_secs(30);
    let postgres = Postgres::with_options(&CLUSTER.url(&database), options).unwrap();
    let mut limits = MemoryLimits::default();
    limits.incident_bytes = 256 << 20;
    [("memory", Arc::new(Memory::with_limits(limits))), ("postgres", Arc::new(postgres))]
}

/// A desk over each kind of store.
pub async fn desks() -> [(&'static str, Desk); 2] {
    both().await.map(|(name, store)| (name, Desk::new(store)))
}
