//! The partitions of events and samples: one a day, made ahead of time, dropped as a whole.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_postgres::Client;

use super::fault::fault;
use super::schema::LOCK;
use crate::id::Id;
use crate::store::{Order, StoreError, StoreErrorKind};
use crate::timestamp::Timestamp;

/// How long a lock on a table may be waited for: whoever comes after us waits as long.
const LOCK_WAIT: Duration = Duration::from_millis(100);

/// How often a partition that is in use is tried to be dropped.
const DROP_TRIES: u32 = 20;

/// How many partitions are looked at together: at first, then, and from then on. Made ahead are three.
const WINDOWS: [usize; 3] = [6, 12, 24];

/// How long it is known which partitions there are. Windows that are cut by what was true before are right all the same.
const SEEN: Duration = Duration::from_secs(60);

const DAY_MICROS: i64 = 86_400_000_000;

/// A day of UTC, counted from 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Day(i64);

impl Day {
    pub(super) fn of(time: Timestamp) -> Self {
        Self(time.as_micros().div_euclid(DAY_MICROS))
    }

    pub(super) fn plus(self, days: i64) -> Self {
        Self(self.0 + days)
    }

    pub(super) fn start(self) -> Timestamp {
        Timestamp::from_micros(self.0 * DAY_MICROS)
    }

    /// Writes it as `20261124`.
    fn digits(self) -> String {
        self.start().to_string().chars().take(10).filter(char::is_ascii_digit).collect()
    }
}

/// A table that is partitioned by day, and the partitions that are known to be there.
#[derive(Debug)]
pub(super) struct Partitioned {
    table: &'static str,
    known: Mutex<HashSet<Day>>,
    /// All days that had a partition a while ago, in order, and since when.
    seen: Mutex<Option<(Instant, Vec<Day>)>>,
}

impl Partitioned {
    pub(super) fn new(table: &'static str) -> Self {
        Self { table, known: Mutex::default(), seen: Mutex::default() }
    }

    /// Forgets what is known, after somebody else dropped partitions.
    pub(super) fn forget(&self) {
        lock(&self.known).clear();
        *lock(&self.seen) = None;
    }

    /// Cuts a range of ids into windows of a few partitions each, in the order in which they are to be read. Together they are
    /// the whole range, whatever partitions there are by now.
    pub(super) async fn windows(
        &self,
        client: &Client,
        (first, last): (Id, Id),
        order: Order,
        operation: &'static str,
    ) -> Result<Vec<(Id, Id)>, StoreError> {
        let few = WINDOWS[0] as i64;
        if Day::of(last.timestamp()).0.saturating_sub(Day::of(first.timestamp()).0) < few {
            return Ok(vec![(first, last)]);
        }
        let fresh = lock(&self.seen).clone().filter(|(at, _)| at.elapsed() < SEEN);
        let days = match fresh {
            Some((_, days)) => days,
            None => {
                let there = self.there(client, operation).await?;
                let days: Vec<Day> = there.iter().filter_map(|name| self.day(name)).collect();
                *lock(&self.seen) = Some((Instant::now(), days.clone()));
                days
            }
        };
        Ok(cut(&days, (first, last), order))
    }

    /// The day of a partition of ours, by its name.
    fn day(&self, name: &str) -> Option<Day> {
        let digits = name.strip_prefix(self.table)?.strip_prefix('_')?;
        let (year, month, day) = (digits.get(..4)?, digits.get(4..6)?, digits.get(6..8)?);
        let start: Timestamp = format!("{year}-{month}-{day}T00:00:00Z").parse().ok()?;
        (digits.len() == 8).then(|| Day::of(start))
    }

