//! The reference of metrics, `docs/metrics.md`: rendered from the catalogue, never written by hand.

use std::fmt::{self, Write};

use super::renamed::RENAMED;
use super::slo::Slo;
use crate::metric::{Describe, Kind, LabelInfo, Meta, Unit};
use crate::presets::{CATALOGUE, Entry, Group};
use crate::promql::Scope;

/// Renders the reference of every ready-made metric as Markdown.
///
/// ```
/// let reference = watchkeeper::stack::reference::render();
/// assert!(reference.contains("### `login_attempts_total`"));
/// ```
pub fn render() -> String {
    let mut out = String::new();
    // Writing into a string does not fail.
    let _ = write_all(&mut out);
    out
}

/// Renders the reference of an app's own metrics as Markdown: a section with what they are about, and each of them under
/// the scope's prefix.
///
/// ```
/// use watchkeeper::{presets::payment::PAYMENTS, promql::Scope, stack::reference};
///
/// let section = reference::group("till", "What customers pay.", &[&PAYMENTS], &Scope::default().prefix("shop"));
/// assert!(section.starts_with("## till\n\nWhat customers pay.\n\n### `shop_payments_total`\n"));
/// ```
pub fn group(name: &str, about: &str, metrics: &[&dyn Describe], scope: &Scope) -> String {
    let mut out = format!("## {name}\n\n{about}\n");
    // Writing into a string does not fail.
    let _ = metrics.iter().try_for_each(|metric| write_metric(&mut out, metric.meta(), None, scope));
    out
}

/// Renders objectives as a table in Markdown: what is promised, how much of it, and what may go wrong in 30 days.
///
/// ```
/// use watchkeeper::stack::{reference, slo};
///
/// let table = reference::objectives(slo::SHIPPED);
/// assert!(table.contains("| `sync-availability` | 99.9 % |"));
/// ```
pub fn objectives(slos: &[Slo]) -> String {
    let mut out = "| Objective | Share | Budget in 30 days | Promise |\n| --- | --: | --: | --- |\n".to_owned();
    for slo in slos {
        let share = round(slo.objective() * 100.0, 1e6);
        let minutes = round((1.0 - slo.objective()) * 30.0 * 24.0 * 60.0, 10.0);
        let _ = writeln!(out, "| `{}` | {share} % | {minutes} minutes | {} |", slo.name(), slo.description());
    }
    out
}

/// Rounds to so many parts of one, so that no digit is written that is not meant.
fn round(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

/// Returns a query that shows the metric, under the scope's prefix: rates of totals, a quantile of a distribution, the value of a gauge.
///
/// ```
/// use watchkeeper::{metric::Describe, presets::payment::REVENUE, promql::Scope, stack::reference};
///
/// let query = reference::example_query(REVENUE.meta(), &Scope::default());
/// assert_eq!(query, "sum(increase(revenue_cents_total[1d])) / 100");
/// ```
pub fn example_query(meta: &Meta, scope: &Scope) -> String {
    let name = full_name(meta, scope);
    let labels: Vec<_> = meta.labels.iter().map(|label| label.name).collect();
    let sum = |first: Option<&'static str>, of: String| {
        let by: Vec<_> = first.into_iter().chain(labels.iter().copied()).collect();
        if by.is_empty() { format!("sum({of})") } else { format!("sum by ({}) ({of})", by.join(", ")) }
    };
    let query = match (meta.kind, meta.unit()) {
        (Kind::Counter, Unit::Cents) => sum(None, format!("increase({name}[1d])")),
        (Kind::Counter, _) => sum(None, format!("rate({name}[5m])")),
        (Kind::UpDown, _) => sum(None, name.clone()),
        (Kind::Gauge, _) => name.clone(),
        (Kind::Histogram, _) => {
            format!("histogram_quantile(0.95, {})", sum(Some("le"), format!("rate({name}_bucket[5m])")))
        }
    };
    if meta.unit() == Unit::Cents { format!("{query} / 100") } else { query }
}

fn write_all(out: &mut String) -> fmt::Result {
    out.write_str(INTRODUCTION)?;
    for group in Group::ALL {
        let about = group.about();
        writeln!(out, "- [{group}](#{group}): {}{}", about[..1].to_lowercase(), &about[1..])?;
    }
    out.write_str("- [coming from other set-ups](#coming-from-other-set-ups)\n")?;
    for &group in Group::ALL {
        writeln!(out, "\n## {group}\n\n{}", group.about())?;
        CATALOGUE.iter().filter(|entry| entry.group == group).try_for_each(|entry| write_entry(out, entry))?;
    }
    out.write_str(RENAMED_INTRODUCTION)?;
    for renamed in RENAMED {
        let elsewhere: Vec<_> = renamed.elsewhere.iter().map(|name| format!("`{name}`")).collect();
        let name = &renamed.metric.meta().name;
        writeln!(out, "| {} | `{name}{}` | {} |", elsewhere.join(", "), renamed.labels, renamed.why)?;
    }
    Ok(())
}

