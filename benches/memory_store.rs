//! What the store in memory costs, beside a `VecDeque` and a `BTreeMap` of the same events: `cargo bench --bench memory_store`.
//!
//! Each has 1,000,000 events of its own behind a lock. Rows take turns, round by round, and a figure is the smallest of the
//! rounds, the one that nothing else disturbed. `-- --quick` is a smoke: 50,000 events, and figures that mean nothing.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints figures")]

use std::collections::{BTreeMap, VecDeque};
use std::hint::black_box;
use std::sync::{Arc, RwLock};
use std::time::Instant;

use watchkeeper::event::{Event, EventDraft, EventType, Level, TimeWindow};
use watchkeeper::store::{EventQuery, EventStore, Memory, MemoryLimits, Scope};
use watchkeeper::testing::laws::run;
use watchkeeper::{Id, Timestamp};

const ROUNDS: usize = 25;
const BATCH: usize = 1000;

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let count = if quick { 50_000 } else { 1_000_000 };
    let start = Timestamp::from_micros(1_795_528_920_000_000);
    let event = |n: usize| {
        let level = Level::ALL[n % 5];
        let told = Event::log(["checkout", "login", "search", "stock"][n % 4]).level(level).tag("order", n);
        let told = told.detail("amount", 19.99).message("a line of some sixty letters, as they come from a service");
        let at = Timestamp::from_micros(start.as_micros() + 100 * n as i64);
        Arc::new(told.at(at).accept(TimeWindow::default(), at).0)
    };
    let mut bench = Bench::new(count);
    for first in (0..count).step_by(BATCH) {
        let batch: Vec<_> = (first..first + BATCH).map(event).collect();
        bench.store.append(&own(&batch));
        bench.ring.append(&own(&batch));
        bench.tree.append(&batch);
    }

    // Full: each append makes the oldest give way.
    let mut append = [const { Vec::new() }; 4];
    let mut next = count;
    for _ in 0..ROUNDS {
        let batch: Vec<_> = (next..next + 4 * BATCH).map(event).collect();
        next += batch.len();
        let (ours, ring) = (own(&batch), own(&batch));
        append[0].push(per_item(ours, |ours| ours.chunks(BATCH).for_each(|batch| bench.store.append(batch))));
        append[2].push(per_item(ring, |ring| ring.chunks(BATCH).for_each(|batch| bench.ring.append(batch))));
        append[3].push(per_item(batch, |batch| batch.chunks(BATCH).for_each(|batch| bench.tree.append(batch))));
        let batch: Vec<_> = (next..next + BATCH).map(event).collect();
        next += batch.len();
        append[1].push(per_item(batch, |batch| batch.chunks(1).for_each(|one| bench.store.append(one))));
    }

    // None of these events matches, so each scan goes over all of them.
    let by_type = EventQuery::new(Scope::All).event_type(EventType::Alert);
    let by_level = EventQuery::new(Scope::All).level(Level::Critical);
    let by_source = EventQuery::new(Scope::All).source("stock").level(Level::Critical);
    let mut scan = [const { Vec::new() }; 9];
    for _ in 0..ROUNDS {
        for (kind, query) in [&by_type, &by_level, &by_source].into_iter().enumerate() {
            scan[kind * 3].push(per_event(count, || bench.store.scan(query)));
            scan[kind * 3 + 1].push(per_event(count, || bench.ring.scan(query)));
            scan[kind * 3 + 2].push(per_event(count, || bench.tree.scan(query)));
        }
    }

    // What happens before a store sees an event.
    let mut tell = [Vec::new(), Vec::new()];
    let (mut drafts, mut events) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH));
    for _ in 0..ROUNDS {
        let told = |n: usize| {
            let told = Event::log("checkout").level(Level::Error).tag("order", n).detail("amount", 19.99);
            told.message("a line of some sixty letters, as they come from a service")
        };
        tell[0].push(per_event(BATCH, || drafts.extend((0..BATCH).map(told))));
        let accept = |draft: EventDraft| draft.accept(TimeWindow::default(), Timestamp::now()).0;
        tell[1].push(per_event(BATCH, || events.extend(drafts.drain(..).map(accept))));
        black_box(&mut events).clear();
    }

    println!("| {count} events, ns | memory store | `VecDeque` | `BTreeMap` |");
    println!("|---|--:|--:|--:|");
    let [batched, one, ring, tree] = append.map(smallest);
    println!("| append one of a batch of {BATCH}, the oldest giving way | {batched:.0} | {ring:.0} | {tree:.0} |");
    println!("| append in a call of its own, by the trait | {one:.0} | | |");
    let [told, accepted] = tell.map(smallest);
    println!("| tell an event with a tag and a detail | {told:.0} | | |");
    println!("| accept it | {accepted:.0} | | |");
    let scan = scan.map(smallest);
    for (kind, name) in ["an event type", "a level", "a source and a level"].into_iter().enumerate() {
        let [ours, ring, tree] = [0, 1, 2].map(|row| scan[kind * 3 + row]);
        println!("| scan for {name}, per event | {ours:.2} | {ring:.2} | {tree:.2} |");
    }
}

