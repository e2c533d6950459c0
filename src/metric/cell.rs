//! Cells: integers that each thread counts in for itself, summed when somebody looks.
//!
//! A cell exists once per shard. A shard belongs to one thread at a time, so writing is a load and a store
//! without a locked instruction or a shared cache line. When a thread ends, its shard waits, cells and all, for
//! the next new thread to adopt it: nothing is moved, so nothing is lost or counted twice. At most
//! [`SHARDS`] threads own a shard; the rest share one more and add atomically.
//!
//! Which shard a thread owns is the one hidden piece of global state in the metric core: a free list for the
//! whole process, and one thread-local value.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::lease::{Lease, SHARDS, SHARED};
pub(crate) use super::lease::{add_capped, add_to};
use super::sync::AtomicU64;

/// How many cells are allocated together.
pub(crate) const CHUNK: usize = 1024;
const FAN: usize = 64;

/// Cells that are allocated together; made for a shard when it first writes one of them.
pub(crate) type Chunk = [AtomicU64; CHUNK];

/// The place of a run of cells, the same in every shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CellIndex(u32);

impl CellIndex {
    /// Returns the place `by` cells further on, in the same run.
    pub(crate) const fn plus(self, by: usize) -> Self {
        Self(self.0 + by as u32)
    }

    pub(crate) const fn offset(self) -> usize {
        self.0 as usize % CHUNK
    }
}

type Page = [OnceLock<Arc<Chunk>>; FAN];
type Shard = [OnceLock<Box<Page>>; FAN];

/// The cells of one registry, over all shards.
#[derive(Debug)]
pub(crate) struct Cells {
    shards: Box<[OnceLock<Box<Shard>>; SHARDS + 1]>,
    /// How many shards, counted from the first, may have been written; the shared one always may.
    used: AtomicUsize,
    next: Mutex<usize>,
}

impl Cells {
    pub(crate) fn new() -> Self {
        let shards = Box::new([const { OnceLock::new() }; SHARDS + 1]);
        Self { shards, used: AtomicUsize::new(0), next: Mutex::new(0) }
    }

