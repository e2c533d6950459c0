//! What a queue and its account do, seen from outside.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::*;
use crate::presets::monitoring::{DropReason, Sink};

fn queue(items: u64) -> Queue<u32> {
    Queue::new(Account::announcing(Sink::Events, Bound { items, ..Bound::NONE }, |_| {}))
}

/// What an item of `queue` takes beside its own bytes.
fn size_of_entry() -> u64 {
    let queue = queue(1);
    queue.push(0, 0, Priority::High);
    queue.account().counts().queued_bytes()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_millis(20)
}

fn assert_balanced(counts: &Counts) {
    assert_eq!(counts.accepted(), counts.stored() + counts.dropped() + counts.queued(), "{counts:?}");
}

#[test]
fn items_come_out_in_their_order_whatever_the_size_of_a_batch() {
    let queue = queue(10_000);
    let (mut pushed, mut taken) = (0, Vec::new());
    for round in 1..60 {
        for _ in 0..round * 3 {
            assert!(queue.push(pushed, 1, Priority::Normal));
            pushed += 1;
        }
        if let Some(batch) = queue.take(round * 2, u64::MAX) {
            taken.extend_from_slice(batch.items());
            batch.stored();
        }
    }
    while let Some(batch) = queue.take(7, u64::MAX) {
        taken.extend_from_slice(batch.items());
        batch.stored();
    }
    assert_eq!(taken, (0..pushed).collect::<Vec<_>>());
    assert_eq!(queue.account().counts().stored(), u64::from(pushed));
}

#[test]
fn an_item_is_on_the_account_until_its_batch_says_what_became_of_it() {
    let queue = queue(5);
    for item in 0..6 {
        queue.push(item, 100, Priority::High);
    }
    let own = size_of_entry();
    assert_eq!(queue.account().counts().queued_bytes(), 5 * (100 + own));
    let mut batch = queue.take(3, u64::MAX).unwrap();
    assert_eq!(queue.account().counts().queued(), 5, "what is being written is queued");
    let poison = batch.split_off(2);
    batch.stored();
    poison.dropped(DropReason::Invalid);
    drop(queue.take(1, u64::MAX));
    let counts = queue.account().counts();
    assert_balanced(&counts);
    assert_eq!((counts.accepted(), counts.stored(), counts.queued()), (6, 2, 1));
    for (reason, items) in [(DropReason::Full, 1), (DropReason::Invalid, 1), (DropReason::Lost, 1)] {
        assert_eq!(counts.dropped_for(reason), items, "{reason:?}");
    }
    assert_eq!(queue.clear(DropReason::Shutdown), 1);
    assert_eq!(queue.account().counts().queued_bytes(), 0);
}

#[test]
fn a_batch_is_bounded_in_bytes_and_has_at_least_one_item() {
    let queue = queue(10);
    let own = size_of_entry();
    for (item, bytes) in [(0, 1_000), (1, 10), (2, 10)] {
        queue.push(item, bytes, Priority::High);
    }
    let lengths: Vec<_> = (0..3)
        .map_while(|_| queue.take(10, 2 * (10 + own)))
        .map(|batch| {
            let length = batch.len();
            batch.stored();
            length
        })
        .collect();
    assert_eq!(lengths, [1, 2]);
}

#[test]
fn an_item_larger_than_the_queue_is_invalid_and_nobody_waits_for_it() {
    let queue = Queue::new(Account::announcing(Sink::Events, Bound { bytes: 64, items: 9 }, |_| {}));
    let hour = Instant::now() + Duration::from_secs(3600);
    assert!(!queue.push_blocking((), 65, Priority::High, hour));
    assert_eq!(queue.account().counts().dropped_for(DropReason::Invalid), 1);
}

#[test]
fn waiting_for_room_ends_with_the_deadline_the_close_or_the_future() {
    let queue = queue(1);
    queue.push(1, 1, Priority::High);
    assert!(!queue.push_blocking(2, 1, Priority::High, soon()));
    let mut context = Context::from_waker(Waker::noop());
    let mut waits =
        Box::pin(queue.push_when_there_is_room(3, 1, Priority::High, Instant::now() + Duration::from_secs(3600)));
    assert!(waits.as_mut().poll(&mut context).is_pending());
    drop(waits);
    drop(queue.push_when_there_is_room(4, 1, Priority::High, Instant::now() + Duration::from_secs(3600)));
    let mut waits =
        Box::pin(queue.push_when_there_is_room(5, 1, Priority::High, Instant::now() + Duration::from_secs(3600)));
    assert!(waits.as_mut().poll(&mut context).is_pending());
    queue.close();
    assert_eq!(waits.as_mut().poll(&mut context), Poll::Ready(false));
    drop(waits);
    let counts = queue.account().counts();
    for (reason, items) in [(DropReason::Timeout, 1), (DropReason::Lost, 2), (DropReason::Shutdown, 1)] {
        assert_eq!(counts.dropped_for(reason), items, "{reason:?}");
    }
    assert_balanced(&counts);
}

