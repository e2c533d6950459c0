//! What there is to be named: the series of the catalogue and of exporters; and what an expression names beside it.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::label::Labels;
use promql_parser::parser::{self, Expr, LabelModifier, VectorSelector};
use watchkeeper::metric::Kind;
use watchkeeper::presets::CATALOGUE;
use watchkeeper::promql::{ExporterMetric, SeriesKind, TARGET_LABELS};
use watchkeeper::stack::exporter;

/// Names of series, each with the labels that it may have.
pub type Known = BTreeMap<String, BTreeSet<String>>;

pub fn add(known: &mut Known, name: &str, kind: SeriesKind, labels: impl IntoIterator<Item = String>) {
    let labels: BTreeSet<String> = labels.into_iter().chain(TARGET_LABELS.map(str::to_owned)).collect();
    if kind == SeriesKind::Histogram {
        known.insert(format!("{name}_bucket"), labels.iter().cloned().chain(["le".to_owned()]).collect());
        known.insert(format!("{name}_sum"), labels.clone());
        known.insert(format!("{name}_count"), labels);
    } else {
        known.insert(name.to_owned(), labels);
    }
}

/// The series of the catalogue, under the names that a scrape has them.
pub fn catalogue() -> Known {
    let mut known = Known::new();
    for entry in CATALOGUE {
        let meta = entry.metric.meta();
        let kind = if meta.kind == Kind::Histogram { SeriesKind::Histogram } else { SeriesKind::Gauge };
        add(&mut known, &meta.name, kind, meta.labels.iter().map(|label| label.name.to_owned()));
    }
    known
}

/// The series of exporters, as far as they are declared.
pub fn declared<'a>(metrics: impl IntoIterator<Item = &'a ExporterMetric>) -> Known {
    let mut known = Known::new();
    for metric in metrics {
        add(&mut known, metric.name, metric.kind, metric.labels.iter().map(|&label| label.to_owned()));
    }
    known
}

/// What the catalogue and the declared exporters have.
pub fn known() -> Known {
    let mut known = catalogue();
    known.extend(declared(exporter::all()));
    known
}

/// Everything that an expression names and nobody has.
pub fn unknown(text: &str, known: &Known) -> Vec<String> {
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
