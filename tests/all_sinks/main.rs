//! An app with everything on at once: logs, error reports, traces and stored events. What one request leaves in each of
//! them, and what becomes of requests and of the app's end while all of them hang.
#![cfg(all(feature = "otlp", feature = "sentry"))]
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]
#![allow(dead_code, unreachable_pub, reason = "what other test binaries use of the shared modules")]

mod app;
#[path = "../journal/faulty.rs"]
mod faulty;
mod hung;
mod one_request;
#[path = "../traces/receiver.rs"]
mod receiver;
#[path = "../support/mod.rs"]
mod support;
