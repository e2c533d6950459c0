//! One queue: pushed to from any thread, emptied in batches by a thread or a task.

use std::collections::{LinkedList, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use super::account::Account;
use super::batch::Batch;
use super::room::Priority;
use crate::metric::sync::{Condvar, Mutex, MutexGuard};
use crate::presets::monitoring::DropReason;

/// How many items lie in one block. Blocks are made one at a time, so no push ever moves what is queued.
const BLOCK: usize = 64;

/// The longest that a thread waits for items in one go.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// A queue in front of a sink. Cloning it copies a handle; what is in it when the last handle goes is lost.
///
/// A push takes two locks, each for a few dozen instructions, and neither is ever held across anything that waits. An
/// item is moved under the lock, so it should be small: a box, an `Arc`, a line.
pub(crate) struct Queue<T> {
    inner: Arc<Inner<T>>,
}

struct Inner<T> {
    account: Account,
    state: Mutex<State<T>>,
    arrived: Condvar,
}

struct State<T> {
    blocks: LinkedList<VecDeque<Entry<T>>>,
    length: usize,
    closed: bool,
    /// Who empties the queue and waits, and how many items it waits for.
    waiter: Option<Waiter>,
    wake_at: usize,
}

struct Entry<T> {
    item: T,
    size: u64,
    epoch: u64,
}

enum Waiter {
    Thread,
    Task(Waker),
}

/// What came of waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// There are as many items as were waited for, or the queue is closed and there are some.
    Ready,
    /// The time is over.
    TimedOut,
    /// The queue is closed and empty: nothing more will come.
    Closed,
}

impl<T> Queue<T> {
    /// Makes a queue that is bounded by its account.
    pub(crate) fn new(account: Account) -> Self {
        let state = State { blocks: LinkedList::new(), length: 0, closed: false, waiter: None, wake_at: 1 };
        Self { inner: Arc::new(Inner { account, state: Mutex::new(state), arrived: Condvar::new() }) }
    }

    /// Returns the account.
    pub(crate) fn account(&self) -> &Account {
        &self.inner.account
    }

    /// Queues an item that takes so many bytes, its place in the queue not included; tells whether there was room. One
    /// without room is counted as dropped.
    pub(crate) fn push(&self, item: T, bytes: u64, priority: Priority) -> bool {
        match self.offer(item, bytes, priority) {
            Ok(()) => true,
            Err((_item, reason)) => {
                self.inner.account.turn_away(1, reason);
                false
            }
        }
    }

    /// Queues an item, waiting for room until the deadline; tells whether there was room. Blocks the thread.
    pub(crate) fn push_blocking(&self, item: T, bytes: u64, priority: Priority, deadline: Instant) -> bool {
        let mut item = item;
        loop {
            match self.offer(item, bytes, priority) {
                Ok(()) => return true,
                Err((back, DropReason::Full)) => item = back,
                Err((_item, reason)) => {
                    self.inner.account.turn_away(1, reason);
                    return false;
                }
            }
            if !self.inner.account.wait_for_room(self.size(bytes), priority, deadline) {
                self.inner.account.turn_away(1, DropReason::Timeout);
                return false;
            }
        }
    }

    /// Queues an item, waiting for room as long as the future is polled; it says whether there was room. A future that is
    /// dropped before leaves the item as lost.
    pub(crate) fn push_when_there_is_room(
        &self,
        item: T,
        bytes: u64,
        priority: Priority,
    ) -> impl Future<Output = bool> {
        let mut offer = Offer { account: &self.inner.account, waits: None, item: Some(item) };
        poll_fn(move |context| {
            // Registered before looking, so that room made in between wakes the task.
            offer.waits = Some(offer.account.lock().waiters.register(offer.waits, context.waker()));
            let Some(item) = offer.item.take() else { return Poll::Ready(false) };
            match self.offer(item, bytes, priority) {
                Ok(()) => Poll::Ready(true),
                Err((item, DropReason::Full)) => {
                    offer.item = Some(item);
                    Poll::Pending
                }
                Err((_item, reason)) => {
                    offer.account.turn_away(1, reason);
                    Poll::Ready(false)
                }
            }
        })
    }

