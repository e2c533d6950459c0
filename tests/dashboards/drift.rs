//! Drift: every metric and label that a dashboard or a page names is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use watchkeeper::metric::Kind;
use watchkeeper::presets::CATALOGUE;
use watchkeeper::promql::{ExporterMetric, SeriesKind, TARGET_LABELS};
use watchkeeper::stack::exporter;

use crate::expression::{Named, filled_in, named};
use crate::{committed, repository};

/// What there is: names of series, with their labels.
type Known = BTreeMap<String, BTreeSet<String>>;

/// The series of the catalogue, under the names that a scrape has them.
fn catalogue() -> Known {
    let mut known = Known::new();
    for meta in CATALOGUE.iter().map(|entry| entry.metric.meta()) {
        let labels = meta.labels.iter().map(|label| label.name);
        add(&mut known, &meta.name, meta.kind == Kind::Histogram, labels);
    }
    known
}

fn add<'a>(known: &mut Known, name: &str, is_histogram: bool, labels: impl Iterator<Item = &'a str>) {
    let labels: BTreeSet<String> = labels.chain(TARGET_LABELS).map(str::to_owned).collect();
    if !is_histogram {
        known.insert(name.to_owned(), labels);
        return;
    }
    for suffix in ["_sum", "_count"] {
        known.insert(format!("{name}{suffix}"), labels.clone());
    }
    let with_bound = labels.into_iter().chain(["le".to_owned()]).collect();
    known.insert(format!("{name}_bucket"), with_bound);
}

fn declared(metric: &ExporterMetric) -> Known {
    let mut known = Known::new();
    let is_histogram = metric.kind == SeriesKind::Histogram;
    add(&mut known, metric.name, is_histogram, metric.labels.iter().copied());
    known
}

/// What is wrong with an expression, given what there is.
fn faults(expr: &str, known: &Known) -> Vec<String> {
    let Named { metrics, grouped_by } = named(expr);
    let mut faults = Vec::new();
    let mut labels = BTreeSet::new();
    for (metric, picked_by) in &metrics {
        let Some(of_metric) = known.get(metric) else {
            faults.push(format!("there is no metric {metric}"));
            continue;
        };
        faults.extend(picked_by.difference(of_metric).map(|label| format!("{metric} has no label {label}")));
        labels.extend(of_metric);
    }
    if faults.is_empty() {
        let missing = grouped_by.iter().filter(|label| !labels.contains(label));
        faults.extend(missing.map(|label| format!("no metric has the label {label}")));
    }
    faults
}

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

/// What dashboards name that neither the catalogue has, nor what was scraped from the exporters, nor what is declared of
/// exporters that do not run here.
pub(crate) fn faults_against(scraped: &Known) -> Vec<String> {
    let mut known = catalogue();
    // Ours is what the catalogue says, not what happens to be scraped.
    known
        .extend(scraped.iter().filter(|(name, _)| !is_ours(name)).map(|(name, labels)| (name.clone(), labels.clone())));
    let elsewhere = exporter::all().filter(|metric| ["cadvisor", "kafka", "traefik"].contains(&metric.exporter));
    known.extend(elsewhere.flat_map(declared));
    let mut faults_found = Vec::new();
    for dashboard in committed() {
        let mut exprs = Vec::new();
        expressions(&dashboard.json, &mut exprs);
        assert!(!exprs.is_empty(), "{}", dashboard.name);
        for expr in exprs {
            faults_found
                .extend(faults(&expr, &known).iter().map(|fault| format!("{}: {fault}: {expr}", dashboard.name)));
        }
    }
    faults_found
}

/// Whether a name begins as those of the catalogue do.
fn is_ours(name: &str) -> bool {
    catalogue().keys().any(|ours| ours == name) && !name.starts_with("process_")
}

