//! What recording costs the app, while the store is quick, hangs, or is full: `cargo bench --bench journal`.
//!
//! Each figure is the time of one call of `record_event`, its event built beforehand, among many calls of one thread; the
//! clock's own time is taken off. `building` is what building that event costs, for comparison.

#[path = "../tests/journal/faulty.rs"]
mod faulty;

use std::hint::black_box;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use faulty::{Does, Faulty};
use watchkeeper::event::{Event, EventDraft, Level};
use watchkeeper::journal::JournalOptions;
use watchkeeper::queue::Bound;
use watchkeeper::{Watchkeeper, service_info};

const CALLS: usize = 200_000;

fn event(number: usize) -> EventDraft {
    Event::log("checkout").level(Level::Warn).message(number.to_string()).tag("order", 42).detail("amount", 1_999)
}

/// Times many calls; sorted, without what the clock takes.
fn times(calls: usize, mut call: impl FnMut(usize) -> Duration) -> Vec<Duration> {
    let clock = (0..1_000).map(|_| Instant::now().elapsed()).min().unwrap_or_default();
    let mut times: Vec<_> = (0..calls).map(|number| call(number).saturating_sub(clock)).collect();
    times.sort_unstable();
    times
}

fn row(out: &mut impl Write, name: &str, times: &[Duration]) -> io::Result<()> {
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_nanos();
    writeln!(out, "| {name} | {} | {} | {} | {} |", at(0.5), at(0.99), at(0.999), at(1.0))
}

fn record(watch: &Watchkeeper, calls: usize) -> Vec<Duration> {
    times(calls, |number| {
        let event = event(number);
        let start = Instant::now();
        black_box(watch.record_event(event));
        start.elapsed()
    })
}

fn watch(store: &Faulty, bound: Bound) -> Watchkeeper {
    let options = JournalOptions::new().bound(bound);
    Watchkeeper::builder(service_info!()).store(store.store()).journal(options).build().expect("an empty registry")
}

fn main() -> io::Result<()> {
    // `cargo test` builds and runs benches too: a short run shows that they work.
    let calls = if std::env::args().any(|argument| argument == "--bench") { CALLS } else { 2_000 };
    let room = Bound { bytes: 1 << 30, items: 1_000_000 };
    let mut out = io::stdout().lock();
    writeln!(out, "| call | p50, ns | p99, ns | p99.9, ns | most, ns |\n|---|--:|--:|--:|--:|")?;
    row(
        &mut out,
        "building the event alone",
        &times(calls, |number| {
            let start = Instant::now();
            black_box(event(number));
            start.elapsed()
        }),
    )?;
    row(
        &mut out,
        "`accept`: cleaning it and giving it an id",
        &times(calls, |number| {
            let event = event(number);
            let start = Instant::now();
            black_box(event.accept(Default::default(), watchkeeper::Timestamp::now()));
            start.elapsed()
        }),
    )?;
    row(
        &mut out,
        "`record_event`, the store is quick",
        &record(&watch(&Faulty::new(Duration::ZERO, |_, _| Does::Stores), room), calls),
    )?;
    row(
        &mut out,
        "`record_event`, the store hangs",
        &record(&watch(&Faulty::new(Duration::ZERO, |_, _| Does::Hangs), room), calls),
    )?;
    let full = Bound { bytes: 1 << 20, items: 1_000 };
    row(
        &mut out,
        "`record_event`, the store hangs and the queue is full",
        &record(&watch(&Faulty::new(Duration::ZERO, |_, _| Does::Hangs), full), calls),
    )?;
    Ok(())
}
