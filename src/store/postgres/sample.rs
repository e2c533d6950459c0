//! Samples in Postgres, and the series that they belong to.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use super::fault::{fault, is_without_partition};
use super::partition::Day;
use super::select::Select;
use super::value::{Document, Json, Key, Time};
use super::{Access, Postgres, Shared, lock, minutes};
use crate::id::Id;
use crate::sample::{MetricType, Sample};
use crate::store::{Appended, Counts, Page, SampleQuery, SampleStore, Scope, StoreError, StoreFuture};
use crate::timestamp::Timestamp;

/// The most samples of one statement.
const AT_ONCE: usize = 1000;

/// Finds the series with these keys, and makes those that are new; each is noted to be in use today.
const RESOLVE: &str = "
    INSERT INTO watchkeeper.series AS s (key, name, metric_type, labels, created_by, seen_on)
    SELECT key, name, metric_type, labels, created_by, date_bin('1 day', $6, 'epoch')::date
    FROM unnest($1, $2, $3, $4, $5) AS told (key, name, metric_type, labels, created_by)
    ON CONFLICT (key) DO UPDATE SET seen_on = greatest(s.seen_on, excluded.seen_on)
    RETURNING key, id";

const APPEND: &str = "
    WITH stored AS (
        INSERT INTO watchkeeper.samples (id, series, value, timestamp, created_at)
        SELECT * FROM unnest($1, $2, $3, $4, $5)
        ON CONFLICT (id) DO NOTHING
        RETURNING id, timestamp
    ), counted AS (
        INSERT INTO watchkeeper.count_deltas (thing, minute, kind, level, count)
        SELECT 'sample', date_bin('1 minute', timestamp, 'epoch'), '', '', count(*) FROM stored GROUP BY 2
    )
    SELECT id FROM stored";

const SELECT: &str = "
    SELECT s.id, r.name, r.metric_type, s.value, r.labels, s.timestamp, s.created_at, r.created_by
    FROM watchkeeper.samples s JOIN watchkeeper.series r ON r.id = s.series";

/// Forgets series that were last written to so long before that none of their samples is left, whatever its time.
const FORGET: &str = "
    DELETE FROM watchkeeper.series WHERE seen_on < least($1, now() - interval '3 days')::date";

/// What tells a series from all others.
type Fingerprint = [u8; 32];

fn fingerprint(sample: &Sample) -> Fingerprint {
    let mut hash = Sha256::new();
    // Each text behind its length, so that no two lists of texts are the same bytes.
    let mut text = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    };
    text(sample.metric_type().as_str());
    text(sample.name());
    for (name, value) in sample.labels() {
        text(name);
        text(value);
    }
    if let Some(owner) = sample.created_by() {
        // An odd number of texts has an owner at its end.
        text(owner);
    }
    hash.finalize().into()
}

/// The series that were written to today, so that each is looked up once a day.
#[derive(Debug)]
pub(super) struct Series {
    known: Mutex<(Option<Day>, HashMap<Fingerprint, i64>)>,
    most: usize,
}

impl Series {
    pub(super) fn new(most: usize) -> Self {
        Self { known: Mutex::default(), most }
    }

    pub(super) fn forget(&self) {
        lock(&self.known).1.clear();
    }

    /// Finds the series of each sample; none where there would be too many.
    async fn resolve(
        &self,
        client: &Client,
        samples: &[&Sample],
        operation: &'static str,
    ) -> Result<Vec<Option<i64>>, StoreError> {
        let now = Timestamp::now();
        let keys: Vec<Fingerprint> = samples.iter().map(|sample| fingerprint(sample)).collect();
        let mut fresh = BTreeMap::new();
        {
            let mut known = lock(&self.known);
            if known.0 != Some(Day::of(now)) {
                *known = (Some(Day::of(now)), HashMap::new());
            }
            for (key, sample) in keys.iter().zip(samples) {
                if !known.1.contains_key(key) && known.1.len() + fresh.len() < self.most {
                    fresh.insert(*key, *sample);
                }
            }
        }
        if !fresh.is_empty() {
            let found = Self::look_up(client, &fresh, now, operation).await?;
            lock(&self.known).1.extend(found);
        }
        let known = lock(&self.known);
        Ok(keys.iter().map(|key| known.1.get(key).copied()).collect())
    }