#[test]
fn a_renamed_metric_or_label_is_found() {
    let known = catalogue();
    let expr = "sum by (method, path) (rate(http_requests_total{job=~\".*\",instance=~\".*\"}[1m]))";
    let mut exprs = Vec::new();
    expressions(&committed()[0].json, &mut exprs);
    assert!(exprs.iter().any(|found| found == expr), "{exprs:#?}");
    assert_eq!(faults(expr, &known), [""; 0]);

    let renamed = expr.replace("http_requests_total", "http_served_total");
    assert_eq!(faults(&renamed, &known), ["there is no metric http_served_total"]);
    let renamed = expr.replace("method, path", "method, endpoint");
    assert_eq!(faults(&renamed, &known), ["no metric has the label endpoint"]);
    let renamed = expr.replace("instance=~", "host=~");
    assert_eq!(faults(&renamed, &known), ["http_requests_total has no label host"]);

    let page = "Look at `http_served_total`, by `http_requests_total{endpoint=\"/orders\"}`.";
    let known = everything();
    let found = ["there is no metric http_served_total", "http_requests_total has no label endpoint"];
    assert_eq!(faults_of_page(page, &known), found);
}

/// Words that end as metrics do.
const ENDINGS: [&str; 7] = ["_total", "_seconds", "_bytes", "_cents", "_bucket", "_ratio", "_messages"];

/// All that pages may name: series, and metrics under their own names.
fn everything() -> Known {
    let mut known = catalogue();
    known.extend(exporter::all().flat_map(declared));
    for meta in CATALOGUE.iter().map(|entry| entry.metric.meta()) {
        add(&mut known, &meta.name, false, meta.labels.iter().map(|label| label.name));
    }
    known
}

/// What is wrong with the metrics that a page names, and with the labels that it picks a known one by. Metrics and labels
/// that the page declares itself are its own affair, and helpers in Rust are no metrics.
fn faults_of_page(page: &str, known: &Known) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let names_a_metric = |word: &str| {
        let own = page.contains(&format!("::new(\"{word}\""))
            || word.starts_with("record_")
            || word.len() < 8
            || word.starts_with('_');
        ENDINGS.iter().any(|ending| word.ends_with(ending)) && !own
    };
    let mut faults = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find(is_part) {
        let (word, after) = rest[start..].split_at(rest[start..].find(|c| !is_part(c)).unwrap_or(rest.len() - start));
        // A part of a longer word of another kind, such as a type in Rust or a file.
        let alone = !rest[..start].ends_with(|c: char| c.is_alphanumeric() || c == '-');
        rest = after;
        match known.get(word) {
            None if alone && names_a_metric(word) => faults.push(format!("there is no metric {word}")),
            Some(labels) if alone => {
                let unknown = picked_by(after).filter(|label| !labels.contains(*label));
                let unknown = unknown.filter(|label| !page.contains(&format!("\"{label}\"")));
                faults.extend(unknown.map(|label| format!("{word} has no label {label}")));
            }
            _ => {}
        }
    }
    faults
}

/// The labels in the braces that a text begins with.
fn picked_by(text: &str) -> impl Iterator<Item = &str> {
    let braces = text.strip_prefix('{').and_then(|text| text.split_once('}')).map_or("", |(inside, _)| inside);
    let names = braces.split(',').map(|label| label.split(['=', '!', '~']).next().unwrap_or_default().trim());
    names.filter(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
}

fn pages() -> Vec<PathBuf> {
    let (mut folders, mut pages) =
        (vec![repository("docs")], vec![repository("README.md"), repository("CHANGELOG.md")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("docs can be listed") {
            let path = entry.expect("docs can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    pages
}

#[test]
fn every_metric_and_label_that_a_page_names_is_there() {
    let known = everything();
    let mut faults = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page can be read");
        // The left column of the table of other set-ups is what they call it.
        let is_elsewhere = page.ends_with("docs/metrics.md");
        let lines = text.lines().map(|line| match line.split_once(" | ") {
            Some((_, right)) if is_elsewhere && line.starts_with("| `") => right,
            _ => line,
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        faults.extend(faults_of_page(&text, &known).iter().map(|fault| format!("{}: {fault}", page.display())));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_query_of_the_reference_names_what_there_is() {
    let reference = fs::read_to_string(repository("docs/metrics.md")).expect("the reference");
    let queries = reference.lines().filter_map(|line| line.strip_prefix("- Query: `")?.strip_suffix('`'));
    let queries: Vec<_> = queries.collect();
    assert_eq!(queries.len(), CATALOGUE.len());
    let known = catalogue();
    let faults: Vec<_> = queries.iter().flat_map(|query| faults(query, &known)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}
