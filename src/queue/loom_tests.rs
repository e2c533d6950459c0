//! Queue, tokens and flush in every interleaving: `RUSTFLAGS="--cfg watchkeeper_loom" cargo test --release --lib loom`.

use std::time::{Duration, Instant};

use loom::thread;

use super::room::Bound;
use super::*;
use crate::presets::monitoring::{DropReason, Sink};

const FOREVER: Duration = Duration::from_secs(3600);

fn queue(items: u64) -> Queue<u32> {
    let account = Account::announcing(Sink::Events, Bound { items, ..Bound::NONE }, |_| {});
    Queue::new(account)
}

#[track_caller]
fn assert_balanced(counts: &Counts) {
    assert_eq!(counts.accepted(), counts.stored() + counts.dropped() + counts.queued(), "{counts:?}");
}

/// Stores what comes until the queue is closed and empty.
fn store_all(queue: &Queue<u32>) {
    while queue.wait(1, FOREVER) == Wait::Ready {
        while let Some(batch) = queue.take(2, u64::MAX) {
            batch.stored();
        }
    }
}

#[test]
fn loom_two_pushers_and_a_worker_account_for_every_item() {
    loom::model(|| {
        let queue = queue(1);
        let pushers: Vec<_> = (0..2)
            .map(|item| {
                let queue = queue.clone();
                thread::spawn(move || queue.push(item, 1, Priority::High))
            })
            .collect();
        if let Some(batch) = queue.take(2, u64::MAX) {
            assert_balanced(&queue.account().counts());
            batch.stored();
        }
        let queued = pushers.into_iter().map(|pusher| pusher.join().unwrap()).filter(|&ok| ok).count();
        let counts = queue.account().counts();
        assert_balanced(&counts);
        assert_eq!(counts.accepted(), 2);
        assert_eq!(counts.stored() + counts.queued(), queued as u64);
        let account = queue.account().clone();
        drop(queue);
        assert_eq!(account.counts().queued(), 0);
        assert_balanced(&account.counts());
    });
}

#[test]
fn loom_a_worker_that_waits_misses_nothing_and_ends_with_the_queue() {
    loom::model(|| {
        let queue = queue(8);
        let worker = {
            let queue = queue.clone();
            thread::spawn(move || store_all(&queue))
        };
        queue.push(1, 1, Priority::High);
        queue.push(2, 1, Priority::High);
        queue.close();
        assert!(!queue.push(3, 1, Priority::High));
        worker.join().unwrap();
        let counts = queue.account().counts();
        assert_eq!((counts.stored(), counts.dropped_for(DropReason::Shutdown), counts.queued()), (2, 1, 0));
    });
}

#[test]
fn loom_a_task_that_waits_misses_nothing_and_ends_with_the_queue() {
    loom::model(|| {
        let queue = queue(8);
        let pusher = {
            let queue = queue.clone();
            thread::spawn(move || {
                queue.push(1, 1, Priority::High);
                queue.close();
            })
        };
        loom::future::block_on(async {
            while queue.ready(1).await == Wait::Ready {
                while let Some(batch) = queue.take(2, u64::MAX) {
                    batch.stored();
                }
            }
        });
        pusher.join().unwrap();
        assert_eq!(queue.account().counts().stored(), 1);
    });
}

#[test]
fn loom_a_flush_that_runs_out_of_time_counts_each_item_once() {
    loom::model(|| {
        let queue = queue(8);
        queue.push(1, 1, Priority::High);
        queue.push(2, 1, Priority::High);
        let worker = {
            let queue = queue.clone();
            thread::spawn(move || {
                let Some(mut batch) = queue.take(2, u64::MAX) else { return };
                let rest = batch.split_off(1);
                batch.stored();
                // Let fall.
                drop(rest);
            })
        };
        let pusher = {
            let queue = queue.clone();
            thread::spawn(move || queue.push(3, 1, Priority::High))
        };
        queue.close();
        queue.account().write_off(DropReason::Shutdown);
        assert_balanced(&queue.account().counts());
        worker.join().unwrap();
        pusher.join().unwrap();
        queue.clear(DropReason::Shutdown);
        let counts = queue.account().counts();
        assert_balanced(&counts);
        assert_eq!((counts.accepted(), counts.queued(), counts.queued_bytes()), (3, 0, 0));
    });
}

#[test]
fn loom_room_that_is_made_wakes_the_thread_that_waits_for_it() {
    loom::model(|| {
        let queue = queue(1);
        queue.push(1, 1, Priority::High);
        let pusher = {
            let queue = queue.clone();
            thread::spawn(move || queue.push_blocking(2, 1, Priority::High, Instant::now() + FOREVER))
        };
        if let Some(batch) = queue.take(1, u64::MAX) {
            batch.stored();
        }
        assert!(pusher.join().unwrap());
        assert_eq!(queue.account().counts().queued(), 1);
    });
}

#[test]
fn loom_room_that_is_made_wakes_the_task_that_waits_for_it() {
    loom::model(|| {
        let queue = queue(1);
        queue.push(1, 1, Priority::High);
        let worker = {
            let queue = queue.clone();
            thread::spawn(move || {
                if let Some(batch) = queue.take(1, u64::MAX) {
                    batch.stored();
                }
            })
        };
        assert!(loom::future::block_on(queue.push_when_there_is_room(
            2,
            1,
            Priority::High,
            Instant::now() + Duration::from_secs(3600)
        )));
        worker.join().unwrap();
        assert_eq!(queue.account().counts().queued(), 1);
    });
}

#[test]
fn loom_nobody_waits_for_room_in_a_queue_that_closes() {
    loom::model(|| {
        let queue = queue(1);
        queue.push(1, 1, Priority::High);
        let pusher = {
            let queue = queue.clone();
            thread::spawn(move || queue.push_blocking(2, 1, Priority::High, Instant::now() + FOREVER))
        };
        queue.close();
        assert!(!pusher.join().unwrap());
        let counts = queue.account().counts();
        assert_eq!((counts.queued(), counts.dropped_for(DropReason::Shutdown)), (1, 1));
    });
}
