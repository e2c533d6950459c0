//! The shipped dashboards: what the committed files hold, judged by Grafana's own types, and by a real Prometheus with
//! every metric and real exporters behind it.

#[path = "../support/mod.rs"]
mod support;

mod committed;
mod drift;
mod every_metric;
mod expression;
mod history;
mod live;
mod provisioning;
mod schema;
mod servers;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;
use watchkeeper::promql::Scope;
use watchkeeper::stack::dashboard::{SHIPPED, Shipped};

/// A file of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Where the dashboards lie.
const FOLDER: &str = "examples/stack/grafana/dashboards";

/// A dashboard as it is committed, and as the code renders it.
struct Committed {
    name: &'static str,
    json: Value,
    rendered: String,
}

fn file(name: &str) -> PathBuf {
    repository(FOLDER).join(format!("{name}.json"))
}

/// Every committed dashboard, in the order in which they are shipped: brought up to date first, but not where `CI` is
/// set.
fn committed() -> &'static [Committed] {
    static COMMITTED: LazyLock<Vec<Committed>> = LazyLock::new(|| {
        let read = |shipped: &Shipped| {
            let rendered = (shipped.dashboard)().render(&Scope::default()).expect("a dashboard of ours");
            let file = file(shipped.name);
            let mut text = fs::read_to_string(&file).unwrap_or_default();
            if text != rendered && std::env::var_os("CI").is_none() {
                fs::write(&file, &rendered).expect("the dashboard can be written");
                text.clone_from(&rendered);
            }
            let json = serde_json::from_str(&text);
            let json = json.unwrap_or_else(|error| panic!("{}: {error}; {REWRITE}", file.display()));
            Committed { name: shipped.name, json, rendered }
        };
        SHIPPED.iter().map(read).collect()
    });
    &COMMITTED
}

const REWRITE: &str = "run `cargo test --all-features --test dashboards committed` and commit it";

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
