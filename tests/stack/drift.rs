//! Drift: whatever a committed file of rules names, the catalogue has, or the exporter, or another rule.
//!
//! The files are read as text, by another parser, so that a query which was not built from a descriptor is seen too.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::label::Labels;
use promql_parser::parser::{self, Expr, LabelModifier, VectorSelector};
use watchkeeper::metric::Kind;
use watchkeeper::presets::CATALOGUE;
use watchkeeper::promql::{Origin, Queried, SeriesKind, TARGET_LABELS};
use watchkeeper::stack::rule::Rule;
use watchkeeper::stack::{Settings, exporter};

use crate::files::{bring_up_to_date, path, rule_files};

/// Names of series, each with the labels that it may have.
pub(crate) type Known = BTreeMap<String, BTreeSet<String>>;

fn add(known: &mut Known, name: &str, kind: SeriesKind, labels: impl IntoIterator<Item = String>) {
    let labels: BTreeSet<String> = labels.into_iter().chain(TARGET_LABELS.map(str::to_owned)).collect();
    if kind == SeriesKind::Histogram {
        known.insert(format!("{name}_bucket"), labels.iter().cloned().chain(["le".to_owned()]).collect());
        known.insert(format!("{name}_sum"), labels.clone());
        known.insert(format!("{name}_count"), labels);
    } else {
        known.insert(name.to_owned(), labels);
    }
}

/// What the catalogue and the declared exporters have.
pub(crate) fn known() -> Known {
    let mut known = Known::new();
    for entry in CATALOGUE {
        let meta = entry.metric.meta();
        let kind = if meta.kind == Kind::Histogram { SeriesKind::Histogram } else { SeriesKind::Gauge };
        add(&mut known, &meta.name, kind, meta.labels.iter().map(|label| label.name.to_owned()));
    }
    for metric in exporter::all() {
        add(&mut known, metric.name, metric.kind, metric.labels.iter().map(|&label| label.to_owned()));
    }
    known
}

/// Adds what recording rules make.
fn recorded(known: &mut Known) {
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

/// Everything that an expression names and nobody has.
pub(crate) fn unknown(text: &str, known: &Known) -> Vec<String> {
    let mut faults = Vec::new();
    let expr = parser::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    visit(&expr, known, &mut faults);
    faults
}

/// Returns the labels that its series may have; nothing for a number.
fn visit(expr: &Expr, known: &Known, faults: &mut Vec<String>) -> BTreeSet<String> {
    match expr {
        Expr::VectorSelector(selector) => selected(selector, known, faults),
        Expr::MatrixSelector(range) => selected(&range.vs, known, faults),
        Expr::Subquery(subquery) => visit(&subquery.expr, known, faults),
        Expr::Paren(paren) => visit(&paren.expr, known, faults),
        Expr::Unary(unary) => visit(&unary.expr, known, faults),
        Expr::Aggregate(aggregate) => {
            let labels = visit(&aggregate.expr, known, faults);
            match &aggregate.modifier {
                Some(LabelModifier::Include(by)) => demand(by, &labels, expr, faults),
                Some(LabelModifier::Exclude(_)) => labels,
                None => BTreeSet::new(),
            }
        }
        Expr::Call(call) => call.args.args.iter().flat_map(|argument| visit(argument, known, faults)).collect(),
        Expr::Binary(binary) => {
            let left = visit(&binary.lhs, known, faults);
            let right = visit(&binary.rhs, known, faults);
            if let Some(LabelModifier::Include(on)) =
                binary.modifier.as_ref().and_then(|modifier| modifier.matching.as_ref())
            {
                demand(on, &left, expr, faults);
                demand(on, &right, expr, faults);
            }
            left.into_iter().chain(right).collect()
        }
        _ => BTreeSet::new(),
    }
}

fn selected(selector: &VectorSelector, known: &Known, faults: &mut Vec<String>) -> BTreeSet<String> {
    let name = selector.name.clone().unwrap_or_default();
    let Some(labels) = known.get(&name) else {
        faults.push(format!("nobody has `{name}`"));
        return BTreeSet::new();
    };
    for matcher in &selector.matchers.matchers {
        if matcher.name != "__name__" && !labels.contains(&matcher.name) {
            faults.push(format!("`{name}` has no label `{}`", matcher.name));
        }
    }
    labels.clone()
}

fn demand(names: &Labels, labels: &BTreeSet<String>, expr: &Expr, faults: &mut Vec<String>) -> BTreeSet<String> {
    for name in &names.labels {
        if !labels.contains(name) {
            faults.push(format!("no label `{name}` in {expr}"));
        }
    }
    names.labels.iter().cloned().collect()
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