fn write_entry(out: &mut String, entry: &Entry) -> fmt::Result {
    let recorded = match entry.helper.strip_prefix("recorded by ") {
        Some(what) => what.to_owned(),
        None => format!("`{}`", entry.helper),
    };
    write_metric(out, entry.metric.meta(), Some(&recorded), &Scope::default())
}

/// The name that a scrape has.
fn full_name(meta: &Meta, scope: &Scope) -> String {
    if scope.prefix.is_empty() { meta.name.to_string() } else { format!("{}_{}", scope.prefix, meta.name) }
}

fn write_metric(out: &mut String, meta: &Meta, recorded: Option<&str>, scope: &Scope) -> fmt::Result {
    writeln!(out, "\n### `{}`\n\n{}\n", full_name(meta, scope), meta.help)?;
    match meta.unit() {
        Unit::Count => writeln!(out, "- Type: {}", meta.kind.as_str())?,
        unit => writeln!(out, "- Type: {} in {}", meta.kind.as_str(), unit.as_str())?,
    }
    if !meta.labels.is_empty() {
        let labels: Vec<_> = meta.labels.iter().map(label).collect();
        writeln!(out, "- Labels: {}", labels.join("; "))?;
    }
    if meta.on_demand {
        writeln!(out, "- Series: each from its first use")?;
    }
    if !meta.buckets.is_empty() {
        let buckets: Vec<_> = meta.buckets.iter().map(f64::to_string).collect();
        writeln!(out, "- Buckets: {}", buckets.join(", "))?;
    }
    if let Some(recorded) = recorded {
        writeln!(out, "- Recorded by {recorded}")?;
    }
    writeln!(out, "- Query: `{}`", example_query(meta, scope))
}

fn label(label: &LabelInfo) -> String {
    match label.values {
        None => format!("`{}` (open)", label.name),
        Some(values) => {
            let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
            format!("`{}` ({})", label.name, values.join(", "))
        }
    }
}

const INTRODUCTION: &str = "\
<!-- Generated from the catalogue by `cargo test --test reference`; changes by hand are overwritten. -->
# Metrics

Every ready-made metric: what it means, its labels and their values, what records it, and a query to start from.
A registry's prefix and constant labels come on top of what stands here.

A label is closed, with the values listed, or open, with at most 1,000 values of the app's own; what is over is counted
under the value `overflow`. Series of closed labels are exported from zero, unless it says otherwise. Helpers stand below
`watchkeeper::presets`. Money is counted in whole cents, time in seconds, sizes in bytes.

";

const RENAMED_INTRODUCTION: &str = "
## Coming from other set-ups

Where a hand-made set-up uses another name, this is what to look for. In general: seconds instead of milliseconds,
`_total` at the end of counters and nowhere else, the unit in the name, `path` instead of `endpoint`, and one counter
with a label instead of one counter per outcome.

| Elsewhere | Here | What differs |
| --- | --- | --- |
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presets::{auth, billing, gateway, http, sync};

    #[test]
    fn a_query_fits_the_kind_of_its_metric() {
        let queries: [(&dyn Describe, &str); 6] = [
            (&auth::LOGIN_ATTEMPTS, "sum by (result) (rate(login_attempts_total[5m]))"),
            (&auth::ACTIVE_SESSIONS, "active_sessions"),
            (&billing::MRR, "billing_mrr_cents / 100"),
            (&sync::ACTIVE_SYNCS, "sum by (source) (active_syncs)"),
            (&gateway::REQUESTS_IN_FLIGHT, "sum(gateway_requests_in_flight)"),
            (
                &http::REQUEST_DURATION,
                "histogram_quantile(0.95, sum by (le, method, path) (rate(http_request_duration_seconds_bucket[5m])))",
            ),
        ];
        for (metric, query) in queries {
            assert_eq!(example_query(metric.meta(), &Scope::default()), query);
        }
    }

    #[test]
    fn a_metric_is_described_whole() {
        let section = "### `db_query_duration_seconds`

Time of a database query in seconds, by type of query.

- Type: histogram in seconds
- Labels: `query_type` (`select`, `insert`, `update`, `delete`, `transaction`, `other`)
- Buckets: 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5
- Recorded by `database::DatabaseMetrics::start_query`
- Query: `histogram_quantile(0.95, sum by (le, query_type) (rate(db_query_duration_seconds_bucket[5m])))`
";
        assert!(render().contains(section), "{}", render());
    }
}