/// The rows: ours, and the two collections that come to mind.
struct Bench {
    store: Memory,
    ring: Plain<VecDeque<Arc<Event>>>,
    tree: Plain<BTreeMap<Id, Arc<Event>>>,
}

impl Bench {
    fn new(count: usize) -> Self {
        let mut limits = MemoryLimits::default();
        (limits.events, limits.event_bytes) = (count, usize::MAX);
        Self { store: Memory::with_limits(limits), ring: Plain::new(count), tree: Plain::new(count) }
    }
}

trait Row {
    fn append(&mut self, batch: &[Arc<Event>]);
    fn scan(&self, query: &EventQuery);
}

impl Row for Memory {
    fn append(&mut self, batch: &[Arc<Event>]) {
        black_box(now_or_never(self.append_events(batch)));
    }

    fn scan(&self, query: &EventQuery) {
        let page = now_or_never(self.events(query));
        assert!(page.items.is_empty(), "the scan goes to the end");
    }
}

/// A call of this store is ready at once.
fn now_or_never<T>(call: watchkeeper::store::StoreFuture<'_, T>) -> T {
    let mut call = call;
    match call.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(answer) => answer.unwrap(),
        std::task::Poll::Pending => run(call).unwrap(),
    }
}

/// A collection behind a lock, bounded by count.
struct Plain<C> {
    events: RwLock<C>,
    most: usize,
}

impl<C: Default> Plain<C> {
    fn new(most: usize) -> Self {
        Self { events: RwLock::default(), most }
    }
}

impl Row for Plain<VecDeque<Arc<Event>>> {
    fn append(&mut self, batch: &[Arc<Event>]) {
        for event in batch {
            let mut events = self.events.write().unwrap();
            // Neither duplicates nor late arrivals: less than the law asks for.
            events.push_back(Arc::clone(event));
            let oldest = if events.len() > self.most { events.pop_front() } else { None };
            drop(events);
            drop(oldest);
        }
    }

    fn scan(&self, query: &EventQuery) {
        let events = self.events.read().unwrap();
        assert!(!black_box(events.iter().rev().any(|event| query.matches(event))));
    }
}

impl Row for Plain<BTreeMap<Id, Arc<Event>>> {
    fn append(&mut self, batch: &[Arc<Event>]) {
        for event in batch {
            let mut events = self.events.write().unwrap();
            events.insert(event.id(), Arc::clone(event));
            let oldest = if events.len() > self.most { events.pop_first() } else { None };
            drop(events);
            drop(oldest);
        }
    }

    fn scan(&self, query: &EventQuery) {
        let events = self.events.read().unwrap();
        assert!(!black_box(events.values().rev().any(|event| query.matches(event))));
    }
}

/// Events that nobody else holds, so that whoever drops one frees it.
fn own(events: &[Arc<Event>]) -> Vec<Arc<Event>> {
    events.iter().map(|event| Arc::new(Event::clone(event))).collect()
}

fn per_item(items: Vec<Arc<Event>>, work: impl FnOnce(&[Arc<Event>])) -> f64 {
    let figure = per_event(items.len(), || work(&items));
    drop(items);
    figure
}

fn per_event(events: usize, work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_nanos() as f64 / events as f64
}

fn smallest(figures: Vec<f64>) -> f64 {
    figures.into_iter().fold(f64::INFINITY, f64::min)
}
