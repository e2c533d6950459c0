//! Functions of a metric over a window, and those made up of them.

use super::error::PromqlError;
use super::expr::{Expr, finite};
use super::labels::Labels;
use super::node::Node;
use super::selector::{Selector, observations, total};
use super::series::SeriesKind;
use super::window::Window;

/// Which metrics a function is for.
#[derive(Clone, Copy, PartialEq)]
enum For {
    Counters,
    Gauges,
    Both,
}

fn range(function: &'static str, of: Selector, window: Window, takes: For, parameter: Option<f64>) -> Expr {
    Expr::of(of.0.and_then(|picked| {
        let fits = match picked.kind {
            SeriesKind::Counter => takes != For::Gauges,
            SeriesKind::Gauge => takes != For::Counters,
            SeriesKind::Histogram => false,
        };
        if !fits {
            let metric = picked.series.name.to_string();
            return Err(PromqlError::Kind { function, metric, kind: picked.kind });
        }
        window.check()?;
        if let Some(parameter) = parameter {
            finite(function, parameter)?;
        }
        Ok((Node::Range { function, pick: picked.pick(), window, parameter }, Some(picked.labels())))
    }))
}

macro_rules! functions {
    ($($(#[$meta:meta])* $function:ident of $takes:ident;)+) => {
        $(
            $(#[$meta])*
            pub fn $function(of: impl Into<Selector>, window: impl Into<Window>) -> Expr {
                range(stringify!($function), of.into(), window.into(), For::$takes, None)
            }
        )+
    };
}

functions! {
    /// How fast a counter rises, per second.
    rate of Counters;
    /// By how much a counter rises.
    increase of Counters;
    /// How often a counter began again at zero.
    resets of Counters;
    /// By how much a gauge changes.
    delta of Gauges;
    /// How fast a gauge changes, per second, by a straight line through its values.
    deriv of Gauges;
    /// The mean of a gauge's values.
    avg_over_time of Gauges;
    /// The largest of a gauge's values.
    max_over_time of Gauges;
    /// The smallest of a gauge's values.
    min_over_time of Gauges;
    /// The sum of a gauge's values.
    sum_over_time of Gauges;
    /// How often a value changed.
    changes of Both;
    /// How many samples there are.
    count_over_time of Both;
    /// The last value, however old within the window.
    last_over_time of Both;
}

/// What a gauge will be so many seconds from now, by a straight line through its values.
pub fn predict_linear(of: impl Into<Selector>, window: impl Into<Window>, seconds: f64) -> Expr {
    range("predict_linear", of.into(), window.into(), For::Gauges, Some(seconds))
}

/// Is 1 where no such series is, and nothing where there is one.
pub fn absent(of: impl Into<Selector>) -> Expr {
    let of = of.into();
    Expr::of(of.0.map(|picked| {
        let of = picked.series.name.to_string();
        let labels = Labels { of, names: picked.fixed(), picked: Vec::new() };
        let pick = Some(Box::new(Node::Instant(picked.pick())));
        (Node::Call { function: "absent", before: Vec::new(), of: pick, after: Vec::new() }, Some(labels))
    }))
}

/// The value below which a share of a histogram's observations lies, by labels: estimated within one bucket.
///
/// Always from rates that were summed up by `le`: nothing else has a meaning.
pub fn quantile(quantile: f64, of: impl Into<Selector>, window: impl Into<Window>, by: &[&str]) -> Expr {
    let by: Vec<&str> = ["le"].into_iter().chain(by.iter().copied()).collect();
    rate(of.into().buckets(), window).sum_by(&by).histogram_quantile(quantile)
}

/// The mean of what a histogram observed, by labels.
pub fn mean(of: impl Into<Selector>, window: impl Into<Window>, by: &[&str]) -> Expr {
    let (of, window) = (of.into(), window.into());
    rate(total(of.clone()), &window).sum_by(by) / rate(observations(of), window).sum_by(by)
}

/// The share that one counter's rise has in another's, by labels: nothing, not 0 or 1, where nothing happened.
///
/// Both sides are summed up before they are divided: series by `status` divided by series by `status` would be 1 each.
///
/// ```
/// use watchkeeper::{presets::http::REQUESTS, promql::{self, Scope}};
///
/// let failed = promql::select(&REQUESTS).matching("status", "5..");
/// let share = promql::share(failed, &REQUESTS, "5m", &["service"]).gt(0.05);
/// assert_eq!(
///     share.render(&Scope::default())?,
///     "sum by (service) (rate(http_requests_total{status=~\"5..\"}[5m])) \
///      / sum by (service) (rate(http_requests_total[5m])) > 0.05",
/// );
/// # Ok::<(), promql::PromqlError>(())
/// ```
pub fn share(part: impl Into<Selector>, whole: impl Into<Selector>, window: impl Into<Window>, by: &[&str]) -> Expr {
    let window = window.into();
    rate(part, &window).sum_by(by) / rate(whole, window).sum_by(by)
}
