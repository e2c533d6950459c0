//! Expressions of the committed files, as an independent parser reads them.

use std::collections::BTreeSet;

use promql_parser::label::Matchers;
use promql_parser::parser::{self, Expr, LabelModifier, VectorSelector};

/// What an expression names.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// Each metric, with the labels that it is picked by.
    pub(crate) metrics: Vec<(String, BTreeSet<String>)>,
    /// The labels that it is grouped by.
    pub(crate) grouped_by: BTreeSet<String>,
}

/// Puts in what a reader chooses on the dashboard, and Grafana knows.
pub(crate) fn filled_in(expr: &str, rate_interval: &str) -> String {
    let mut filled = expr.replace("$__rate_interval", rate_interval);
    for variable in ["$job", "$instance", "$organization"] {
        filled = filled.replace(variable, ".*");
    }
    assert!(!filled.contains('$'), "{expr} has a variable that nobody fills in");
    filled
}

/// Reads what an expression names, whose variables are filled in.
#[track_caller]
pub(crate) fn named(expr: &str) -> Named {
    let parsed = parser::parse(expr).unwrap_or_else(|error| panic!("{expr}: {error}"));
    let mut named = Named::default();
    walk(&parsed, &mut named);
    named
}

fn walk(expr: &Expr, named: &mut Named) {
    match expr {
        Expr::Aggregate(aggregate) => {
            if let Some(LabelModifier::Include(labels) | LabelModifier::Exclude(labels)) = &aggregate.modifier {
                named.grouped_by.extend(labels.labels.iter().cloned());
            }
            walk(&aggregate.expr, named);
        }
        Expr::Unary(unary) => walk(&unary.expr, named),
        Expr::Binary(binary) => {
            walk(&binary.lhs, named);
            walk(&binary.rhs, named);
        }
        Expr::Paren(paren) => walk(&paren.expr, named),
        Expr::Subquery(subquery) => walk(&subquery.expr, named),
        Expr::Call(call) => call.args.args.iter().for_each(|argument| walk(argument, named)),
        Expr::VectorSelector(selector) => pick(selector, named),
        Expr::MatrixSelector(selector) => pick(&selector.vs, named),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) => {}
        other => panic!("an expression of a kind that this test does not know: {other:?}"),
    }
}

fn pick(selector: &VectorSelector, named: &mut Named) {
    let Matchers { matchers, or_matchers } = &selector.matchers;
    let labels = matchers.iter().chain(or_matchers.iter().flatten()).map(|matcher| matcher.name.clone());
    named.metrics.push((selector.name.clone().expect("a metric by its name"), labels.collect()));
}
