//! The stack around an app: what is rendered, judged by Prometheus' and Alertmanager's own tools, and run for real.

#[path = "../support/mod.rs"]
mod support;

#[path = "../dashboards/servers.rs"]
mod servers;

mod alertmanager;
mod burns;
mod checks;
mod compose;
mod drift;
mod example;
mod files;
mod inputs;
mod live;
mod objectives;
mod requirements;
mod routes;
mod rules;
mod runbooks;
mod scenario;
mod scenarios;
mod traps;
mod variables;
