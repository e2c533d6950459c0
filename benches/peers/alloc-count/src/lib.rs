//! A global allocator that counts while it is asked to, and costs one untaken branch while it is not.
//!
//! A crate of its own, because a global allocator cannot be written without `unsafe` and nothing else here may use it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64};

static COUNTING: AtomicBool = AtomicBool::new(false);
static CALLS: AtomicU64 = AtomicU64::new(0);
static LIVE: AtomicI64 = AtomicI64::new(0);

/// Counts the calls to the system's allocator, and the bytes that are held, between [`Count::start`] and [`Count::stop`].
pub struct Counting;

/// What was allocated between a start and a stop, by all threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Calls of `alloc`, `alloc_zeroed` and `realloc`; freeing is not counted.
    pub calls: u64,
    /// Bytes held at the stop that were not held at the start; below zero when more was freed.
    pub live_bytes: i64,
}

impl Count {
    /// Counts what `work` allocates.
    ///
    /// Meant for one caller at a time: two at once would count into each other.
    pub fn of<T>(work: impl FnOnce() -> T) -> (T, Count) {
        CALLS.store(0, Relaxed);
        LIVE.store(0, Relaxed);
        COUNTING.store(true, Relaxed);
        let result = work();
        COUNTING.store(false, Relaxed);
        (result, Count { calls: CALLS.load(Relaxed), live_bytes: LIVE.load(Relaxed) })
    }
}

fn took(bytes: usize) {
    if COUNTING.load(Relaxed) {
        CALLS.fetch_add(1, Relaxed);
        LIVE.fetch_add(bytes as i64, Relaxed);
    }
}

fn gave_back(bytes: usize) {
    if COUNTING.load(Relaxed) {
        LIVE.fetch_sub(bytes as i64, Relaxed);
    }
}

// SAFETY: every call is passed on unchanged to the system's allocator, which upholds the contract; the counters do not
// allocate.
unsafe impl GlobalAlloc for Counting {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        unsafe { System.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        gave_back(layout.size());
        unsafe { System.dealloc(at, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        gave_back(layout.size());
        took(new_size);
        unsafe { System.realloc(at, layout, new_size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static ALLOCATOR: Counting = Counting;

    #[test]
    fn a_box_is_one_call_and_its_bytes_are_live_until_it_is_dropped() {
        let (kept, count) = Count::of(|| Box::new([0_u8; 4096]));
        assert_eq!(count, Count { calls: 1, live_bytes: 4096 });
        let ((), count) = Count::of(|| drop(kept));
        assert_eq!(count, Count { calls: 0, live_bytes: -4096 });
    }
}
