//! The store in memory keeps the law.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use watchkeeper::event::{Event, TimeWindow};
use watchkeeper::store::{EventQuery, EventStore, Memory, MemoryLimits, Parts, Scope};
use watchkeeper::testing::laws::run;
use watchkeeper::{Id, Timestamp};

watchkeeper::store_laws!(memory, Memory::new());

// Parts pass everything on.
watchkeeper::store_laws!(parts, Parts::new());

fn event(now: Timestamp, age_micros: i64) -> Arc<Event> {
    let at = Timestamp::from_micros(now.as_micros() - age_micros);
    Arc::new(Event::log("s").at(at).accept(TimeWindow::default(), now).0)
}

/// The law side by side with threads of the system, which may stop anywhere.
#[test]
fn pages_hold_all_that_was_there_while_four_threads_write() {
    let store = Memory::new();
    let now = Timestamp::now();
    let before: Vec<_> = (0..2_000).map(|n| event(now, n * 997 % 2_000)).collect();
    run(store.append_events(&before)).unwrap();
    let done = AtomicBool::new(false);

    std::thread::scope(|threads| {
        for writer in 0..4 {
            let (store, done) = (store.clone(), &done);
            threads.spawn(move || {
                let mut n = 0;
                while !done.load(Ordering::Relaxed) && n < 5_000 {
                    let batch: Vec<_> = (0..10)
                        .map(|_| {
                            event(now, {
                                n += 1;
                                n * 31 % 3_000 - 500 + writer
                            })
                        })
                        .collect();
                    run(store.append_events(&batch)).unwrap();
                }
            });
        }
        for round in 0..20 {
            let base = EventQuery::new(Scope::All).limit(7 + round);
            let base = if round % 2 == 0 { base } else { base.oldest_first() };
            let (mut seen, mut next) = (HashSet::<Id>::new(), None);
            loop {
                let query = next.map_or(base.clone(), |next| base.clone().after(next));
                let page = run(store.events(&query)).unwrap();
                assert!(page.items.iter().all(|event| seen.insert(event.id())), "nothing comes twice");
                next = page.next;
                if next.is_none() {
                    break;
                }
            }
            assert!(before.iter().all(|event| seen.contains(&event.id())), "nothing is missed");
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_flood_of_sources_leaves_no_names_behind() {
    let mut limits = MemoryLimits::default();
    limits.event_bytes = 256 * 1024;
    let store = Memory::with_limits(limits);
    let now = Timestamp::now();
    let told = |n| Arc::new(Event::log(format!("source {n}")).accept(TimeWindow::default(), now).0);
    for first in (0..50_000).step_by(1000) {
        let batch: Vec<_> = (first..first + 1000).map(told).collect();
        run(store.append_events(&batch)).unwrap();
    }
    assert!(store.event_bytes() <= limits.event_bytes);
    let gone = run(store.events(&EventQuery::new(Scope::All).source("source 1"))).map(|page| page.items.len());
    let there = run(store.events(&EventQuery::new(Scope::All).source("source 49999"))).map(|page| page.items.len());
    assert_eq!((gone.unwrap(), there.unwrap()), (0, 1));
}
