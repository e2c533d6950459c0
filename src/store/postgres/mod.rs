//! The store in Postgres: in a schema of its own, on a few connections of its own.
//!
//! ```no_run
//! use watchkeeper::event::Level;
//! use watchkeeper::store::{EventQuery, EventStore, Postgres, Scope};
//!
//! # async fn doc() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Postgres::from_url("postgres://ada:s3cret@db:5432/shop")?;
//! let page = store.events(&EventQuery::new(Scope::All).at_least(Level::Warn)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! What an app writes in a transaction of its own is written by [`insert_in`], by `insert_in_sqlx` with the feature `sqlx`,
//! or with any other driver by [`INSERT_EVENT`].

mod address;
mod alert;
mod audit;
mod event;
mod fault;
mod incident;
mod lease;
mod minutes;
mod options;
mod partition;
mod pool;
mod sample;
mod schema;
mod select;
mod server;
#[cfg(feature = "postgres-tls")]
mod tls;
mod transaction;
mod value;

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::timeout;
use tokio_postgres::Client;

pub use self::address::InvalidDatabaseUrl;
pub use self::options::PostgresOptions;
use self::partition::{Day, Partitioned};
use self::pool::Pool;
use self::sample::Series;
use self::schema::Verdict;
pub use self::schema::migrations;
pub(crate) use self::server::Server;
#[cfg(feature = "sqlx")]
pub use self::transaction::insert_in_sqlx;
pub use self::transaction::{INSERT_EVENT, event_parameter, insert_in};
use super::{StoreError, StoreErrorKind, StoreFuture};
use crate::queue::Worker;
use crate::timestamp::Timestamp;

/// How often partitions are made ahead and counts are folded, while something is written.
const TEND: Duration = Duration::from_secs(60);

/// For how many days from today on there are partitions.
const DAYS_AHEAD: i64 = 3;

/// How long a verdict on a newer schema stands, in case the schema is taken back.
const VERDICT: Duration = Duration::from_secs(30);

/// Keeps everything in Postgres, 14 to 18. Cloning it copies a handle.
///
/// Calls are done on a thread of the store's own, whatever runtime they are awaited on. Each has a deadline, after which
/// its connection is closed and the call answers `Timeout`. Nothing connects before the first call, and none fails for
/// good because the server is away: each is `Unavailable` until it is back.
///
/// The first call brings the schema `watchkeeper` up to date. Where a newer library has been at work, reading goes on and
/// writing answers `ReadOnly`.
#[derive(Clone)]
pub struct Postgres {
    worker: Worker,
    shared: Arc<Shared>,
}

/// What the calls have in common.
struct Shared {
    pool: Pool,
    options: PostgresOptions,
    /// How the schema stands, since when, once that is known.
    verdict: Mutex<Option<(Verdict, Instant)>>,
    /// Held by the one who is finding out.
    finding_out: tokio::sync::Mutex<()>,
    events: Partitioned,
    samples: Partitioned,
    series: Series,
    tended_at: Mutex<Option<Instant>>,
}

/// What is done on a connection.
type Work<'c, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'c>>;

/// Whether a call changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

impl Postgres {
    /// Makes a store of the database at an address such as `postgres://user:password@db:5432/shop`, or `host=db user=shop`
    /// and so on, with the default options. It does not connect yet.
    ///
    /// With the feature `postgres-tls`, `sslmode` and `sslrootcert` mean what they mean to `psql`; the guide has them in a
    /// table.
    ///
    /// # Errors
    ///
    /// [`InvalidDatabaseUrl`] for what is no such address, one whose certificates cannot be read, and one that asks for TLS
    /// without the feature `postgres-tls`.
    pub fn from_url(url: &str) -> Result<Self, InvalidDatabaseUrl> {
        Self::with_options(url, PostgresOptions::default())
    }

    /// Makes a store with options. It does not connect yet.
    ///
    /// # Errors
    ///
    /// As [`from_url`](Self::from_url).
    pub fn with_options(url: &str, options: PostgresOptions) -> Result<Self, InvalidDatabaseUrl> {
        let server = Server::read(url, "watchkeeper", options.call_deadline)?;
        let shared = Shared {
            pool: Pool::new(server, options.connections, options.acquire_deadline),
            series: Series::new(options.max_series),
            options,
            verdict: Mutex::default(),
            finding_out: tokio::sync::Mutex::default(),
            events: Partitioned::new("events"),
            samples: Partitioned::new("samples"),
            tended_at: Mutex::default(),
        };
        Ok(Self { worker: Worker::default(), shared: Arc::new(shared) })
    }

    /// Brings the schema up to date now, rather than at the first call: within a minute or so, other instances waited for.
    ///
    /// # Errors
    ///
    /// `ReadOnly` where the schema is newer than this library, or may not be changed; any other as of every call.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        const OPERATION: &str = "migrate";
        let shared = Arc::clone(&self.shared);
        let job = async move {
            match shared.bring_up().await? {
                Verdict::Fits => Ok(()),
                Verdict::Newer(version) => Err(newer(OPERATION, version)),
            }
        };
        self.hand_over(OPERATION, schema::DEADLINE + 2 * self.shared.options.call_deadline, job).await
    }

    /// Does work on a connection, on the store's thread.
    fn ask<'a, T: Send + 'static>(
        &'a self,
        operation: &'static str,
        access: Access,
        work: impl for<'c> FnOnce(&'c Shared, &'c mut Client) -> Work<'c, T> + Send + 'static,
    ) -> StoreFuture<'a, T> {
        let shared = Arc::clone(&self.shared);
        let deadline = shared.options.call_deadline;
        let job = async move {
            let answer = shared.call(operation, access, work).await;
            if access == Access::Write && answer.is_ok() {
                shared.tend();
            }
            answer
        };
        Box::pin(self.hand_over(operation, deadline, job))
    }

    async fn hand_over<T: Send + 'static>(
        &self,
        operation: &'static str,
        deadline: Duration,
        job: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let late = move |_| Err(StoreError::new(StoreErrorKind::Timeout, operation));
        let job = async move { timeout(deadline, job).await.unwrap_or_else(late) };
        match self.worker.ask(job) {
            // Without an answer it panicked.
            Ok(answer) => answer.await.unwrap_or_else(|_| Err(StoreError::new(StoreErrorKind::Internal, operation))),
            Err(error) => Err(StoreError::new(StoreErrorKind::Unavailable, operation).because(error)),
        }
    }
}

