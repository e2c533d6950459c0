//! The connections of a store: a few, each used by one call at a time, and none used again after trouble.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::Client;

use super::fault::fault;
use super::server::Server;
use crate::store::{StoreError, StoreErrorKind};

/// How long nobody else tries to connect after somebody failed to.
const REST: Duration = Duration::from_millis(100);

/// How long a server may take to be told that a call is given up.
const CANCEL: Duration = Duration::from_secs(1);

/// Connections to one database.
pub(super) struct Pool {
    server: Server,
    /// As many permits as there may be connections.
    room: Semaphore,
    idle: Mutex<Vec<Connection>>,
    failed_at: Mutex<Option<Instant>>,
    /// How long a call waits for a connection that others use.
    patience: Duration,
}

/// A connection, and the task that drives it. Dropping it closes the socket, whatever the server does.
struct Connection {
    client: Client,
    driver: AbortHandle,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Pool {
    pub(super) fn new(server: Server, connections: usize, patience: Duration) -> Self {
        Self {
            server,
            room: Semaphore::new(connections.clamp(1, 64)),
            idle: Mutex::new(Vec::new()),
            failed_at: Mutex::new(None),
            patience,
        }
    }

    /// Takes a connection for a call: an idle one, or a new one.
    pub(super) async fn lease(&self, operation: &'static str) -> Result<Lease<'_>, StoreError> {
        let unavailable = |why: &'static str| StoreError::new(StoreErrorKind::Unavailable, operation).because(why);
        let permit = match timeout(self.patience, self.room.acquire()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(StoreError::new(StoreErrorKind::Closed, operation)),
            Err(_) => return Err(unavailable("all connections are in use")),
        };
        loop {
            let idle = lock(&self.idle).pop();
            match idle {
                Some(connection) if connection.client.is_closed() => {}
                Some(connection) => return Ok(Lease { pool: self, connection: Some(connection), _permit: permit }),
                None => break,
            }
        }
        if lock(&self.failed_at).is_some_and(|at| at.elapsed() < REST) {
            return Err(unavailable("connecting failed a moment ago"));
        }
        let connection = self.connect().await;
        *lock(&self.failed_at) = connection.is_err().then(Instant::now);
        let connection = connection.map_err(|error| fault(operation, error))?;
        Ok(Lease { pool: self, connection: Some(connection), _permit: permit })
    }

    async fn connect(&self) -> Result<Connection, tokio_postgres::Error> {
        let (client, connection) = self.server.connect().await?;
        let driver = tokio::spawn(async move {
            // Its error is the error of the calls on it.
            let _ended = connection.await;
        });
        Ok(Connection { client, driver: driver.abort_handle() })
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("idle", &lock(&self.idle).len()).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection in use. One whose call was not answered, because it was too slow or was dropped, is closed, and the server
/// is asked to give up what it does for it.
pub(super) struct Lease<'p> {
    pool: &'p Pool,
    connection: Option<Connection>,
    _permit: SemaphorePermit<'p>,
}

impl Lease<'_> {
    pub(super) fn client(&mut self, operation: &'static str) -> Result<&mut Client, StoreError> {
        // It is there until the lease ends.
        let gone = StoreError::new(StoreErrorKind::Internal, operation);
        self.connection.as_mut().map(|connection| &mut connection.client).ok_or(gone)
    }

    /// Ends the lease after an answer: of a call that went well the connection is kept, of another it is closed.
    pub(super) fn end<T>(mut self, answer: &Result<T, StoreError>) {
        if let Some(connection) = self.connection.take()
            && answer.is_ok()
        {
            lock(&self.pool.idle).push(connection);
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if connection.client.is_closed() {
            return;
        }
        let (server, cancel) = (self.pool.server.clone(), connection.client.cancel_token());
        // Leases live on the store's own runtime; while that ends, there is nothing to cancel from.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _unheard = timeout(CANCEL, server.cancel(&cancel)).await;
                drop(connection);
            });
        }
    }
}
