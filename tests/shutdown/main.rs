//! The end of a process, and an output that nobody reads: what did not arrive is counted exactly, and nothing waits
//! longer than it may. Each case is an app in a process of its own, and what it wrote is counted from outside.
//!
//! The matrix is sinks by what they meet (hung, refusing, slow, full, absent) by their queue (empty, full). A sink is a
//! module here; `log.rs` is the log's.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a helper that finds something odd fails the test")]

#[path = "../support/mod.rs"]
mod support;

mod app;
#[cfg(feature = "sentry")]
mod errors;
mod fork;
mod log;
mod outlet;
mod pipes;
