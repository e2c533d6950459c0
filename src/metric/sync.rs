//! Atomics and locks: the standard library's, or loom's in the tests that try every interleaving of threads.

#[cfg(watchkeeper_loom)]
pub(crate) use loom::sync::atomic::{AtomicU64, fence};
#[cfg(watchkeeper_loom)]
pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};
#[cfg(not(watchkeeper_loom))]
pub(crate) use std::sync::atomic::{AtomicU64, fence};
#[cfg(not(watchkeeper_loom))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
