//! The stack around an app: what is rendered, judged by Prometheus' and Alertmanager's own tools, and run for real.

#[path = "../support/mod.rs"]
mod support;

mod checks;
mod drift;
mod files;
mod inputs;
mod objectives;
mod routes;
mod scenario;
mod scenarios;
mod traps;
