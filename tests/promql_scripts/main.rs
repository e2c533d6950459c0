//! The evaluation of PromQL against Prometheus' own test scripts, and against expressions that nobody wrote.
//!
//! The scripts are read from `../shared/promql` beside the project, or from the folder that `WATCHKEEPER_TEST_PROMQL`
//! names; without them, the one test of them says so and passes.

#![allow(dead_code, unreachable_pub, reason = "what other test binaries use of the shared modules")]

mod bounds;
mod counterpart;
mod expectation;
mod noise;
mod notation;
mod refusals;
mod script;
mod scripts;
mod semantics;
mod shipped;
mod stored;

#[path = "../support/mod.rs"]
mod support;
