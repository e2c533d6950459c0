//! Events in a file of JSON lines, and the proof that this store keeps the law: `cargo test --example own_store`.
//!
//! `cargo run --example own_store -- FILE` tells an event, and lists it with those of earlier runs. Default: a new file.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use watchkeeper::event::{Event, Level, TimeWindow};
use watchkeeper::store::{
    Appended, Counts, EventQuery, EventStore, Order, Page, Parts, Scope, StoreError, StoreErrorKind, StoreFuture,
};
use watchkeeper::{Id, Timestamp};

/// Events by id, and the file that they come from after a restart.
#[derive(Debug)]
struct JsonLines(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    events: BTreeMap<Id, Arc<Event>>,
    total: u64,
    file: File,
}

impl JsonLines {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut events = BTreeMap::new();
        for line in BufReader::new(&file).lines() {
            let event: Event = serde_json::from_str(&line?)?;
            events.insert(event.id(), Arc::new(event));
        }
        let total = events.len() as u64;
        Ok(Self(Mutex::new(Inner { events, total, file })))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Writes a batch at once, and only then remembers it: what is answered as stored is in the file.
    fn append(&mut self, events: &[Arc<Event>]) -> Result<Vec<Appended>, StoreError> {
        let failed = |error: io::Error| StoreError::new(StoreErrorKind::Unavailable, "append_events").because(error);
        let mut fresh = BTreeMap::new();
        let mut lines = Vec::new();
        let mut answers = Vec::new();
        for event in events {
            if self.events.contains_key(&event.id()) || fresh.contains_key(&event.id()) {
                answers.push(Appended::Duplicate);
                continue;
            }
            serde_json::to_writer(&mut lines, &**event).map_err(|error| failed(error.into()))?;
            lines.push(b'\n');
            fresh.insert(event.id(), Arc::clone(event));
            answers.push(Appended::Stored);
        }
        let end = self.file.metadata().map_err(failed)?.len();
        if let Err(error) = self.file.write_all(&lines).and_then(|()| self.file.sync_data()) {
            // Half a line would spoil the file.
            self.file.set_len(end).map_err(failed)?;
            return Err(failed(error));
        }
        self.total += fresh.len() as u64;
        self.events.append(&mut fresh);
        Ok(answers)
    }

    fn find(&self, query: &EventQuery) -> Page<Arc<Event>> {
        let Some((first, last)) = query.id_bounds() else { return Page::default() };
        let events = self.events.range(first..=last).map(|(_, event)| event);
        let matching = events.filter(|event| query.matches(event)).cloned();
        match query.paging().order() {
            Order::OldestFirst => query.paging().page(matching, |event| event.id()),
            Order::NewestFirst => query.paging().page(matching.rev(), |event| event.id()),
        }
    }

    fn counts(&self, now: Timestamp) -> Counts {
        let minute = |time: Timestamp| time.as_micros().div_euclid(60_000_000);
        let hour = minute(now) - 59..=minute(now);
        let of_hour = self.events.values().filter(|event| hour.contains(&minute(event.timestamp())));
        Counts { total: self.total, last_hour: of_hour.count() as u64 }
    }
}

impl EventStore for JsonLines {
    fn append_events<'a>(&'a self, events: &'a [Arc<Event>]) -> StoreFuture<'a, Vec<Appended>> {
        Box::pin(async move { self.lock().append(events) })
    }

    fn event<'a>(&'a self, id: Id, scope: &'a Scope) -> StoreFuture<'a, Option<Arc<Event>>> {
        Box::pin(async move {
            let found = self.lock().events.get(&id).cloned();
            Ok(found.filter(|event| scope.contains(event.created_by())))
        })
    }

    fn events<'a>(&'a self, query: &'a EventQuery) -> StoreFuture<'a, Page<Arc<Event>>> {
        Box::pin(async move { Ok(self.lock().find(query)) })
    }

    fn event_counts(&self, now: Timestamp) -> StoreFuture<'_, Counts> {
        Box::pin(async move { Ok(self.lock().counts(now)) })
    }

    /// Forgets old events; the file keeps them, as an archive.
    fn drop_events(&self, before: Timestamp) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let mut inner = self.lock();
            let young = inner.events.split_off(&Id::first_at(before));
            Ok(std::mem::replace(&mut inner.events, young).len() as u64)
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let fresh = || std::env::temp_dir().join(format!("own_store_{}.jsonl", std::process::id()));
    let path = std::env::args_os().nth(1).map_or_else(fresh, Into::into);
    // Samples, incidents and alerts stay in memory.
    let store = Parts::new().events_in(JsonLines::open(&path)?);

    let told = Event::log("own_store").level(Level::Info).message("the example was run").tag("pid", std::process::id());
    let (event, _repairs) = told.accept(TimeWindow::default(), Timestamp::now());
    store.append_events(&[Arc::new(event)]).await?;

    for event in store.events(&EventQuery::new(Scope::All).source("own_store")).await?.items {
        writeln!(io::stdout(), "{}: {}", event.source(), event.message().unwrap_or_default())?;
    }
    if std::env::args_os().len() < 2 { Ok(std::fs::remove_file(path)?) } else { Ok(()) }
}

#[cfg(test)]
watchkeeper::event_store_laws!(json_lines, fresh());

/// Makes an empty store; its open file is enough, so that nothing is left behind.
#[cfg(test)]
fn fresh() -> JsonLines {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("own_store_{}_{count}.jsonl", std::process::id()));
    let store = JsonLines::open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    store
}