    /// Makes the partitions of these days, unless they are there.
    ///
    /// A partition is made as a table of its own and attached, which lets others read and write meanwhile.
    pub(super) async fn ensure(
        &self,
        client: &mut Client,
        days: BTreeSet<Day>,
        operation: &'static str,
    ) -> Result<(), StoreError> {
        let missing: Vec<Day> = {
            let known = lock(&self.known);
            days.into_iter().filter(|day| !known.contains(day)).collect()
        };
        if missing.is_empty() {
            return Ok(());
        }
        let there = self.there(client, operation).await?;
        // Each by itself, so that what is done stays done when there are too many for one call.
        for day in missing {
            if !there.contains(&self.partition(day)) {
                self.make(client, day, operation).await?;
            }
            lock(&self.known).insert(day);
        }
        Ok(())
    }

    async fn make(&self, client: &mut Client, day: Day, operation: &'static str) -> Result<(), StoreError> {
        let failed = |error| fault(operation, error);
        let transaction = client.transaction().await.map_err(failed)?;
        let wait = format!("SET LOCAL lock_timeout = 3000; SELECT pg_advisory_xact_lock({LOCK})");
        transaction.batch_execute(&wait).await.map_err(failed)?;
        if !self.there(transaction.client(), operation).await?.contains(&self.partition(day)) {
            transaction.batch_execute(&self.making(day)).await.map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }

    fn partition(&self, day: Day) -> String {
        format!("{}_{}", self.table, day.digits())
    }

    fn making(&self, day: Day) -> String {
        let (table, partition) = (self.table, self.partition(day));
        let (first, beyond) = (Id::first_at(day.start()), Id::first_at(day.plus(1).start()));
        format!(
            "CREATE TABLE watchkeeper.{partition} (LIKE watchkeeper.{table} INCLUDING ALL);
             ALTER TABLE watchkeeper.{table} ATTACH PARTITION watchkeeper.{partition}
                 FOR VALUES FROM ('{first}') TO ('{beyond}')"
        )
    }

    /// Lists the partitions by name.
    async fn there(&self, client: &Client, operation: &'static str) -> Result<BTreeSet<String>, StoreError> {
        let failed = |error| fault(operation, error);
        let list = format!(
            "SELECT c.relname::text FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
             WHERE i.inhparent = 'watchkeeper.{}'::regclass",
            self.table
        );
        let rows = client.query_typed(&list, &[]).await.map_err(failed)?;
        rows.iter().map(|row| row.try_get(0).map_err(failed)).collect()
    }

    /// Drops every partition whose day is over before a time, and says about how many rows went.
    ///
    /// Each is waited for briefly and often: a long wait would hold up everybody behind it.
    pub(super) async fn drop_before(
        &self,
        client: &mut Client,
        before: Timestamp,
        operation: &'static str,
    ) -> Result<u64, StoreError> {
        let last = self.partition(Day::of(before));
        let is_ours = |name: &&String| self.day(name).is_some();
        let mut rows = 0;
        // Names of one length sort as their days do.
        for name in self.there(client, operation).await?.iter().filter(is_ours).filter(|name| **name < last) {
            rows += Self::rows(client, name, operation).await?;
            self.drop_one(client, name, operation).await?;
        }
        self.forget();
        Ok(rows)
    }

    /// About how many rows a partition has, exactly where nobody has looked yet.
    async fn rows(client: &Client, name: &str, operation: &'static str) -> Result<u64, StoreError> {
        let failed = |error| fault(operation, error);
        let guess = format!("SELECT reltuples::bigint FROM pg_class WHERE oid = 'watchkeeper.{name}'::regclass");
        let row = client.query_typed_one(&guess, &[]).await.map_err(failed)?;
        let mut rows: i64 = row.try_get(0).map_err(failed)?;
        if rows <= 0 {
            let count = format!("SELECT count(*) FROM watchkeeper.{name}");
            let row = client.query_typed_one(&count, &[]).await.map_err(failed)?;
            rows = row.try_get(0).map_err(failed)?;
        }
        Ok(rows.unsigned_abs())
    }

    async fn drop_one(&self, client: &mut Client, name: &str, operation: &'static str) -> Result<(), StoreError> {
        let mut tries = 0;
        loop {
            let transaction = client.transaction().await.map_err(|error| fault(operation, error))?;
            let sql =
                format!("SET LOCAL lock_timeout = {}; DROP TABLE IF EXISTS watchkeeper.{name}", LOCK_WAIT.as_millis());
            let dropped = match transaction.batch_execute(&sql).await {
                Ok(()) => transaction.commit().await,
                Err(error) => transaction.rollback().await.and(Err(error)),
            };
            let Err(error) = dropped.map_err(|error| fault(operation, error)) else { return Ok(()) };
            tries += 1;
            if error.kind() != StoreErrorKind::Contention || tries >= DROP_TRIES {
                return Err(error);
            }
            tokio::time::sleep(LOCK_WAIT).await;
        }
    }
}

/// Cuts a range of ids at the beginnings of days, given in order: few days first, more when those have not sufficed.
fn cut(days: &[Day], (first, last): (Id, Id), order: Order) -> Vec<(Id, Id)> {
    let starts = days.iter().map(|day| Id::first_at(day.start()));
    let mut starts: Vec<Id> = starts.filter(|start| *start > first && *start <= last).collect();
    if order == Order::NewestFirst {
        starts.reverse();
    }
    // With the days that begin within the range there is the one that it begins in.
    let (mut windows, mut sizes, mut rest, mut begun) = (Vec::new(), WINDOWS.iter().copied(), (first, last), 0);
    let mut size = sizes.next().unwrap_or(1);
    for start in starts {
        begun += 1;
        let Some(before) = start.before().filter(|_| begun == size) else { continue };
        begun = 0;
        size = sizes.next().unwrap_or(size);
        let (newer, older) = ((start, rest.1), (rest.0, before));
        let (window, others) = if order == Order::NewestFirst { (newer, older) } else { (older, newer) };
        windows.push(window);
        rest = others;
    }
    windows.push(rest);
    windows
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_into_windows_that_are_all_of_it_and_grow() {
        let today = Day::of("2026-11-24T12:00:00Z".parse().unwrap());
        let days: Vec<Day> = (0..100).map(|day| today.plus(day - 96)).collect();
        let count = |(first, last): (Id, Id)| {
            days.iter().filter(|day| (first..=last).contains(&Id::first_at(day.start()))).count()
        };
        let some = (Id::first_at(days[10].start()), Id::last_at(days[12].start()));
        for order in [Order::NewestFirst, Order::OldestFirst] {
            for (first, last) in [(Id::MIN, Id::MAX), some, (Id::MIN, some.1), (some.0, Id::MAX)] {
                let mut windows = cut(&days, (first, last), order);
                for (at, window) in windows.iter().enumerate() {
                    let most = WINDOWS.get(at).or(WINDOWS.last()).unwrap();
                    assert!(window.0 <= window.1 && count(*window) <= *most, "{at}: {window:?}");
                }
                if order == Order::NewestFirst {
                    windows.reverse();
                }
                assert_eq!((windows[0].0, windows.last().unwrap().1), (first, last));
                assert!(windows.windows(2).all(|pair| pair[0].1.after() == Some(pair[1].0)), "{windows:?}");
            }
        }
        assert_eq!(cut(&days, (Id::MIN, Id::MAX), Order::NewestFirst).len(), 6);
        assert_eq!(cut(&[], (Id::MIN, Id::MAX), Order::OldestFirst), [(Id::MIN, Id::MAX)]);
    }

    #[test]
    fn a_partition_is_named_after_its_day_and_holds_its_ids() {
        let noon: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let events = Partitioned::new("events");
        assert_eq!(events.partition(Day::of(noon)), "events_20261124");
        let sql = events.making(Day::of(noon));
        let first = Id::first_at("2026-11-24T00:00:00Z".parse().unwrap());
        let beyond = Id::first_at("2026-11-25T00:00:00Z".parse().unwrap());
        assert!(sql.contains(&format!("FROM ('{first}') TO ('{beyond}')")), "{sql}");
        assert_eq!(events.partition(Day::of(Timestamp::EPOCH)), "events_19700101");
        assert_eq!(events.partition(Day::of(Timestamp::EPOCH).plus(-1)), "events_19691231");
    }
}
