//! The mark of our own work: what it logs does not become work again.

use std::cell::Cell;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Marks what the current thread does as the library's own work, until it is dropped. Layers that turn log events into
/// items of a queue pass over what is logged meanwhile: a store that logs would otherwise never come to rest.
#[derive(Debug)]
#[must_use = "the work is unmarked when the guard is dropped"]
pub(crate) struct OwnWork {
    /// The mark is the thread's.
    _not_send: std::marker::PhantomData<*const ()>,
}

impl OwnWork {
    /// Marks the current thread's work.
    pub(crate) fn begin() -> Self {
        // A thread whose storage is gone is ending, and its layers see nothing of it either.
        let _ = DEPTH.try_with(|depth| depth.set(depth.get() + 1));
        Self { _not_send: std::marker::PhantomData }
    }

    /// Tells whether the current thread does work of our own.
    pub(crate) fn is_going_on() -> bool {
        DEPTH.try_with(|depth| depth.get() > 0).unwrap_or(true)
    }
}

impl Drop for OwnWork {
    fn drop(&mut self) {
        let _ = DEPTH.try_with(|depth| depth.set(depth.get() - 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_ours_until_the_outermost_guard_is_dropped() {
        assert!(!OwnWork::is_going_on());
        let outer = OwnWork::begin();
        drop(OwnWork::begin());
        assert!(OwnWork::is_going_on());
        std::thread::spawn(|| assert!(!OwnWork::is_going_on())).join().unwrap();
        drop(outer);
        assert!(!OwnWork::is_going_on());
    }
}
