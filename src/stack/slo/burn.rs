//! Burn rates: how fast an error budget goes, over two windows at a time.
//!
//! The long window says that it matters, the short one that it is still going on, so that an alert ends soon after its
//! cause. Nobody is woken up by a few errors alone, however large a share of little traffic they are. Factors and windows are those of Google's Site Reliability Workbook for 30 days.

use super::declaration::Slo;
use super::shipped::SHIPPED;
use crate::promql::{Expr, Selector, avg_over_time, number, select, vector};
use crate::stack::rule::{Alert, Group, Record, RuleFile, Severity};

/// A pair of windows, and how many times faster than evenly the budget is burnt when somebody must know.
struct Burn {
    long: &'static str,
    short: &'static str,
    factor: f64,
}

/// Two or five percent of the budget are gone within the long window.
const FAST: [Burn; 2] =
    [Burn { long: "1h", short: "5m", factor: 14.4 }, Burn { long: "6h", short: "30m", factor: 6.0 }];
/// Ten percent are gone within the long window.
const SLOW: [Burn; 2] = [Burn { long: "1d", short: "2h", factor: 3.0 }, Burn { long: "3d", short: "6h", factor: 1.0 }];
const SHORT: [&str; 5] = ["5m", "30m", "1h", "2h", "6h"];
/// Windows with so many samples that they are not read through at every evaluation.
const LONG: [&str; 3] = ["1d", "3d", PERIOD];
const LONG_INTERVAL: &str = "2m";
const PERIOD: &str = "30d";

fn errors(slo: &Slo) -> Record {
    Record::new("slo:errors:rate5m", slo.errors()).label("slo", slo.name)
}

fn all(slo: &Slo) -> Record {
    Record::new("slo:events:rate5m", slo.all()).label("slo", slo.name)
}

fn ratio(slo: &Slo, window: &str) -> Record {
    let of = |record: &Record| avg_over_time(select(record).eq("slo", slo.name), window);
    let ratio = of(&errors(slo)) / of(&all(slo));
    // The label is there already; said again, it tells this recording from those of other objectives.
    Record::new(&format!("slo:error_ratio:rate{window}"), ratio).label("slo", slo.name)
}

/// Returns the recorded share of errors over `5m`, `30m`, `1h`, `2h`, `6h`, `1d`, `3d` or `30d`, as a query.
pub fn error_ratio(slo: &Slo, window: &str) -> Expr {
    select(&ratio(slo, window)).eq("slo", slo.name).into()
}

fn remaining(slo: &Slo) -> Record {
    let spent = error_ratio(slo, PERIOD) / budget(slo, 1.0);
    Record::new("slo:error_budget:remaining_ratio", number(1.0) - spent).label("slo", slo.name)
}

/// Returns the recorded share of the 30 days' error budget that is left, below zero when it is overdrawn, as a query.
pub fn budget_remaining(slo: &Slo) -> Expr {
    select(&remaining(slo)).eq("slo", slo.name).into()
}

/// The recorded shares of errors over a window, of every objective: recordings are alike but for the label `slo`.
pub(in crate::stack) fn ratios(window: &str) -> Selector {
    select(&ratio(&SHIPPED[0], window))
}

/// The recorded shares of the error budgets that are left, of every objective.
pub(in crate::stack) fn remainders() -> Selector {
    select(&remaining(&SHIPPED[0]))
}

/// The recorded objectives.
pub(in crate::stack) fn objectives() -> Selector {
    select(&target(&SHIPPED[0]))
}

/// Returns the recorded objective, as a query.
pub fn objective(slo: &Slo) -> Expr {
    select(&target(slo)).eq("slo", slo.name).into()
}

fn target(slo: &Slo) -> Record {
    Record::new("slo:objective:ratio", vector(slo.objective)).label("slo", slo.name)
}

/// The budget, or a multiple of it, written with as many digits as are meant: to a computer 1 - 0.999 is not 0.001.
fn budget(slo: &Slo, factor: f64) -> f64 {
    (factor * (1.0 - slo.objective) * 1e9).round() / 1e9
}

/// How many errors there were in a window, where they are counted.
fn count(slo: &Slo, window: &str) -> Option<Record> {
    let errors = slo.error_count(window)?;
    Some(Record::new(&format!("slo:errors:increase{window}"), errors).label("slo", slo.name))
}

/// The condition of one pair; nothing where even nothing but errors would not burn so fast.
fn burns(slo: &Slo, burn: &Burn) -> Option<Expr> {
    let limit = budget(slo, burn.factor);
    (limit < 1.0).then(|| error_ratio(slo, burn.long).gt(limit).and(error_ratio(slo, burn.short).gt(limit)))
}

/// The condition of one pair, and that the errors of its long window are more than a few.
fn burns_with_many(slo: &Slo, burn: &Burn) -> Option<Expr> {
    let enough = count(slo, burn.long).map(|record| select(&record).eq("slo", slo.name));
    let burns = burns(slo, burn)?;
    Some(match enough {
        Some(errors) => burns.and(Expr::from(errors).ge(f64::from(slo.least_errors))),
        None => burns,
    })
}

fn alert(slo: &Slo, name: &str, severity: Severity, pairs: impl Iterator<Item = Expr>) -> Option<Alert> {
    let either = pairs.reduce(Expr::or)?;
    let alert = Alert::new(name, severity, either)
        .label("slo", slo.name)
        .summary(&format!("{{{{ $labels.service }}}} burns the error budget of {}", slo.name))
        .description(&format!("Promised: {} Errors: {{{{ $value | humanizePercentage }}}}.", slo.description));
    Some(alert)
}

/// Renders objectives as rules: rates, ratios over every window, the budget left, and two alerts each:
/// `ErrorBudgetBurnFast`, critical, which takes [`least_errors`](Slo::least_errors) errors, and `ErrorBudgetBurnSlow`, a
/// warning, which takes none.
///
/// Where the budget is so large that a pair of windows could never be reached, the alert does without that pair.
pub fn rules(slos: &[Slo]) -> RuleFile {
    RuleFile::new(slos.iter().flat_map(|slo| {
        let rates = [target(slo), errors(slo), all(slo)];
        let ratios = |windows: &'static [&str]| windows.iter().map(|window| ratio(slo, window));
        let alerts = [
            alert(
                slo,
                "ErrorBudgetBurnFast",
                Severity::Critical,
                FAST.iter().filter_map(|pair| burns_with_many(slo, pair)),
            ),
            alert(slo, "ErrorBudgetBurnSlow", Severity::Warning, SLOW.iter().filter_map(|pair| burns(slo, pair))),
        ];
        let short = rates
            .into_iter()
            .chain(ratios(&SHORT))
            .chain(count(slo, FAST[0].long))
            .fold(Group::new(&format!("slo-{}", slo.name)), Group::record);
        let long = Group::new(&format!("slo-{}-long", slo.name)).interval(LONG_INTERVAL);
        let long = ratios(&LONG).chain([remaining(slo)]).chain(count(slo, FAST[1].long)).fold(long, Group::record);
        [alerts.into_iter().flatten().fold(short, Group::alert), long]
    }))
}