    /// Waits for items. Blocks the thread; at most one thread or task waits at a time.
    pub(crate) fn wait(&self, at_least: usize, most: Duration) -> Wait {
        let deadline = Instant::now() + most.min(LONGEST_WAIT);
        let mut state = self.lock();
        loop {
            if let Some(done) = state.ready(at_least) {
                state.waiter = None;
                return done;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.waiter = None;
                return Wait::TimedOut;
            }
            (state.waiter, state.wake_at) = (Some(Waiter::Thread), at_least);
            state = self.inner.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for items in a task; at most one thread or task waits at a time.
    pub(crate) async fn ready(&self, at_least: usize) -> Wait {
        poll_fn(|context| {
            let mut state = self.lock();
            match state.ready(at_least) {
                Some(done) => {
                    state.waiter = None;
                    Poll::Ready(done)
                }
                None => {
                    (state.waiter, state.wake_at) = (Some(Waiter::Task(context.waker().clone())), at_least);
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Takes the oldest items: at most so many, and as many bytes, but at least one where there is one.
    pub(crate) fn take(&self, items: usize, bytes: u64) -> Option<Batch<T>> {
        let most = items.min(self.len());
        let mut batch = Batch {
            account: self.inner.account.clone(),
            items: Vec::with_capacity(most),
            sizes: Vec::with_capacity(most),
            epoch: 0,
        };
        let mut sum = 0_u64;
        let mut state = self.lock();
        while batch.items.len() < items {
            let Some(next) = state.first() else { break };
            // Entries of another epoch are written off already; they go into a batch of their own, which counts nothing.
            let fits = sum.saturating_add(next.size) <= bytes && next.epoch == batch.epoch;
            if !batch.items.is_empty() && !fits {
                break;
            }
            let Some(entry) = state.pop() else { break };
            batch.epoch = entry.epoch;
            sum += entry.size;
            batch.items.push(entry.item);
            batch.sizes.push(entry.size);
        }
        drop(state);
        (!batch.items.is_empty()).then_some(batch)
    }

    /// Returns how many items wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().length
    }

    /// Takes no more items: what comes now is dropped for `shutdown`, what is queued can still be taken.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let waiter = state.waiter.take();
        drop(state);
        self.wake(waiter);
        self.inner.account.end_waiting();
    }

    /// Tells whether the queue is closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Throws away what is queued; it is counted for this reason. Returns how many items that were.
    pub(crate) fn clear(&self, reason: DropReason) -> u64 {
        let mut cleared = 0;
        while let Some(batch) = self.take(BLOCK, u64::MAX) {
            cleared += batch.len() as u64;
            batch.dropped(reason);
        }
        cleared
    }

    /// Queues an item where there is room, else returns it uncounted with the reason.
    fn offer(&self, item: T, bytes: u64, priority: Priority) -> Result<(), (T, DropReason)> {
        let size = self.size(bytes);
        let mut state = self.lock();
        if state.closed {
            return Err((item, DropReason::Shutdown));
        }
        let epoch = match self.inner.account.admit(size, priority) {
            Ok(epoch) => epoch,
            Err(refusal) => return Err((item, refusal.reason())),
        };
        state.push(Entry { item, size, epoch });
        let waiter = if state.length >= state.wake_at { state.waiter.take() } else { None };
        drop(state);
        self.wake(waiter);
        Ok(())
    }

    /// What an item takes on the account: itself, and its place in the queue.
    fn size(&self, bytes: u64) -> u64 {
        bytes.saturating_add(size_of::<Entry<T>>() as u64)
    }

    fn wake(&self, waiter: Option<Waiter>) {
        match waiter {
            Some(Waiter::Thread) => self.inner.arrived.notify_one(),
            Some(Waiter::Task(waker)) => waker.wake(),
            None => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn ready(&self, at_least: usize) -> Option<Wait> {
        match (self.closed, self.length) {
            (true, 0) => Some(Wait::Closed),
            (true, _) => Some(Wait::Ready),
            (false, length) => (length >= at_least.max(1)).then_some(Wait::Ready),
        }
    }

    fn push(&mut self, entry: Entry<T>) {
        self.length += 1;
        if let Some(block) = self.blocks.back_mut().filter(|block| block.len() < BLOCK) {
            block.push_back(entry);
            return;
        }
        let mut block = VecDeque::with_capacity(BLOCK);
        block.push_back(entry);
        self.blocks.push_back(block);
    }

    fn first(&self) -> Option<&Entry<T>> {
        self.blocks.front()?.front()
    }

    fn pop(&mut self) -> Option<Entry<T>> {
        let block = self.blocks.front_mut()?;
        let entry = block.pop_front()?;
        self.length -= 1;
        if block.is_empty() && self.length > 0 {
            self.blocks.pop_front();
        }
        Some(entry)
    }
}

impl<T> Drop for Inner<T> {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let reason = if state.closed { DropReason::Shutdown } else { DropReason::Lost };
        while let Some(entry) = state.pop() {
            self.account.settle(1, entry.size, entry.epoch, Some(reason));
        }
    }
}

/// An item that waits for room. Dropped while it does, it is lost.
struct Offer<'a, T> {
    account: &'a Account,
    waits: Option<u64>,
    item: Option<T>,
}

impl<T> Drop for Offer<'_, T> {
    fn drop(&mut self) {
        if let Some(waits) = self.waits {
            self.account.lock().waiters.forget(waits);
        }
        if self.item.take().is_some() {
            self.account.turn_away(1, DropReason::Lost);
        }
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("account", &self.inner.account).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(watchkeeper_loom)))]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    use std::task::Context;

    use super::*;
    use crate::presets::monitoring::Sink;
    use crate::queue::{Bound, Counts, Loss};

    fn queue(items: u64) -> Queue<u32> {
        Queue::new(Account::announcing(Sink::Events, Bound { items, ..Bound::NONE }, |_| {}))
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
        let own = size_of::<Entry<u32>>() as u64;
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
        let own = size_of::<Entry<u32>>() as u64;
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
        let mut waits = Box::pin(queue.push_when_there_is_room(3, 1, Priority::High));
        assert!(waits.as_mut().poll(&mut context).is_pending());
        drop(waits);
        drop(queue.push_when_there_is_room(4, 1, Priority::High));
        let mut waits = Box::pin(queue.push_when_there_is_room(5, 1, Priority::High));
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
                let _account = (lock == 0).then(|| poisoned.inner.account.lock());
                let _state = (lock == 1).then(|| poisoned.lock());
                panic!("while the lock is held");
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
}
