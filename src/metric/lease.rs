//! The lease on a shard: one thread at a time owns it, and hands it on when it ends.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;

use super::sync::{AtomicU64, Mutex};

/// How many threads may own a shard at a time.
pub(crate) const SHARDS: usize = 64;
/// The shard of all who own none.
pub(crate) const SHARED: usize = SHARDS;

/// Adds to a cell: as its only writer by a load and a store, else atomically.
#[inline]
pub(crate) fn add_to(cell: &AtomicU64, by: u64, shared: bool) {
    if shared {
        cell.fetch_add(by, Relaxed);
    } else {
        cell.store(cell.load(Relaxed).wrapping_add(by), Relaxed);
    }
}

/// Adds to a cell as [`add_to`] does, but never past its highest value: a total does not fall.
#[inline]
pub(crate) fn add_capped(cell: &AtomicU64, by: u64, shared: bool) {
    if shared {
        // The closure always answers Some, so this ends when the exchange does.
        let _ = cell.fetch_update(Relaxed, Relaxed, |total| Some(total.saturating_add(by)));
    } else {
        cell.store(cell.load(Relaxed).saturating_add(by), Relaxed);
    }
}

/// A thread's hold on its shard, given back when the last holder in the thread is gone.
#[derive(Debug)]
pub(crate) struct Lease {
    shard: usize,
}

impl Lease {
    /// Returns the current thread's lease to hold; `None` while the thread is ending.
    pub(crate) fn current() -> Option<Rc<Self>> {
        LEASE.try_with(|lease| Rc::clone(lease.get_or_init(Self::take))).ok()
    }

    /// Returns the current thread's shard; the shared one while the thread is ending.
    pub(super) fn current_shard() -> usize {
        LEASE.try_with(|lease| lease.get_or_init(Self::take).shard).unwrap_or(SHARED)
    }

    /// Tells whether other threads write into this shard too.
    pub(crate) const fn is_shared(&self) -> bool {
        self.shard == SHARED
    }

    pub(super) const fn shard(&self) -> usize {
        self.shard
    }

    fn take() -> Rc<Self> {
        Rc::new(Self { shard: pool().take() })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        pool().give_back(self.shard);
    }
}

thread_local! {
    static LEASE: OnceCell<Rc<Lease>> = const { OnceCell::new() };
}

#[cfg(not(watchkeeper_loom))]
fn pool() -> &'static Pool {
    static POOL: Pool = Pool { most: SHARDS, free: Mutex::new(Free { returned: Vec::new(), fresh: 0 }) };
    &POOL
}

#[cfg(watchkeeper_loom)]
fn pool() -> &'static Pool {
    unreachable!("loom's locks live within a model")
}

/// The shards that nobody owns.
struct Pool {
    most: usize,
    free: Mutex<Free>,
}

struct Free {
    returned: Vec<usize>,
    fresh: usize,
}

impl Pool {
    /// Takes a shard, one that was given back rather than a fresh one; when all are owned, the shared one.
    fn take(&self) -> usize {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        match free.returned.pop() {
            Some(shard) => shard,
            None if free.fresh < self.most => {
                free.fresh += 1;
                free.fresh - 1
            }
            None => SHARED,
        }
    }

    /// Hands a shard on. The lock orders this thread's last write before the next owner's first.
    fn give_back(&self, shard: usize) {
        if shard != SHARED {
            self.free.lock().unwrap_or_else(PoisonError::into_inner).returned.push(shard);
        }
    }
}

/// Tries every interleaving: `RUSTFLAGS="--cfg watchkeeper_loom" cargo test --release --lib loom`.
#[cfg(all(test, watchkeeper_loom))]
mod loom_tests {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    fn nothing_is_lost(most: usize, threads: u64) {
        loom::model(move || {
            let free = Mutex::new(Free { returned: Vec::new(), fresh: 0 });
            let pool = Arc::new(Pool { most, free });
            // As many owned shards as there are, and the shared one last.
            let cells: Arc<Vec<_>> = Arc::new((0..=most).map(|_| AtomicU64::new(0)).collect());
            let work = |pool: Arc<Pool>, cells: Arc<Vec<AtomicU64>>| {
                let shard = pool.take();
                add_to(&cells[shard.min(cells.len() - 1)], 1, shard == SHARED);
                pool.give_back(shard);
            };
            let others: Vec<_> = (1..threads)
                .map(|_| {
                    let (pool, cells) = (Arc::clone(&pool), Arc::clone(&cells));
                    thread::spawn(move || work(pool, cells))
                })
                .collect();
            work(Arc::clone(&pool), Arc::clone(&cells));
            others.into_iter().for_each(|other| other.join().unwrap());
            let sum: u64 = cells.iter().map(|cell| cell.load(Relaxed)).sum();
            assert_eq!(sum, threads);
        });
    }

    #[test]
    fn loom_a_shard_that_is_handed_on_loses_nothing() {
        nothing_is_lost(1, 3);
    }

    #[test]
    fn loom_two_shards_for_three_threads_lose_nothing() {
        nothing_is_lost(2, 3);
    }

    #[test]
    fn loom_threads_without_a_shard_share_one_and_lose_nothing() {
        nothing_is_lost(0, 3);
    }
}
