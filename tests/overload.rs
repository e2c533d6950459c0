//! Far more is recorded than a store takes, while it also fails, hangs and panics: every event is accounted for, and memory
//! stays within its bound.
//!
//! A run in CI is a small one. The full size: `WATCHKEEPER_TEST_EVENTS=2000000 cargo test --release --test overload`,
//! which takes half a minute.

#[path = "journal/faulty.rs"]
mod faulty;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use faulty::{Does, Faulty};
use watchkeeper::event::{Event, Level};
use watchkeeper::journal::{DropReason, JournalOptions, Sink};
use watchkeeper::queue::{Bound, Counts};
use watchkeeper::store::StoreErrorKind;
use watchkeeper::{Watchkeeper, service_info};

const MIB: u64 = 1 << 20;

/// Memory is that of the whole process, so one test runs at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// The memory that the process has now, in bytes.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number");
    pages * 4096
}

fn events_to_record() -> u64 {
    std::env::var("WATCHKEEPER_TEST_EVENTS").map_or(200_000, |events| events.parse().expect("a number"))
}

fn counts(watch: &Watchkeeper) -> Counts {
    watch.journal().counts(Sink::Events).expect("a journal has events")
}

#[track_caller]
fn assert_nothing_is_unaccounted_for(counts: &Counts) {
    assert_eq!(counts.accepted(), counts.stored() + counts.dropped() + counts.queued(), "{counts:?}");
}

/// Runs a future on a thread without a runtime.
fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

/// How often the store did what it should not.
#[derive(Default)]
struct Faults {
    errors: AtomicU64,
    panics: AtomicU64,
    hangs: AtomicU64,
    /// Rows that it refused by themselves.
    poison: AtomicU64,
    /// Calls that it refused for one row.
    spoiled: AtomicU64,
    /// Calls on which it hung for one row.
    stuck: AtomicU64,
}

impl Faults {
    fn of(&self, call: usize, events: &[Arc<Event>]) -> Does {
        let holds = |source| events.iter().filter(|event| event.source() == source).count() as u64;
        let (count, does) = match call {
            _ if call % 5 == 1 => (&self.errors, Does::Fails(StoreErrorKind::Unavailable)),
            _ if call % 7 == 2 => (&self.panics, Does::Panics),
            _ if call % 11 == 3 => (&self.hangs, Does::Hangs),
            _ if holds("stuck") > 0 => (&self.stuck, Does::Hangs),
            _ if holds("spoils") > 0 => (&self.spoiled, Does::Fails(StoreErrorKind::Refused)),
            _ => {
                self.poison.fetch_add(holds("poison"), Relaxed);
                return Does::Stores;
            }
        };
        count.fetch_add(1, Relaxed);
        does
    }

    /// Each kind with its count, and the least that a run must have had.
    fn counts(&self) -> [(&'static str, u64, u64); 6] {
        let of = |count: &AtomicU64| count.load(Relaxed);
        [
            ("errors", of(&self.errors), 10),
            ("panics", of(&self.panics), 5),
            ("hangs", of(&self.hangs), 3),
            ("poison rows", of(&self.poison), 1),
            ("calls refused for a row", of(&self.spoiled), 1),
            ("calls hung on a row", of(&self.stuck), 5),
        ]
    }
}

#[test]
fn every_event_is_accounted_for_at_ten_times_what_a_failing_store_takes() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    const PER_EVENT: Duration = Duration::from_micros(200);
    let taken = 1.0 / PER_EVENT.as_secs_f64();
    // A little more than ten times that, so that a thread that wakes late is no matter.
    let pace = 12.0 * taken;
    let faults = Arc::new(Faults::default());
    let told = Arc::clone(&faults);
    let store = Faulty::new(PER_EVENT, move |call, events| told.of(call, events));
    let bound = Bound { bytes: 8 * MIB, items: 10_000 };
    let options = JournalOptions::new().bound(bound).batch(100).write_deadline(Duration::from_millis(100));
    let watch = Watchkeeper::builder(service_info!()).store(store.store()).journal(options).build().unwrap();
    let (events, before, start) = (events_to_record(), resident_bytes(), Instant::now());
    let mut most = before;
    thread::scope(|scope| {
        let recorders: Vec<_> = (0..4)
            .map(|recorder| {
                let watch = watch.clone();
                scope.spawn(move || {
                    for number in (recorder..events).step_by(4) {
                        let source = match number {
                            // There is still room for it.
                            1_000 => "stuck",
                            _ if number % 500 == 249 => "poison",
                            _ if number % 1_000 == 999 => "spoils",
                            _ => "checkout",
                        };
                        watch.record_event(Event::log(source).level(Level::Critical).message(number.to_string()));
                        let early = Duration::from_secs_f64(number as f64 / pace).saturating_sub(start.elapsed());
                        if early >= Duration::from_millis(1) {
                            thread::sleep(early);
                        }
                    }
                })
            })
            .collect();
        while recorders.iter().any(|recorder| !recorder.is_finished()) {
            assert_nothing_is_unaccounted_for(&counts(&watch));
            most = most.max(resident_bytes());
            thread::sleep(Duration::from_millis(1));
        }
    });
    let took = start.elapsed();
    let offered = events as f64 / took.as_secs_f64();
    let deadline = Duration::from_secs(1);
    let closing = Instant::now();
    let report = block_on(watch.close(deadline));
    let closed = closing.elapsed();

