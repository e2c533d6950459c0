//! Recording what must not be dropped: waiting for room, on a thread and in a task.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use watchkeeper::journal::{DropReason, JournalOptions, Sink};
use watchkeeper::queue::Bound;
use watchkeeper::{Watchkeeper, service_info};

use crate::faulty::{Does, Faulty};
use crate::{A_MOMENT, block_on, counts, event, settled};

/// A watch whose journal is full, and the switch that lets its store work again.
fn full_watch() -> (Watchkeeper, Arc<AtomicBool>) {
    let works = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&works);
    let store = Faulty::new(Duration::ZERO, move |_, _| if told.load(Relaxed) { Does::Stores } else { Does::Hangs });
    let options = JournalOptions::new().bound(Bound { items: 2, ..Bound::default() }).write_deadline(A_MOMENT);
    let watch = Watchkeeper::builder(service_info!()).store(store.store()).journal(options).build().unwrap();
    (0..2).for_each(|number| assert!(watch.record_event(event(number)).is_some()));
    assert_eq!(watch.record_event(event(2)), None);
    (watch, works)
}

#[test]
fn a_thread_that_waits_gets_room_or_its_deadline() {
    let (watch, works) = full_watch();
    let start = Instant::now();
    assert_eq!(watch.journal().record_event_blocking(event(3), A_MOMENT), None);
    assert!(start.elapsed() >= A_MOMENT && start.elapsed() < 20 * A_MOMENT, "{:?}", start.elapsed());
    works.store(true, Relaxed);
    assert!(watch.journal().record_event_blocking(event(4), Duration::MAX).is_some());
    let counts = settled(&watch, Sink::Events);
    assert_eq!((counts.stored(), counts.dropped_for(DropReason::Timeout)), (3, 1));
}

#[test]
fn a_task_that_waits_gets_room_or_its_deadline_though_its_runtime_has_no_clock() {
    let (watch, works) = full_watch();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let start = Instant::now();
    assert_eq!(runtime.block_on(watch.journal().record_event_within(event(3), A_MOMENT)), None);
    assert!(start.elapsed() >= A_MOMENT && start.elapsed() < 20 * A_MOMENT, "{:?}", start.elapsed());
    works.store(true, Relaxed);
    assert!(runtime.block_on(watch.journal().record_event_within(event(4), Duration::MAX)).is_some());
    let counts = settled(&watch, Sink::Events);
    assert_eq!((counts.stored(), counts.dropped_for(DropReason::Timeout)), (3, 1));
}

#[test]
fn a_call_that_is_dropped_while_it_waits_is_counted() {
    let (watch, _works) = full_watch();
    block_on(async {
        let waits = watch.journal().record_event_within(event(3), Duration::from_secs(60));
        tokio::time::timeout(A_MOMENT, waits).await.expect_err("there is no room");
    });
    assert_eq!(counts(&watch, Sink::Events).dropped_for(DropReason::Lost), 1);
}

#[test]
fn nobody_waits_for_a_journal_that_closes() {
    let (watch, _works) = full_watch();
    let waiting = watch.clone();
    let waits = std::thread::spawn(move || {
        let start = Instant::now();
        (waiting.journal().record_event_blocking(event(3), Duration::from_secs(60)), start.elapsed())
    });
    std::thread::sleep(A_MOMENT);
    let _ = block_on(watch.close(A_MOMENT));
    let (recorded, took) = waits.join().unwrap();
    assert_eq!(recorded, None);
    assert!(took < Duration::from_secs(10), "{took:?}");
    let counts = counts(&watch, Sink::Events);
    assert_eq!((counts.queued(), counts.dropped_for(DropReason::Shutdown)), (0, 3));
}
