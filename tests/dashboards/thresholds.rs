//! Thresholds of panels: the objectives and the alerts say the same.

use std::collections::BTreeSet;

use serde_json::Value;
use watchkeeper::promql::{Origin, Use};
use watchkeeper::stack::slo::{self, SHIPPED};
use watchkeeper::stack::{Limits, Settings, alerts};

use crate::{committed, panel, panels};

/// The panel that shows each objective.
const OBJECTIVES: &[(&str, &str, &str)] = &[
    ("gateway-latency", "gateway-performance", "Latency p95 and p99 by path"),
    ("gateway-connections", "gateway-performance", "Active connections"),
    ("kafka-latency", "gateway-performance", "Kafka producer latency"),
    ("cache-hits", "gateway-performance", "Cache hit rate"),
    ("database-latency", "gateway-performance", "Database query"),
    ("invoices", "billing-revenue", "Invoice success rate"),
    ("usage-aggregation", "billing-revenue", "Aggregation time"),
    ("pdf", "billing-revenue", "PDF success"),
    ("stripe", "billing-revenue", "Stripe success"),
    ("email", "billing-revenue", "E-mail delivery"),
    ("cron", "billing-revenue", "Cron success in 24 h"),
    ("api-latency", "api-overview", "Latency p95"),
];

/// Objectives for a share of requests, or of time, that no panel but those of the objectives shows.
const WITHOUT_A_LINE: &[&str] = &["gateway-rate-limits", "gateway-authentication", "sync-availability"];

/// The metrics that no query of a panel names.
fn missing(panel: &Value, uses: impl IntoIterator<Item = Use>) -> Vec<String> {
    let targets = panel["targets"].as_array().expect("queries");
    let asked: Vec<_> = targets.iter().filter_map(|target| target["expr"].as_str()).collect();
    let metrics = uses.into_iter().filter(|used| used.origin != Origin::Rule).map(|used| used.metric);
    metrics.filter(|metric| !asked.iter().any(|expr| expr.contains(metric.as_str()))).collect()
}

/// The value at which a panel's colour changes, if it does.
fn threshold(panel: &Value) -> Option<f64> {
    let steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"].as_array().expect("steps");
    steps.get(1)?["value"].as_f64()
}

#[test]
fn every_objective_is_a_line_on_its_panel() {
    for slo in SHIPPED {
        if WITHOUT_A_LINE.contains(&slo.name()) {
            continue;
        }
        let (_, dashboard, title) = OBJECTIVES
            .iter()
            .find(|(name, ..)| *name == slo.name())
            .unwrap_or_else(|| panic!("no panel shows the objective {}", slo.name()));
        // A latency or a bound has a line where it ends, a share of successes where it begins.
        let expected = slo.threshold().unwrap_or(slo.objective());
        assert_eq!(threshold(panel(dashboard, title)), Some(expected), "{} on {dashboard}, {title}", slo.name());
        let uses = slo::rules(&[*slo]).rules().flat_map(|rule| rule.expr().uses()).collect::<BTreeSet<_>>();
        assert_eq!(missing(panel(dashboard, title), uses), [""; 0], "{} on {dashboard}, {title}", slo.name());
    }
    assert_eq!(SHIPPED.len(), OBJECTIVES.len() + WITHOUT_A_LINE.len());
}

#[test]
fn a_line_where_an_alert_begins_is_where_it_begins() {
    let limits = Limits::default();
    let files = alerts::all(&Settings::default());
    let mut seen = 0;
    for dashboard in committed() {
        for panel in panels(&dashboard.json) {
            let description = panel["description"].as_str().expect("a description");
            let limit = match () {
                () if description.contains("alert HighErrorRate begins") => limits.high_error_rate.value,
                () if description.contains("alert HighMemoryUsage begins") => limits.high_memory_usage.value,
                () if description.contains("alert SyncLatencyHigh begins") => limits.sync_latency.value,
                // The alert is about what is free, the panel about what is used.
                () if description.contains("alert LowDiskSpace begins") => 1.0 - limits.low_disk_space.value,
                () => {
                    assert!(!description.contains("where the alert"), "{}: {description}", dashboard.name);
                    continue;
                }
            };
            assert_eq!(threshold(panel), Some(limit), "{}, {}", dashboard.name, panel["title"]);
            let name = description.split("alert ").nth(1).and_then(|rest| rest.split(' ').next());
            let alert = files.iter().flat_map(|(_, file)| file.alerts()).find(|alert| Some(alert.name()) == name);
            let uses = alert.expect("a shipped alert").expr().uses();
            assert_eq!(missing(panel, uses), [""; 0], "{}, {}", dashboard.name, panel["title"]);
            seen += 1;
        }
    }
    assert!(seen >= 5, "{seen}");
}
