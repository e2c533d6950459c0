//! Drift: every metric and label that a dashboard names is there.

use serde_json::Value;
use watchkeeper::stack::exporter;

use crate::support::known::{Known, catalogue, declared, unknown};
use crate::{NOT_RUNNING, committed, filled_in};

/// The expressions of a dashboard, wherever they stand in it.
fn expressions(dashboard: &Value, found: &mut Vec<String>) {
    match dashboard {
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        Value::Object(object) => {
            found.extend(object.get("expr").and_then(Value::as_str).map(|expr| filled_in(expr, "1m")));
            object.values().for_each(|value| expressions(value, found));
        }
        _ => {}
    }
}

/// What dashboards name that neither the catalogue has, nor what was scraped of the exporters, nor what is declared of
/// exporters that do not run here.
pub(crate) fn faults_against(scraped: &Known) -> Vec<String> {
    let mut known = scraped.clone();
    // Ours is what the catalogue says, not what happens to be scraped.
    known.extend(catalogue());
    known.extend(declared(exporter::all().filter(|metric| NOT_RUNNING.contains(&metric.exporter))));
    let mut faults = Vec::new();
    for dashboard in committed() {
        let mut exprs = Vec::new();
        expressions(&dashboard.json, &mut exprs);
        assert!(!exprs.is_empty(), "{}", dashboard.name);
        let unknown = exprs.iter().flat_map(|expr| unknown(expr, &known));
        faults.extend(unknown.map(|fault| format!("{}: {fault}", dashboard.name)));
    }
    faults
}

#[test]
fn a_renamed_metric_or_label_is_found() {
    let known = catalogue();
    let expr = "sum by (method, path) (rate(http_requests_total{job=~\".*\",instance=~\".*\"}[1m]))";
    let mut exprs = Vec::new();
    expressions(&committed()[0].json, &mut exprs);
    assert!(exprs.iter().any(|found| found == expr), "{exprs:#?}");
    assert_eq!(unknown(expr, &known), [""; 0]);
    for (name, other) in [
        ("http_requests_total", "http_served_total"),
        ("(method, path)", "(method, endpoint)"),
        ("instance=~", "host=~"),
    ] {
        let renamed = expr.replace(name, other);
        let word = other.trim_matches(|c: char| !c.is_alphanumeric());
        let word = word.rsplit(' ').next().unwrap_or(word);
        let faults = unknown(&renamed, &known);
        assert!(faults.iter().any(|fault| fault.contains(word)), "{renamed}: {faults:?}");
    }
}

#[test]
fn every_query_of_the_reference_names_what_there_is() {
    let reference = watchkeeper::stack::reference::render();
    let queries = reference.lines().filter_map(|line| line.strip_prefix("- Query: `")?.strip_suffix('`'));
    let queries: Vec<_> = queries.collect();
    assert_eq!(queries.len(), watchkeeper::presets::CATALOGUE.len());
    let known = catalogue();
    let faults: Vec<_> = queries.iter().flat_map(|query| unknown(query, &known)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}