    let counts = counts(&watch);
    assert_nothing_is_unaccounted_for(&counts);
    assert_eq!((counts.accepted(), counts.queued(), counts.queued_bytes()), (events, 0, 0), "{counts:?}");
    assert_eq!(report.left(Sink::Events), counts.dropped_for(DropReason::Shutdown));
    assert!(closed <= deadline + Duration::from_millis(250), "{closed:?}");
    // A write may be under way when time is over: it is counted as dropped, and the store may still take it.
    let (stored, twice) = store.stored();
    assert!((counts.stored()..=counts.stored() + 1_000).contains(&stored), "{stored} in the store, {counts:?}");
    assert_eq!(twice, 0);
    assert!(counts.stored() > 0 && counts.dropped_for(DropReason::Full) > 0, "{counts:?}");
    for (fault, count, least) in faults.counts() {
        assert!(count >= least, "{count} {fault}, {counts:?}");
    }
    assert!(counts.dropped_for(DropReason::Invalid) > 0 && counts.dropped_for(DropReason::Timeout) > 0, "{counts:?}");
    assert!(offered >= 10.0 * taken, "{offered:.0} a second were recorded, {taken:.0} can be taken");
    let grown = most.saturating_sub(before);
    assert!(grown <= bound.bytes + 8 * MIB, "{} MiB more", grown / MIB);
    let reasons: Vec<_> =
        DropReason::ALL.iter().map(|&reason| format!("{} {}", reason.as_str(), counts.dropped_for(reason))).collect();
    let faults: Vec<_> = faults.counts().iter().map(|(fault, count, _)| format!("{count} {fault}")).collect();
    eprintln!(
        "accepted {}, stored {}, queued {}, dropped: {}; unaccounted for 0; {:.1} times what the store takes, {} calls \
         ({}), {} MiB more memory, closed after {closed:?}",
        counts.accepted(),
        counts.stored(),
        counts.queued(),
        reasons.join(", "),
        offered / taken,
        store.calls(),
        faults.join(", "),
        grown / MIB,
    );
}

#[test]
fn events_that_wait_for_a_store_that_hangs_take_no_more_memory_than_they_may() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let store = Faulty::new(Duration::ZERO, |_, _| Does::Hangs);
    let watch = Watchkeeper::builder(service_info!()).store(store.store()).build().unwrap();
    let message = "x".repeat(4 << 10);
    let record = || watch.record_event(Event::log("checkout").level(Level::Critical).message(message.as_str()));
    record();
    let (before, events) = (resident_bytes(), events_to_record() / 10);
    for _ in 1..events {
        record();
    }
    let grown = resident_bytes().saturating_sub(before);

    let counts = counts(&watch);
    assert!(counts.queued_bytes() <= 32 * MIB && counts.queued_bytes() > 31 * MIB, "{counts:?}");
    assert!(grown <= 40 * MIB, "{} MiB more", grown / MIB);
    assert_eq!(counts.dropped_for(DropReason::Full), events - counts.queued());
    eprintln!("{} MiB queued, {} MiB more memory", counts.queued_bytes() / MIB, grown / MIB);
}