impl Shared {
    async fn call<T>(
        self: &Arc<Self>,
        operation: &'static str,
        access: Access,
        work: impl for<'c> FnOnce(&'c Self, &'c mut Client) -> Work<'c, T>,
    ) -> Result<T, StoreError> {
        if let Verdict::Newer(version) = self.verdict(operation).await?
            && access == Access::Write
        {
            return Err(newer(operation, version));
        }
        let mut lease = self.pool.lease(operation).await?;
        let answer = work(self, lease.client(operation)?).await;
        lease.end(&answer);
        answer.map_err(|error| {
            if fault::is_schema_gone(&error) {
                // Somebody took it away. The next call makes it anew.
                *lock(&self.verdict) = None;
                self.events.forget();
                self.samples.forget();
                self.series.forget();
                return StoreError::new(StoreErrorKind::Unavailable, operation).because(error);
            }
            error
        })
    }

    /// Says how the schema stands, and finds out first where that is not known.
    async fn verdict(self: &Arc<Self>, operation: &'static str) -> Result<Verdict, StoreError> {
        if let Some(verdict) = self.known_verdict() {
            return Ok(verdict);
        }
        // In a task of its own, since a migration may take longer than the call that found it wanting.
        let shared = Arc::clone(self);
        let found = tokio::spawn(shared.bring_up()).await;
        found.unwrap_or_else(|_| Err(StoreError::new(StoreErrorKind::Internal, operation)))
    }

    fn known_verdict(&self) -> Option<Verdict> {
        let known = *lock(&self.verdict);
        known.filter(|(verdict, at)| *verdict == Verdict::Fits || at.elapsed() < VERDICT).map(|(verdict, _)| verdict)
    }

    async fn bring_up(self: Arc<Self>) -> Result<Verdict, StoreError> {
        let _only_one = self.finding_out.lock().await;
        if let Some(verdict) = self.known_verdict() {
            return Ok(verdict);
        }
        let late = || StoreError::new(StoreErrorKind::Timeout, "migrate");
        // Looking takes no longer than a call; only a migration may.
        let look = timeout(self.options.call_deadline, async {
            let mut lease = self.pool.lease("migrate").await?;
            let looked = schema::look(lease.client("migrate")?, self.options.migrate).await;
            Ok((lease, looked))
        });
        let (mut lease, looked) = look.await.unwrap_or_else(|_| Err(late()))?;
        let verdict = match looked {
            Ok(None) => {
                let migrating = schema::bring_up(lease.client("migrate")?);
                timeout(schema::DEADLINE, migrating).await.unwrap_or_else(|_| Err(late()))
            }
            Ok(Some(verdict)) => Ok(verdict),
            Err(error) => Err(error),
        };
        lease.end(&verdict);
        let verdict = verdict?;
        if let Verdict::Newer(version) = verdict {
            tracing::error!(
                version,
                known = schema::KNOWN,
                "a newer library made the schema watchkeeper; it is only read"
            );
        }
        *lock(&self.verdict) = Some((verdict, Instant::now()));
        Ok(verdict)
    }

    /// Makes partitions ahead and folds the counts in the background, if that was long ago.
    fn tend(self: &Arc<Self>) {
        let mut tended_at = lock(&self.tended_at);
        if tended_at.is_some_and(|at| at.elapsed() < TEND) {
            return;
        }
        *tended_at = Some(Instant::now());
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let deadline = shared.options.call_deadline;
            match timeout(deadline, shared.tend_now()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "tending the tables failed")
                }
                Err(_) => tracing::debug!("tending the tables took too long"),
            }
        });
    }

    async fn tend_now(&self) -> Result<(), StoreError> {
        const OPERATION: &str = "tend";
        let today = Day::of(Timestamp::now());
        let mut lease = self.pool.lease(OPERATION).await?;
        let client = lease.client(OPERATION)?;
        let tended = async {
            for table in [&self.events, &self.samples] {
                let days = (0..=DAYS_AHEAD).map(|ahead| today.plus(ahead)).collect();
                table.ensure(client, days, OPERATION).await?;
            }
            minutes::fold(client).await
        };
        let tended = tended.await;
        lease.end(&tended);
        tended
    }

    /// Tells whether a thing of this time can be kept: its day is neither too long ago nor far in the future.
    fn takes(&self, time: Timestamp, now: Timestamp) -> bool {
        let newest = Day::of(now).plus(DAYS_AHEAD);
        Day::of(time) >= Day::of(now.minus(self.options.max_age)) && Day::of(time) <= newest
    }
}

fn newer(operation: &'static str, version: i32) -> StoreError {
    let known = schema::KNOWN;
    let why = format!("the schema has version {version}, and this library knows {known}");
    StoreError::new(StoreErrorKind::ReadOnly, operation).because(why)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").field("pool", &self.shared.pool).finish_non_exhaustive()
    }
}