    async fn look_up(
        client: &Client,
        fresh: &BTreeMap<Fingerprint, &Sample>,
        now: Timestamp,
        operation: &'static str,
    ) -> Result<Vec<(Fingerprint, i64)>, StoreError> {
        let keys: Vec<&[u8]> = fresh.keys().map(|key| &key[..]).collect();
        let names: Vec<&str> = fresh.values().map(|sample| sample.name()).collect();
        let types: Vec<&str> = fresh.values().map(|sample| sample.metric_type().as_str()).collect();
        let labels: Vec<Json> = fresh.values().map(|sample| Json::of(sample.labels())).collect();
        let owners: Vec<Option<&str>> = fresh.values().map(|sample| sample.created_by()).collect();
        let parameters: [(&(dyn ToSql + Sync), Type); 6] = [
            (&keys, Type::BYTEA_ARRAY),
            (&names, Type::TEXT_ARRAY),
            (&types, Type::TEXT_ARRAY),
            (&labels, Type::JSONB_ARRAY),
            (&owners, Type::TEXT_ARRAY),
            (&Time(now), Type::TIMESTAMPTZ),
        ];
        let failed = |error| fault(operation, error);
        let rows = client.query_typed(RESOLVE, &parameters).await.map_err(failed)?;
        let read = |row: &Row| {
            let key: Vec<u8> = row.try_get(0)?;
            let key: Fingerprint = key.try_into().unwrap_or_default();
            Ok((key, row.try_get(1)?))
        };
        rows.iter().map(|row| read(row).map_err(failed)).collect()
    }
}

async fn append(shared: &Shared, client: &mut Client, samples: &[Arc<Sample>]) -> Result<Vec<Appended>, StoreError> {
    const OPERATION: &str = "append_samples";
    let now = Timestamp::now();
    let is_in_time = |sample: &Sample| shared.takes(sample.id().timestamp(), now);
    let mut taken: Vec<&Sample> = samples.iter().map(|sample| &**sample).filter(|sample| is_in_time(sample)).collect();
    taken.sort_by_key(|sample| sample.id());
    let days: BTreeSet<Day> = taken.iter().map(|sample| Day::of(sample.id().timestamp())).collect();
    shared.samples.ensure(client, days.clone(), OPERATION).await?;
    let (mut stored, mut settled) = (HashSet::new(), HashSet::new());
    for some in taken.chunks(AT_ONCE) {
        let series = shared.series.resolve(client, some, OPERATION).await?;
        let some: Vec<(&Sample, i64)> =
            some.iter().zip(series).filter_map(|(sample, series)| Some((*sample, series?))).collect();
        let ids = match insert(client, &some, OPERATION).await {
            Err(error) if is_without_partition(&error) => {
                shared.samples.forget();
                shared.samples.ensure(client, days.clone(), OPERATION).await?;
                insert(client, &some, OPERATION).await?
            }
            answer => answer?,
        };
        stored.extend(ids);
        settled.extend(some.iter().map(|(sample, _)| sample.id()));
    }
    let answer = |sample: &Arc<Sample>| match settled.contains(&sample.id()) {
        false => Appended::Refused,
        true if stored.remove(&sample.id()) => Appended::Stored,
        true => Appended::Duplicate,
    };
    Ok(samples.iter().map(answer).collect())
}

