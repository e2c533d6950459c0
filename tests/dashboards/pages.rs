//! Drift: every metric and label that a page of the documentation names is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use watchkeeper::presets::CATALOGUE;
use watchkeeper::promql::SeriesKind;

use crate::repository;
use crate::support::known::{Known, add, known};

/// Words that end as metrics do.
const ENDINGS: [&str; 7] = ["_total", "_seconds", "_bytes", "_cents", "_bucket", "_ratio", "_messages"];

/// All that pages may name: series, and metrics under their own names.
fn everything() -> Known {
    let mut all = known();
    for meta in CATALOGUE.iter().map(|entry| entry.metric.meta()) {
        add(&mut all, &meta.name, SeriesKind::Gauge, meta.labels.iter().map(|label| label.name.to_owned()));
    }
    // What recording rules make, as the committed files say.
    let rules = fs::read_dir(repository("examples/stack/prometheus/rules")).expect("the rules can be listed");
    for file in rules {
        let text = fs::read_to_string(file.expect("the rules can be listed").path()).expect("a file of rules");
        let recorded = text.lines().filter_map(|line| line.trim().strip_prefix("- record: "));
        all.extend(recorded.map(|name| (name.to_owned(), BTreeSet::from(["service".to_owned(), "slo".to_owned()]))));
    }
    all
}

/// What is wrong with the metrics that a page names, and with the labels that it picks a known one by. Metrics and labels
/// that the page declares itself are its own affair, and functions in Rust are no metrics.
fn faults_of_page(page: &str, known: &Known) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == ':';
    let names_a_metric = |word: &str| {
        let own = page.contains(&format!("::new(\"{word}\""))
            // A helper, in the reference without its parentheses.
            || word.starts_with("record_")
            || word.len() < 8
            || word.starts_with('_');
        // level:metric:operations, such as `slo:errors:rate5m`, and no ports or words by colons.
        let recorded = word.split(':').count() == 3
            && word.split(':').all(|part| !part.is_empty())
            && word.starts_with(char::is_alphabetic)
            && word.contains(|c: char| c == '_' || c.is_ascii_digit());
        !own && (recorded || !word.contains(':') && ENDINGS.iter().any(|ending| word.ends_with(ending)))
    };
    let mut faults = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find(is_part) {
        let (word, after) = rest[start..].split_at(rest[start..].find(|c| !is_part(c)).unwrap_or(rest.len() - start));
        // A part of a longer word of another kind, such as a type in Rust or a file.
        let alone = !rest[..start].ends_with(|c: char| c.is_alphanumeric() || c == '-');
        // A function in Rust.
        let is_called = after.starts_with('(');
        rest = after;
        match known.get(word) {
            None if alone && !is_called && names_a_metric(word) => faults.push(format!("there is no metric {word}")),
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
fn a_renamed_metric_or_label_on_a_page_is_found() {
    let page =
        "Look at `http_served_total`, by `http_requests_total{endpoint=\"/orders\"}`, or at `slo:errors:rate7m`.";
    let faults = [
        "there is no metric http_served_total",
        "http_requests_total has no label endpoint",
        "there is no metric slo:errors:rate7m",
    ];
    assert_eq!(faults_of_page(page, &everything()), faults);
}
