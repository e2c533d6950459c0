//! Retention: a day at a time, the oldest first, what is too old is kept as evidence, archived, and dropped.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};

use super::archive::{Archive, Writing};
use super::argument::{Argument, Arguments};
use super::context::TaskContext;
use super::error::TaskError;
use super::evidence::{self, Kept};
use super::incidents::{self, Window};
use super::options::{MOST_DAYS, TaskOptions};
use super::task::{Task, Work};
use super::{DATA_RETENTION, task::TaskFuture};
use crate::id::Id;
use crate::store::{EventQuery, MAX_LIMIT, SampleQuery, Scope, Store, StoreError};
use crate::timestamp::Timestamp;

const DAY: Duration = Duration::from_secs(86_400);

/// How often it runs; there is something to do once a day.
const EVERY: Duration = Duration::from_secs(3600);

/// How long one run may take. The next one goes on where it was stopped.
const TIMEOUT: Duration = Duration::from_secs(3 * 3600);

/// For how long the runs of tasks are kept.
const RUNS: Duration = Duration::from_secs(7 * 86_400);

/// Drops what is older than it is to be kept.
struct Retention {
    store: Arc<dyn Store>,
    archive: Option<Archive>,
}

pub(super) fn task(store: &Arc<dyn Store>, options: &TaskOptions) -> Task {
    let days = |name, about: &'static str, days: u32| {
        Argument::whole(name, 1, i64::from(MOST_DAYS)).about(about).default_to(days)
    };
    Task::new(DATA_RETENTION, Retention { store: Arc::clone(store), archive: options.archive.clone() })
        .about("Drops events and samples of days that are older than they are to be kept, after it has copied what incidents need and archived the rest.")
        .argument(days("event_days", "Keeps events of so many days.", options.event_days))
        .argument(days("metric_days", "Keeps samples of so many days.", options.metric_days))
        .every(EVERY)
        .timeout(TIMEOUT)
}

impl Work for Retention {
    fn run(&self, context: TaskContext, arguments: Arguments) -> TaskFuture {
        let (store, archive) = (Arc::clone(&self.store), self.archive.clone());
        Box::pin(async move {
            let pass = Pass { store, archive, context };
            Ok(pass.run(&arguments).await?)
        })
    }
}

/// What became of one kind of thing.
#[derive(Debug, Default)]
struct Done {
    days: u64,
    dropped: u64,
    archived: u64,
    kept: Kept,
    /// The time that evidence and drops took.
    keeping: Duration,
    dropping: Duration,
}

struct Pass {
    store: Arc<dyn Store>,
    archive: Option<Archive>,
    context: TaskContext,
}

impl Pass {
    async fn run(&self, arguments: &Arguments) -> Result<Value, TaskError> {
        // Of two clocks the slower one: a clock that runs ahead would drop what is new.
        let (theirs, ours) = (self.context.now(), Timestamp::now());
        let now = theirs.min(ours);
        let before = |name| start_of_day(now.minus(DAY * arguments.whole(name).map_or(MOST_DAYS, |days| days as u32)));
        let (events_before, samples_before) = (before("event_days"), before("metric_days"));
        let events = self.events(events_before).await?;
        let samples = self.samples(samples_before).await?;
        self.store.forget_runs(now.minus(RUNS)).await.map_err(|error| self.failed(error))?;
        Ok(json!({
            "events_before": events_before, "events_dropped": events.dropped, "events_archived": events.archived,
            "event_days": events.days, "evidence_added": events.kept.added, "evidence_left_out": events.kept.left_out,
            "evidence_seconds": events.keeping.as_secs_f64(), "drop_seconds": events.dropping.as_secs_f64(),
            "samples_before": samples_before, "samples_dropped": samples.dropped,
            "samples_archived": samples.archived, "sample_days": samples.days,
            "clocks_apart_seconds": theirs.since(ours).max(ours.since(theirs)).as_secs(),
            "is_complete": !self.context.is_closing(),
        }))
    }

    fn failed(&self, error: StoreError) -> TaskError {
        TaskError::store(DATA_RETENTION, error)
    }

