//! Health, as a load balancer, an operator and a scraper see it: over the routes, against real servers.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]
#![allow(unreachable_pub, reason = "the modules are this binary's own")]

#[path = "../support/mod.rs"]
mod support;

mod ask;
mod checks;
mod redis;
mod servers;
mod sharing;
mod verdicts;
