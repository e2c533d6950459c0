//! Input series of promtool's unit tests.

/// Seconds between two samples of every input series.
pub(crate) const STEP: u64 = 30;

/// One series, and what it does in each phase: per step, a counter's rise or a gauge's value; nothing where it is absent.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) series: String,
    pub(crate) counts: bool,
    pub(crate) bad: Option<f64>,
    pub(crate) below: Option<f64>,
    pub(crate) idle: Option<f64>,
}

/// A counter that rises so much per step when it is bad, and just below that; without traffic it stays where it is.
pub(crate) fn counter(series: &str, bad: f64, below: f64) -> Line {
    Line { series: series.to_owned(), counts: true, bad: Some(bad), below: Some(below), idle: Some(0.0) }
}

/// A gauge's value when it is bad, and just below that; without traffic there is none.
pub(crate) fn gauge(series: &str, bad: f64, below: f64) -> Line {
    Line { series: series.to_owned(), counts: false, bad: Some(bad), below: Some(below), idle: None }
}

/// A histogram's buckets: how many observations per step lie at most at each bound, when it is bad and below that.
pub(crate) fn histogram(name: &str, labels: &str, buckets: &[(&str, f64, f64)]) -> Vec<Line> {
    let series = |le: &str| format!("{name}_bucket{{{labels},le=\"{le}\"}}");
    buckets.iter().map(|(le, bad, below)| counter(&series(le), *bad, *below)).collect()
}

/// The samples of a series that goes through phases, each so many steps long, in promtool's notation.
pub(crate) fn values(counts: bool, phases: &[(Option<f64>, u64)]) -> String {
    let mut total = 0.0;
    let mut parts = Vec::new();
    for &(value, steps) in phases {
        let last = steps - 1;
        match value {
            None => parts.push(format!("_x{steps}")),
            Some(value) if counts => {
                parts.push(format!("{}+{}x{last}", round(total), round(value)));
                total += value * steps as f64;
            }
            Some(value) => parts.push(format!("{}+0x{last}", round(value))),
        }
    }
    parts.join(" ")
}

fn round(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