#[test]
fn a_worker_is_woken_when_there_is_as_much_as_it_waits_for() {
    let queue = queue(100);
    let worker = std::thread::spawn({
        let queue = queue.clone();
        move || {
            let waits = [queue.wait(2, Duration::from_secs(60)), queue.wait(9, Duration::from_millis(5))];
            (waits, queue.wait(9, Duration::MAX))
        }
    });
    queue.push(1, 1, Priority::Low);
    queue.push(2, 1, Priority::Low);
    std::thread::sleep(Duration::from_millis(20));
    queue.close();
    assert_eq!(worker.join().unwrap(), ([Wait::Ready, Wait::TimedOut], Wait::Ready));
    queue.clear(DropReason::Shutdown);
    assert_eq!(queue.wait(1, Duration::MAX), Wait::Closed);
}

#[test]
fn what_nobody_took_is_counted_when_the_queue_goes() {
    for (closes, reason) in [(false, DropReason::Lost), (true, DropReason::Shutdown)] {
        let queue = queue(9);
        let account = queue.account().clone();
        queue.push(1, 1, Priority::Low);
        if closes {
            queue.close();
        }
        drop(queue);
        assert_eq!((account.counts().queued(), account.counts().dropped_for(reason)), (0, 1));
    }
}

#[test]
fn a_loss_is_announced_when_it_begins_and_when_it_is_over() {
    let (told, tells) = std::sync::mpsc::channel();
    let quiet = Duration::from_millis(30);
    let account = Account::with_quiet(Sink::Events, Bound { items: 1, ..Bound::NONE }, quiet, move |loss| {
        let _ = told.send(loss);
    });
    let queue = Queue::new(account);
    queue.push(1, 1, Priority::High);
    queue.push(2, 1, Priority::High);
    queue.push(3, 1, Priority::High);
    queue.account().look_for_the_end_of_a_loss();
    let began = Loss::Began { sink: Sink::Events, reason: DropReason::Full };
    assert_eq!(tells.try_iter().collect::<Vec<_>>(), [began]);
    std::thread::sleep(quiet);
    queue.take(1, u64::MAX).unwrap().stored();
    let ended = Loss::Ended { sink: Sink::Events, dropped: 2 };
    assert_eq!(tells.try_iter().collect::<Vec<_>>(), [ended]);
    queue.account().turn_away(1, DropReason::Refused);
    queue.account().close();
    let again = Loss::Began { sink: Sink::Events, reason: DropReason::Refused };
    let over = Loss::Ended { sink: Sink::Events, dropped: 1 };
    assert_eq!(tells.try_iter().collect::<Vec<_>>(), [again, over]);
}

#[test]
fn a_lock_that_a_panic_poisoned_still_works() {
    let queue = queue(9);
    for lock in 0..2 {
        let poisoned = queue.clone();
        let panicked = std::thread::spawn(move || {
            poisoned.panic_in_a_lock(lock == 0);
        });
        assert!(panicked.join().is_err());
    }
    assert!(queue.push(1, 1, Priority::High));
    queue.take(1, u64::MAX).unwrap().stored();
    assert_eq!(queue.account().counts().stored(), 1);
}

#[test]
fn the_numbers_agree_whenever_they_are_read() {
    let queue = queue(50);
    let pushed = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for item in 0..20_000 {
                    queue.push(item, 1, Priority::Low);
                    pushed.fetch_add(1, Relaxed);
                }
            });
        }
        scope.spawn(|| {
            let mut round = 0_u32;
            while pushed.load(Relaxed) < 60_000 || queue.len() > 0 {
                round += 1;
                let Some(batch) = queue.take(7, u64::MAX) else { continue };
                match round % 3 {
                    0 => batch.dropped(DropReason::Failed),
                    1 => batch.stored(),
                    _ => drop(batch),
                }
            }
        });
        scope.spawn(|| {
            while pushed.load(Relaxed) < 60_000 {
                assert_balanced(&queue.account().counts());
            }
        });
    });
    let counts = queue.account().counts();
    assert_balanced(&counts);
    assert_eq!((counts.accepted(), counts.queued(), counts.queued_bytes()), (60_000, 0, 0));
}
