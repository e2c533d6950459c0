//! Error reports: what they say, what they leave out, and what they do when the server does not do its part. Judged by a
//! real server of Sentry's protocol (Bugsink, validating strictly) and by stubs that misbehave.
#![cfg(feature = "sentry")]
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]
#![allow(unreachable_pub, reason = "the modules are this binary's own")]

#[path = "../support/mod.rs"]
mod support;

mod app;
mod browser;
mod content;
mod isolation;
mod latency;
mod server;
mod shop;
