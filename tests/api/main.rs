//! What callers of the monitoring API see, role by role.
//!
//! Most tests ask the router itself; what is about sockets asks a server. Two things take longer and run by command:
//!
//! - schemathesis with many examples: `WATCHKEEPER_TEST_EXAMPLES=200 cargo test --all-features --test api schemathesis`
//! - the timing of tokens: `cargo test --all-features --release --test api timing -- --ignored --nocapture`

#![allow(clippy::print_stdout, reason = "what was found is for whoever reads the run")]

#[path = "../support/mod.rs"]
mod support;

mod abuse;
mod app;
mod audit;
mod document;
mod events;
mod headers;
mod incidents;
mod mutations;
mod roles;
mod schemathesis;
mod server;
mod tasks;
mod tokens;
