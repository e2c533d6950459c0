//! Tasks: named jobs, the scheduler of several instances, retention with its evidence and archive, events and incidents.
//!
//! What takes long is ignored by default, and says at its top how it is run.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]
#![allow(unreachable_pub, reason = "the modules are this binary's own")]

#[path = "../support/mod.rs"]
mod support;

mod app;
mod calls;
mod cluster;
mod ingesting;
mod instances;
mod killed;
mod processing;
mod retention;
