//! The history and what is asked of it, beside a real Prometheus that scrapes the same service.
//!
//! Two runs take their time, and are asked for by name:
//!
//! ```text
//! cargo test --all-features --test history -- --ignored --nocapture ten_minutes   # the comparison of values, at length
//! cargo test --all-features --test history -- --ignored --nocapture beside_prometheus   # memory, and time of rules
//! ```

#![allow(clippy::print_stdout, reason = "what was compared and measured is for whoever reads the run")]

#[path = "../support/mod.rs"]
mod support;

#[path = "../dashboards/servers.rs"]
mod servers;

mod beside;
mod differential;
mod expressions;
mod grafana;
mod remote;
mod sampled;
mod service;
mod worst;
