//! Drift: whatever a committed file of rules names, the catalogue has, or the exporter, or another rule.
//!
//! The files are read as text, by another parser, so that a query which was not built from a descriptor is seen too.

use std::collections::BTreeSet;

use watchkeeper::presets::CATALOGUE;
use watchkeeper::promql::{Origin, Queried};
use watchkeeper::stack::rule::Rule;
use watchkeeper::stack::{Settings, exporter};

use crate::files::{bring_up_to_date, path, rule_files};
use crate::support::known::{Known, known, unknown};

/// Adds what recording rules make.
pub(crate) fn recorded(known: &mut Known) {
    for (_, file) in rule_files(&Settings::default()) {
        for rule in file.rules() {
            if let Rule::Record(record) = rule {
                let series = record.series();
                known.insert(
                    record.name().to_owned(),
                    series.labels.into_iter().map(|(name, _)| name.into_owned()).collect(),
                );
            }
        }
    }
}

/// The expressions of a committed file, with the lines that a block spreads them over put together.
fn expressions(file: &std::path::Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).expect("a committed file");
    let mut found = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.trim() != "expr: |-" {
            assert!(!line.trim_start().starts_with("expr:"), "{line}");
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let mut expression = Vec::new();
        while let Some(line) = lines.next_if(|line| line.len() - line.trim_start().len() > indent) {
            expression.push(line.trim());
        }
        found.push(expression.join(" "));
    }
    found
}

fn faults_with(known: &Known) -> (Vec<String>, usize) {
    let (mut faults, mut seen) = (Vec::new(), 0);
    for (name, _) in rule_files(&Settings::default()) {
        for expression in expressions(&path(&format!("prometheus/rules/{name}.yml"))) {
            faults.extend(unknown(&expression, known).into_iter().map(|fault| format!("{name}: {fault}")));
            seen += 1;
        }
    }
    (faults, seen)
}

#[test]
fn every_metric_and_label_of_every_rule_is_known() {
    bring_up_to_date();
    let mut known = known();
    recorded(&mut known);
    let (faults, seen) = faults_with(&known);
    assert!(faults.is_empty(), "{faults:#?}");
    println!("{seen} expressions name only what there is");
    assert!(seen > 200, "{seen}");
}

#[test]
fn a_renamed_metric_or_label_is_seen() {
    bring_up_to_date();
    let mut all = known();
    recorded(&mut all);
    // Each metric that a rule uses, one at a time.
    let mut used = BTreeSet::new();
    for (_, file) in rule_files(&Settings::default()) {
        used.extend(file.rules().flat_map(|rule| rule.expr().uses()).map(|used| used.metric));
    }
    assert!(used.len() > 40, "{used:?}");
    for metric in used {
        let mut known = all.clone();
        known.retain(|name, _| {
            name.trim_end_matches("_bucket").trim_end_matches("_count").trim_end_matches("_sum") != metric
        });
        assert!(!faults_with(&known).0.is_empty(), "nobody misses {metric}");
    }
    let mut known = all.clone();
    known.get_mut("http_requests_total").expect("it is known").remove("status");
    assert!(faults_with(&known).0.iter().any(|fault| fault.contains("`status`")), "nobody misses status");
}

#[test]
fn rules_use_the_catalogue_other_rules_and_named_exporters_alone() {
    let names: BTreeSet<&str> = CATALOGUE.iter().map(|entry| &*entry.metric.meta().name).collect();
    let exporters: BTreeSet<(&str, &str)> = exporter::all().map(|metric| (metric.exporter, metric.name)).collect();
    let mut known = Known::new();
    recorded(&mut known);
    for (_, file) in rule_files(&Settings::default()) {
        for used in file.rules().flat_map(|rule| rule.expr().uses()) {
            let there = match used.origin {
                Origin::App => names.contains(used.metric.as_str()),
                Origin::Exporter(exporter) => exporters.contains(&(exporter, used.metric.as_str())),
                Origin::Rule => known.contains_key(&used.metric),
                _ => false,
            };
            assert!(there, "{used:?}");
        }
    }
}
