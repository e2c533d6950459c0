//! Runbooks: one page for each alert, whose queries name only what there is. They are asked of a real Prometheus together
//! with the panels (`dashboards`).

use std::collections::BTreeMap;

use watchkeeper::stack::Settings;
use watchkeeper::stack::rule::Rule;

use crate::drift;
use crate::files::{bring_up_to_date, path, rule_files};
use crate::support::known::{known, unknown};
use crate::support::runbooks::{folder, operations, runbooks};

/// Every alert, and how severe it is, by what the committed files say.
fn alerts() -> BTreeMap<String, String> {
    let mut alerts = BTreeMap::new();
    for (name, file) in rule_files(&Settings::default()) {
        let text = std::fs::read_to_string(path(&format!("prometheus/rules/{name}.yml"))).expect("it is committed");
        let count = file.rules().filter(|rule| matches!(rule, Rule::Alert(_))).count();
        let said: Vec<_> = text.split("- alert: ").skip(1).collect();
        assert_eq!(said.len(), count, "{name}");
        for alert in said {
            let field =
                |name: &str| alert.split_once(name).and_then(|(_, rest)| rest.lines().next()).unwrap_or_default();
            let name = alert.lines().next().unwrap_or_default();
            // Where a repository keeps its documentation, this is the page.
            assert!(field("runbook_url: ").ends_with(&format!("/docs/runbooks/{name}.md")), "{alert}");
            alerts.insert(name.to_owned(), field("severity: ").to_owned());
        }
    }
    alerts
}

#[test]
fn every_alert_has_its_page_and_every_page_its_alert() {
    bring_up_to_date();
    let alerts = alerts();
    let pages = runbooks();
    assert!(pages.iter().map(|page| &page.alert).eq(alerts.keys()), "{alerts:?}");
    let index = std::fs::read_to_string(folder().join("README.md")).expect("there is an index");
    for page in &pages {
        let severity = match alerts[&page.alert].as_str() {
            "critical" => "Critical. ",
            "warning" => "Warning. ",
            _ => "Always fires",
        };
        let start = format!("# {}\n\n{severity}", page.alert);
        assert!(page.text.starts_with(&start), "{}", page.text);
        let sections: Vec<_> = page.text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        let expected = ["What it means", "First three queries", "Likely causes", "How to mend it", "When to escalate"];
        assert_eq!(sections, expected, "{}", page.alert);
        assert_eq!(page.queries.len(), 3, "{}", page.alert);
        assert!(index.contains(&format!("[{0}]({0}.md)", page.alert)), "{}", page.alert);
    }
}

#[test]
fn every_metric_and_label_in_a_page_is_known() {
    let mut known = known();
    drift::recorded(&mut known);
    let mut faults = Vec::new();
    for (page, query) in operations() {
        faults.extend(unknown(&query.expr, &known).into_iter().map(|fault| format!("{page}: {fault}")));
    }
    for page in runbooks() {
        for query in page.queries {
            let found = unknown(&query.expr, &known).into_iter();
            faults.extend(found.map(|fault| format!("{}: {fault}", page.alert)));
        }
        // What the text names is there too, under whatever ending a scrape has it.
        for name in page.text.split('`').skip(1).step_by(2).filter(|name| is_metric(name)) {
            let name = name.split('{').next().unwrap_or_default();
            let there = known.contains_key(name) || known.contains_key(&format!("{name}_bucket"));
            if !there {
                faults.push(format!("{}: no metric {name}", page.alert));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Whether a piece of code in the text looks like a metric's name.
fn is_metric(code: &str) -> bool {
    let name = code.split('{').next().unwrap_or_default();
    let starts =
        ["http_", "db_", "gateway_", "billing_", "watchkeeper_", "tokio_", "process_", "sync_", "kafka_", "pg_"];
    let rest = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    rest && starts.iter().any(|start| name.starts_with(start)) && !["pg_isready", "pg_wal"].contains(&name)
}
