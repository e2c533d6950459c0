//! What the tests need from outside: processes, ports, folders, and the programs that judge what the crate emits.
//!
//! A program that is missing fails the test with the command that installs it; nothing is skipped in silence.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of this")]

pub mod alertmanager;
pub mod bugsink;
pub mod client;
pub mod example;
pub mod generated;
pub mod history;
pub mod judges;
pub mod known;
pub mod lateness;
pub mod postgres;
pub mod process;
pub mod prometheus;
pub mod proxy;
pub mod rotel;
pub mod runbooks;
pub mod tracker;
