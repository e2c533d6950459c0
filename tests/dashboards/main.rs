//! The shipped dashboards: what the committed files hold, judged by Grafana's own types, and by a real Prometheus with
//! every metric and real exporters behind it.

#![allow(clippy::print_stdout, reason = "what was asked is for whoever reads the run")]

#[path = "../support/mod.rs"]
mod support;

mod committed;
mod drift;
mod every_metric;
mod history;
mod live;
mod pages;
mod provisioning;
mod schema;
mod servers;
mod thresholds;
mod windows;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;
use watchkeeper::promql::Scope;
use watchkeeper::stack::dashboard::{SHIPPED, Shipped};

use support::generated::compare;

/// A file of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Where the dashboards lie.
const FOLDER: &str = "examples/stack/grafana/dashboards";

/// A committed dashboard, under the name of its file.
struct Committed {
    name: &'static str,
    json: Value,
}

fn file(name: &str) -> String {
    format!("{FOLDER}/{name}.json")
}

/// Every committed dashboard, in the order in which they are shipped: brought up to date first, but not where `CI` is
/// set.
#[track_caller]
fn committed() -> &'static [Committed] {
    static COMMITTED: LazyLock<Vec<Committed>> = LazyLock::new(|| {
        let read = |shipped: &Shipped| {
            let rendered = (shipped.dashboard)().render(&Scope::default()).unwrap_or_else(|error| panic!("{error}"));
            compare(&file(shipped.name), &rendered, "cargo test --all-features --test dashboards");
            Committed { name: shipped.name, json: serde_json::from_str(&rendered).expect("JSON") }
        };
        SHIPPED.iter().map(read).collect()
    });
    &COMMITTED
}

/// Exporters that cannot run here; what is asked of them is listed, not run.
const NOT_RUNNING: [&str; 3] = ["cadvisor", "kafka", "traefik"];

/// Puts in what a reader chooses on the dashboard, and what Grafana knows.
fn filled_in(expr: &str, rate_interval: &str) -> String {
    let mut filled = expr.replace("$__rate_interval", rate_interval);
    for variable in ["$job", "$instance", "$organization"] {
        filled = filled.replace(variable, ".*");
    }
    assert!(!filled.contains('$'), "{expr} has a variable that nobody fills in");
    filled
}

/// A panel of a committed dashboard.
#[track_caller]
fn panel(dashboard: &str, title: &str) -> &'static Value {
    let found = committed().iter().find(|found| found.name == dashboard);
    let panels = panels(&found.expect("a dashboard of ours").json);
    panels.into_iter().find(|panel| panel["title"] == title).unwrap_or_else(|| panic!("{dashboard} has no {title}"))
}

/// The panels that show something: those of closed rows too, the titles of rows not.
fn panels(dashboard: &Value) -> Vec<&Value> {
    let panels = dashboard["panels"].as_array().expect("panels").iter();
    panels
        .flat_map(|panel| {
            let nested = panel["panels"].as_array().into_iter().flatten();
            (panel["type"] != "row").then_some(panel).into_iter().chain(nested)
        })
        .collect()
}
