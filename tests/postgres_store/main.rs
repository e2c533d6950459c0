//! The store in Postgres, against a real server: the law, the memory store as its model, faults, outages, migrations.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]
#![allow(unreachable_pub, reason = "the modules are this binary's own")]

#[path = "../support/mod.rs"]
mod support;

mod cluster;
mod faults;
mod hostile;
mod laws;
mod migrations;
mod model;
mod network;
mod outage;
mod pooler;
mod tls;
mod transaction;
