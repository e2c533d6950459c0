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
    /// dropped before leaves the item as lost, or as timed out after the deadline.
    pub(crate) fn push_when_there_is_room(
        &self,
        item: T,
        bytes: u64,
        priority: Priority,
        deadline: Instant,
    ) -> impl Future<Output = bool> {
        let mut offer = Offer { account: &self.inner.account, waits: None, item: Some(item), deadline };
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

    #[cfg(test)]
    pub(super) fn panic_in_a_lock(&self, of_account: bool) {
        let _account = of_account.then(|| self.inner.account.lock());
        let _state = (!of_account).then(|| self.lock());
        panic!("while a lock is held");
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

/// An item that waits for room. Dropped while it does, it is counted as lost, after its deadline as timed out.
struct Offer<'a, T> {
    deadline: Instant,
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
            let late = Instant::now() >= self.deadline;
            self.account.turn_away(1, if late { DropReason::Timeout } else { DropReason::Lost });
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
