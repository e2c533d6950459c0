//! What recording costs the app, while the store is quick, hangs, or is full: `cargo bench --bench journal`.
//!
//! Each figure is the time of one call of `record_event`, its event built beforehand, among many calls of one thread; the
//! clock's own time is taken off. A request is one to an axum router with the layer of the watch, without sockets, whose
//! handler builds and records an event; the two kinds of store take turns.

#[path = "../tests/journal/faulty.rs"]
mod faulty;

use std::hint::black_box;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use faulty::{Does, Faulty};
use http::Request;
use tower::ServiceExt;
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

/// Times requests to an app over each store in turn.
fn requests(watches: [&Watchkeeper; 2], calls: usize) -> [Vec<Duration>; 2] {
    let apps = watches.map(|watch| {
        let recorder = watch.clone();
        let handler = move || async move {
            recorder.record_event(event(7));
            "recorded"
        };
        Router::new().route("/pay", get(handler)).layer(watch.http_layer())
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let [mut one, mut other] = [(); 2].map(|()| Vec::with_capacity(calls));
    for _ in 0..calls {
        for (app, times) in apps.iter().zip([&mut one, &mut other]) {
            let request = Request::builder().uri("/pay").body(Body::empty()).expect("a request");
            let start = Instant::now();
            let _ = black_box(runtime.block_on(app.clone().oneshot(request)));
            times.push(start.elapsed());
        }
    }
    one.sort_unstable();
    other.sort_unstable();
    [one, other]
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
            drop(black_box(event(number)));
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
    let stores = [Does::Stores, Does::Hangs].map(|does| Faulty::new(Duration::ZERO, move |_, _| does));
    let [quick, hung] = stores.each_ref().map(|store| watch(store, room));
    let [over_quick, over_hung] = requests([&quick, &hung], calls / 4);
    row(&mut out, "a request that records, the store is quick", &over_quick)?;
    row(&mut out, "the same, the store hangs", &over_hung)?;
    Ok(())
}