    /// Reserves a run of cells that lie in one chunk; `None` when the four million cells of a registry are used up.
    pub(crate) fn reserve(&self, count: usize) -> Option<CellIndex> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if *next % CHUNK + count > CHUNK {
            *next = next.next_multiple_of(CHUNK);
        }
        let start = *next;
        if count > CHUNK || start + count > FAN * FAN * CHUNK {
            return None;
        }
        *next += count;
        Some(CellIndex(start as u32))
    }

    /// Adds to one cell of the current thread's shard, wrapping, so that it can be taken from too.
    pub(crate) fn add(&self, at: CellIndex, by: u64) {
        let (chunk, shared) = self.open(at);
        add_to(&chunk[at.offset()], by, shared);
    }

    /// Adds to one cell of the current thread's shard, which stays at its highest value rather than start again.
    pub(crate) fn add_capped(&self, at: CellIndex, by: u64) {
        let (chunk, shared) = self.open(at);
        add_capped(&chunk[at.offset()], by, shared);
    }

    /// Opens a run of cells in the current thread's shard for several writes, and says whether it is shared.
    pub(crate) fn open(&self, at: CellIndex) -> (&Arc<Chunk>, bool) {
        let shard = Lease::current_shard();
        (self.chunk(shard, at), shard == SHARED)
    }

    /// Opens a run of cells in the shard of `lease`, which the caller keeps.
    pub(crate) fn open_in(&self, lease: &Lease, at: CellIndex) -> Arc<Chunk> {
        Arc::clone(self.chunk(lease.shard(), at))
    }

    /// Opens a run of cells in the shard that all threads share.
    pub(crate) fn open_shared(&self, at: CellIndex) -> Arc<Chunk> {
        Arc::clone(self.chunk(SHARED, at))
    }

    /// Returns the one cell that all threads share, for values that are set.
    pub(crate) fn shared(&self, at: CellIndex) -> &AtomicU64 {
        &self.chunk(SHARED, at)[at.offset()]
    }

    /// Sums one cell over all shards, wrapping as its writers do.
    pub(crate) fn sum(&self, at: CellIndex) -> u64 {
        self.chunks(at).fold(0, |sum, chunk| sum.wrapping_add(chunk[at.offset()].load(Relaxed)))
    }

    /// Sums one cell over all shards, up to its highest value.
    pub(crate) fn sum_capped(&self, at: CellIndex) -> u64 {
        self.chunks(at).fold(0, |sum, chunk| sum.saturating_add(chunk[at.offset()].load(Relaxed)))
    }

    /// Adds a run of cells, summed over all shards, onto `sums`, each up to its highest value.
    pub(crate) fn sum_run(&self, at: CellIndex, sums: &mut [u64]) {
        for chunk in self.chunks(at) {
            for (sum, cell) in sums.iter_mut().zip(&chunk[at.offset()..]) {
                *sum = sum.saturating_add(cell.load(Relaxed));
            }
        }
    }

    /// Returns the chunk of every shard that has written into it.
    pub(crate) fn chunks(&self, at: CellIndex) -> impl Iterator<Item = &Arc<Chunk>> {
        let (page, chunk) = Self::place(at);
        let (owned, shared) = self.shards.split_at(SHARDS);
        let owned = &owned[..self.used.load(Relaxed).min(SHARDS)];
        owned.iter().chain(shared).filter_map(move |shard| shard.get()?[page].get()?[chunk].get())
    }

    fn chunk(&self, shard: usize, at: CellIndex) -> &Arc<Chunk> {
        let (page, chunk) = Self::place(at);
        let shard = self.shards[shard].get_or_init(|| {
            if shard != SHARED {
                self.used.fetch_max(shard + 1, Relaxed);
            }
            Box::new([const { OnceLock::new() }; FAN])
        });
        let page = shard[page].get_or_init(|| Box::new([const { OnceLock::new() }; FAN]));
        page[chunk].get_or_init(|| Arc::new(std::array::from_fn(|_| AtomicU64::new(0))))
    }

    const fn place(at: CellIndex) -> (usize, usize) {
        let chunk = at.0 as usize / CHUNK;
        (chunk / FAN % FAN, chunk % FAN)
    }
}

#[cfg(all(test, not(watchkeeper_loom)))]
mod tests {
    use std::cell::OnceCell;

    use super::*;

    #[test]
    fn nothing_is_lost_or_counted_twice_over_threads_that_come_and_go() {
        let cells = Cells::new();
        let at = cells.reserve(1).unwrap();
        for _ in 0..5 {
            std::thread::scope(|scope| {
                for _ in 0..100 {
                    scope.spawn(|| (0..100).for_each(|_| cells.add(at, 1)));
                }
            });
        }
        assert_eq!(cells.sum(at), 5 * 100 * 100);
    }

    #[test]
    fn a_write_from_the_destructor_of_a_thread_local_is_counted() {
        struct Last(Arc<Cells>, CellIndex);
        impl Drop for Last {
            fn drop(&mut self) {
                self.0.add(self.1, 1);
            }
        }
        thread_local! { static LAST: OnceCell<Last> = const { OnceCell::new() }; }
        let cells = Arc::new(Cells::new());
        let at = cells.reserve(1).unwrap();
        let inner = Arc::clone(&cells);
        std::thread::spawn(move || {
            LAST.with(|last| last.get_or_init(|| Last(Arc::clone(&inner), at)).0.add(at, 1));
        })
        .join()
        .unwrap();
        assert_eq!(cells.sum(at), 2);
    }

    #[test]
    fn a_run_lies_in_one_chunk_and_the_end_is_an_answer() {
        let cells = Cells::new();
        cells.reserve(1000).unwrap();
        assert_eq!(cells.reserve(100).unwrap().offset(), 0);
        assert_eq!(cells.reserve(CHUNK + 1), None);
        while cells.reserve(CHUNK).is_some() {}
        assert_eq!(cells.reserve(CHUNK), None);
    }
}
