//! Incidents at the desk, over both kinds of store: opened once, worked by several, looked back on.
//!
//! The timeline of three hours among 5,000,000 events is a command, of some minutes and 3 GB on disk:
//!
//! ```sh
//! cargo test --release --all-features --test incidents -- --ignored --nocapture volume
//! ```

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]
#![allow(unreachable_pub, reason = "the modules are this binary's own")]

#[path = "../support/mod.rs"]
mod support;

mod gauges;
mod statistics;
mod stores;
mod timeline;
mod together;
mod transitions;
mod volume;
