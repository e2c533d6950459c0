//! The bytes that a store in memory counts are those that the process takes.
#![cfg(target_os = "linux")]

use std::sync::Arc;

use serde_json::json;
use watchkeeper::Timestamp;
use watchkeeper::event::{Event, EventDraft, TimeWindow};
use watchkeeper::store::{EventStore, Memory, MemoryLimits};
use watchkeeper::testing::laws::run;

const MIB: usize = 1024 * 1024;
const BOUND: usize = 48 * MIB;

/// The bytes of this process that are in memory.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages: usize = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("it is a number");
    pages * 4096
}

/// A kind of event, and how to tell one.
type Shape = (&'static str, fn(u64) -> EventDraft);

/// One after the other, in a process of their own: what one leaves free, the next takes.
#[test]
fn a_full_store_takes_no_more_than_it_says() {
    let shapes: [Shape; 4] = [
        ("bare", |n| Event::log(format!("s{}", n % 3))),
        ("tags", |n| (0..8).fold(Event::log("s"), |told, k| told.tag(format!("k{k}"), n))),
        ("text", |n| Event::log("s").message("x".repeat(200 + n as usize % 800))),
        ("nested", |n| Event::log("s").detail("d", json!({"a": [n, n, {"b": "c"}], "e": {"f": {"g": n}}}))),
    ];
    let mut largest = 0;
    let before = resident();
    for (shape, told) in shapes {
        let mut limits = MemoryLimits::default();
        (limits.events, limits.event_bytes) = (usize::MAX, BOUND);
        let store = Memory::with_limits(limits);
        let now = Timestamp::now();
        let mut stored = 0;
        // Until it is full, and then half as much again.
        let mut full_at = None;
        while full_at.is_none_or(|full| stored < full * 3 / 2) {
            let batch: Vec<_> =
                (stored..stored + 500).map(|n| Arc::new(told(n).accept(TimeWindow::default(), now).0)).collect();
            run(store.append_events(&batch)).expect("it has room");
            stored += 500;
            assert!(store.event_bytes() <= BOUND);
            if full_at.is_none() && store.event_bytes() > BOUND - 4 * 4096 {
                full_at = Some(stored);
            }
        }
        largest = largest.max(resident());
        let taken = largest.saturating_sub(before);
        assert!(taken <= BOUND + 12 * MIB, "{shape}: {} MiB are taken, the bound is {} MiB", taken / MIB, BOUND / MIB);
        drop(store);
    }
    // And it does count something: the largest is near the bound.
    assert!(largest.saturating_sub(before) >= BOUND / 2);
}