/// Inserts samples by one statement, and returns the ids that were not there.
async fn insert(client: &Client, samples: &[(&Sample, i64)], operation: &'static str) -> Result<Vec<Id>, StoreError> {
    let ids: Vec<Key> = samples.iter().map(|(sample, _)| Key(sample.id())).collect();
    let series: Vec<i64> = samples.iter().map(|(_, series)| *series).collect();
    let values: Vec<f64> = samples.iter().map(|(sample, _)| sample.value()).collect();
    let times: Vec<Time> = samples.iter().map(|(sample, _)| Time(sample.timestamp())).collect();
    let created: Vec<Time> = samples.iter().map(|(sample, _)| Time(sample.created_at())).collect();
    let parameters: [(&(dyn ToSql + Sync), Type); 5] = [
        (&ids, Type::UUID_ARRAY),
        (&series, Type::INT8_ARRAY),
        (&values, Type::FLOAT8_ARRAY),
        (&times, Type::TIMESTAMPTZ_ARRAY),
        (&created, Type::TIMESTAMPTZ_ARRAY),
    ];
    let failed = |error| fault(operation, error);
    let rows = client.query_typed(APPEND, &parameters).await.map_err(failed)?;
    rows.iter().map(|row| row.try_get(0).map(|Key(id)| id).map_err(failed)).collect()
}

fn read(row: &Row) -> Result<Arc<Sample>, Error> {
    let Key(id) = row.try_get(0)?;
    Ok(Arc::new(Sample {
        id,
        name: row.try_get(1)?,
        // The table's CHECK leaves no other names.
        metric_type: row.try_get::<_, &str>(2)?.parse().unwrap_or(MetricType::Gauge),
        value: row.try_get(3)?,
        labels: row.try_get::<_, Document<BTreeMap<String, String>>>(4)?.0,
        timestamp: row.try_get::<_, Time>(5)?.0,
        created_at: row.try_get::<_, Time>(6)?.0,
        created_by: row.try_get(7)?,
    }))
}

fn select(query: &SampleQuery, bounds: (Id, Id)) -> Select {
    let mut select = Select::new(SELECT, "s.id", bounds);
    select.text("r.name = ?", query.name.as_deref());
    if let Scope::CreatedBy(owner) = &query.scope {
        select.text("r.created_by = ?", Some(owner));
    }
    for (name, value) in &query.labels {
        if value.contains('\0') {
            select.hopeless();
        }
        select.member("coalesce(r.labels ->> ?, '') = !", name, Box::new(value.clone()), Type::TEXT);
    }
    select
}

impl SampleStore for Postgres {
    fn append_samples<'a>(&'a self, samples: &'a [Arc<Sample>]) -> StoreFuture<'a, Vec<Appended>> {
        if samples.is_empty() {
            return Box::pin(async { Ok(Vec::new()) });
        }
        let samples = samples.to_vec();
        self.ask("append_samples", Access::Write, move |shared, client| {
            Box::pin(async move { append(shared, client, &samples).await })
        })
    }

    fn samples<'a>(&'a self, query: &'a SampleQuery) -> StoreFuture<'a, Page<Arc<Sample>>> {
        const OPERATION: &str = "samples";
        let Some(bounds) = query.id_bounds() else { return Box::pin(async { Ok(Page::default()) }) };
        let (select, paging) = (select(query, bounds), *query.paging());
        self.ask(OPERATION, Access::Read, move |shared, client| {
            Box::pin(async move {
                select.page_over(client, &shared.samples, &paging, OPERATION, read, |sample| sample.id()).await
            })
        })
    }

    fn sample_counts(&self, now: Timestamp) -> StoreFuture<'_, Counts> {
        const OPERATION: &str = "sample_counts";
        self.ask(OPERATION, Access::Read, move |_, client| {
            Box::pin(async move { minutes::counts(client, "sample", now, OPERATION).await })
        })
    }

    fn drop_samples(&self, before: Timestamp) -> StoreFuture<'_, u64> {
        const OPERATION: &str = "drop_samples";
        self.ask(OPERATION, Access::Write, move |shared, client| {
            Box::pin(async move {
                let rows = shared.samples.drop_before(client, before, OPERATION).await?;
                let before = Time(Day::of(before).plus(-6).start());
                let forgotten = client.execute_typed(FORGET, &[(&before, Type::TIMESTAMPTZ)]).await;
                forgotten.map_err(|error| fault(OPERATION, error))?;
                Ok(rows)
            })
        })
    }
}