    async fn events(&self, before: Timestamp) -> Result<Done, TaskError> {
        let (mut done, mut windows): (Done, Option<Vec<Window>>) = (Done::default(), None);
        let mut last = None;
        while let Some(oldest) = self.oldest_event(before).await.map_err(|error| self.failed(error))? {
            if self.context.is_closing() {
                break;
            }
            let (from, next) = day_of(oldest);
            if last.replace(from) == Some(from) {
                // The store keeps it until another time.
                break;
            }
            let to = Timestamp::from_micros(next.as_micros() - 1);
            if windows.is_none() {
                let found = incidents::windows(&*self.store, from, before).await;
                windows = Some(found.map_err(|error| self.failed(error))?);
            }
            let windows = windows.as_deref().unwrap_or_default();
            let start = Instant::now();
            let kept = evidence::keep(&*self.store, windows, from, to).await.map_err(|error| self.failed(error))?;
            done.keeping += start.elapsed();
            done.kept.added += kept.added;
            done.kept.left_out += kept.left_out;
            done.archived += self.archive_events(from, to).await?;
            let start = Instant::now();
            done.dropped += self.store.drop_events(next).await.map_err(|error| self.failed(error))?;
            done.dropping += start.elapsed();
            done.days += 1;
        }
        Ok(done)
    }

    async fn samples(&self, before: Timestamp) -> Result<Done, TaskError> {
        let (mut done, mut last) = (Done::default(), None);
        while let Some(oldest) = self.oldest_sample(before).await.map_err(|error| self.failed(error))? {
            if self.context.is_closing() {
                break;
            }
            let (from, next) = day_of(oldest);
            if last.replace(from) == Some(from) {
                break;
            }
            done.archived += self.archive_samples(from, Timestamp::from_micros(next.as_micros() - 1)).await?;
            done.dropped += self.store.drop_samples(next).await.map_err(|error| self.failed(error))?;
            done.days += 1;
        }
        Ok(done)
    }

    async fn oldest_event(&self, before: Timestamp) -> Result<Option<Id>, StoreError> {
        let query = EventQuery::new(Scope::All).end(just_before(before)).oldest_first().limit(1);
        Ok(self.store.events(&query).await?.items.first().map(|event| event.id()))
    }

    async fn oldest_sample(&self, before: Timestamp) -> Result<Option<Id>, StoreError> {
        let query = SampleQuery::new(Scope::All).end(just_before(before)).oldest_first().limit(1);
        Ok(self.store.samples(&query).await?.items.first().map(|sample| sample.id()))
    }

    /// Archives a page at a time, and rests after each as long as it took: others have the rest of store and processor.
    async fn archive_events(&self, from: Timestamp, to: Timestamp) -> Result<u64, TaskError> {
        let Some(mut writing) = self.begin("events", from).await? else { return Ok(0) };
        let mut query = EventQuery::new(Scope::All).start(from).end(to).oldest_first().limit(MAX_LIMIT);
        loop {
            let start = Instant::now();
            let page = self.store.events(&query).await.map_err(|error| self.failed(error))?;
            writing = write(writing, page.items).await?;
            let Some(next) = page.next else { break };
            tokio::time::sleep(start.elapsed()).await;
            query = query.after(next);
        }
        blocking(move || writing.finish()).await
    }

    async fn archive_samples(&self, from: Timestamp, to: Timestamp) -> Result<u64, TaskError> {
        let Some(mut writing) = self.begin("samples", from).await? else { return Ok(0) };
        let mut query = SampleQuery::new(Scope::All).start(from).end(to).oldest_first().limit(MAX_LIMIT);
        loop {
            let start = Instant::now();
            let page = self.store.samples(&query).await.map_err(|error| self.failed(error))?;
            writing = write(writing, page.items).await?;
            let Some(next) = page.next else { break };
            tokio::time::sleep(start.elapsed()).await;
            query = query.after(next);
        }
        blocking(move || writing.finish()).await
    }

    async fn begin(&self, kind: &'static str, day: Timestamp) -> Result<Option<Writing>, TaskError> {
        let Some(archive) = self.archive.clone() else { return Ok(None) };
        let day: String = day.to_string().chars().take(10).collect();
        blocking(move || archive.begin(format!("{kind}-{day}.ndjson.gz"))).await.map(Some)
    }
}

async fn write<T: Serialize + Send + Sync + 'static>(
    mut writing: Writing,
    rows: Vec<Arc<T>>,
) -> Result<Writing, TaskError> {
    blocking(move || writing.write(&rows).map(|()| writing)).await
}

/// Does what blocks on a thread that may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, TaskError> {
    let failed = |source| TaskError::Failed { task: DATA_RETENTION.to_owned(), source };
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| failed(error.into())),
        Err(error) => Err(failed(error.into())),
    }
}

fn start_of_day(time: Timestamp) -> Timestamp {
    let day = DAY.as_micros() as i64;
    Timestamp::from_micros(time.as_micros().div_euclid(day) * day)
}

/// The day that a thing belongs to, and the next one.
fn day_of(id: Id) -> (Timestamp, Timestamp) {
    let start = start_of_day(id.timestamp());
    (start, start.plus(DAY))
}

fn just_before(time: Timestamp) -> Timestamp {
    Timestamp::from_micros(time.as_micros() - 1)
}
