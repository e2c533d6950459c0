//! A store that is slow, fails, hangs, panics and refuses, as it is told.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of this")]
#![allow(clippy::unwrap_used, reason = "it is for tests, which a failed lock ends")]

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use watchkeeper::event::Event;
use watchkeeper::store::{
    Appended, Counts, EventQuery, EventStore, Page, Parts, Scope, Store, StoreError, StoreErrorKind, StoreFuture,
};
use watchkeeper::{Id, Timestamp};

/// What one call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// Stores what it is given.
    Stores,
    /// Answers with an error of this kind.
    Fails(StoreErrorKind),
    /// Never answers.
    Hangs,
    /// Blocks its thread for so long, then stores.
    Blocks(Duration),
    /// Panics.
    Panics,
}

/// Keeps which numbers were stored: each event's message is one.
#[derive(Clone)]
pub struct Faulty {
    inner: Arc<Inner>,
}

type Tells = dyn Fn(usize, &[Arc<Event>]) -> Does + Send + Sync;

struct Inner {
    does: Box<Tells>,
    per_event: Duration,
    calls: AtomicUsize,
    stored: Mutex<Vec<u64>>,
    first: Mutex<Vec<Arc<Event>>>,
    twice: AtomicU64,
}

impl Faulty {
    /// Makes a store that does what the call's number and the batch say, and takes so long for each event.
    pub fn new(per_event: Duration, does: impl Fn(usize, &[Arc<Event>]) -> Does + Send + Sync + 'static) -> Self {
        let (calls, stored, first, twice) = Default::default();
        Self { inner: Arc::new(Inner { does: Box::new(does), per_event, calls, stored, first, twice }) }
    }

    /// A store for everything, whose events are kept here.
    pub fn store(&self) -> impl Store + use<> {
        Parts::new().events_in(self.clone())
    }

    /// How many calls there were.
    pub fn calls(&self) -> usize {
        self.inner.calls.load(Relaxed)
    }

    /// How many numbers were stored, and how many of them again.
    pub fn stored(&self) -> (u64, u64) {
        let bits = self.inner.stored.lock().unwrap().iter().map(|word| u64::from(word.count_ones())).sum();
        (bits, self.inner.twice.load(Relaxed))
    }

    /// The first few events that were stored.
    pub fn first_events(&self) -> Vec<Arc<Event>> {
        self.inner.first.lock().unwrap().clone()
    }

    fn keep(&self, events: &[Arc<Event>]) -> Vec<Appended> {
        let mut stored = self.inner.stored.lock().unwrap();
        let mut keep = |event: &Arc<Event>| {
            // A row that a store can never keep.
            if event.source() == "poison" {
                return Appended::Refused;
            }
            let number: usize = event.message().and_then(|number| number.parse().ok()).unwrap_or(0);
            let (word, bit) = (number / 64, 1 << (number % 64));
            if stored.len() <= word {
                stored.resize(word + 1, 0);
            }
            if stored[word] & bit != 0 {
                self.inner.twice.fetch_add(1, Relaxed);
                return Appended::Duplicate;
            }
            stored[word] |= bit;
            let mut first = self.inner.first.lock().unwrap();
            if first.len() < 10 {
                first.push(Arc::clone(event));
            }
            Appended::Stored
        };
        events.iter().map(&mut keep).collect()
    }
}

impl EventStore for Faulty {
    fn append_events<'a>(&'a self, events: &'a [Arc<Event>]) -> StoreFuture<'a, Vec<Appended>> {
        let does = (self.inner.does)(self.inner.calls.fetch_add(1, Relaxed), events);
        Box::pin(async move {
            match does {
                Does::Stores => {}
                Does::Fails(kind) => return Err(StoreError::new(kind, "append_events")),
                Does::Hangs => std::future::pending().await,
                Does::Blocks(time) => std::thread::sleep(time),
                // As a panic does, without a word on standard error.
                Does::Panics => std::panic::resume_unwind(Box::new("the store burns")),
            }
            // A tokio sleep is at least a millisecond, so one event is not slowed by itself.
            let time = self.inner.per_event * events.len() as u32;
            if time >= Duration::from_millis(1) {
                tokio::time::sleep(time).await;
            }
            Ok(self.keep(events))
        })
    }

    fn event<'a>(&'a self, _: Id, _: &'a Scope) -> StoreFuture<'a, Option<Arc<Event>>> {
        Box::pin(async { Err(StoreError::new(StoreErrorKind::Unsupported, "event")) })
    }

    fn events<'a>(&'a self, _: &'a EventQuery) -> StoreFuture<'a, Page<Arc<Event>>> {
        Box::pin(async { Err(StoreError::new(StoreErrorKind::Unsupported, "events")) })
    }

    fn event_counts(&self, _: Timestamp) -> StoreFuture<'_, Counts> {
        Box::pin(async { Err(StoreError::new(StoreErrorKind::Unsupported, "event_counts")) })
    }

    fn drop_events(&self, _: Timestamp) -> StoreFuture<'_, u64> {
        Box::pin(async { Err(StoreError::new(StoreErrorKind::Unsupported, "drop_events")) })
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").finish_non_exhaustive()
    }
}
