//! A scrape, read.

use std::collections::BTreeMap;
use std::fmt;

use crate::metric::{Format, Registry};

/// One scrape in the Prometheus text format.
#[derive(Debug, Clone, PartialEq)]
pub struct Scrape {
    text: String,
    series: BTreeMap<String, f64>,
}

impl Scrape {
    /// Takes a scrape of a registry, or of whatever holds one.
    pub fn of(registry: &impl AsRef<Registry>) -> Self {
        Self::parse(&registry.as_ref().render(Format::Text))
    }

    /// Reads a scrape that was taken over HTTP.
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let series = lines.filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            Some((series.to_owned(), value.parse().ok()?))
        });
        Self { series: series.collect(), text: text.to_owned() }
    }

    /// Returns a series' value; `series` is the line without it, such as `payments_total{status="failed"}`.
    pub fn value(&self, series: &str) -> Option<f64> {
        self.series.get(series).copied()
    }

    /// Returns the sum over all series of a metric whose labels, as text, contain `labels`.
    pub fn sum(&self, metric: &str, labels: &str) -> f64 {
        self.of_metric(metric)
            .filter(|(series, _)| series[metric.len()..].contains(labels))
            .map(|(_, value)| value)
            .sum()
    }

    /// Returns how many series a metric has.
    pub fn count(&self, metric: &str) -> usize {
        self.of_metric(metric).count()
    }

    /// Returns how much a series has risen since an earlier scrape; one that was not there counts from zero.
    pub fn increase(&self, before: &Self, series: &str) -> f64 {
        self.value(series).unwrap_or(0.0) - before.value(series).unwrap_or(0.0)
    }

    /// Asserts that the scrape has this line.
    ///
    /// # Panics
    ///
    /// When it has not; the message shows the lines of the same metric.
    #[track_caller]
    pub fn assert_line(&self, line: &str) {
        if self.text.lines().any(|found| found == line) {
            return;
        }
        let metric = line.split(['{', ' ']).next().unwrap_or(line);
        let near: Vec<_> = self.text.lines().filter(|found| found.starts_with(metric)).collect();
        panic!("no line `{line}` in the scrape; of `{metric}` it has:\n{}", near.join("\n"));
    }

    fn of_metric<'a>(&'a self, metric: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
        let own = move |series: &str| matches!(series.strip_prefix(metric), Some(rest) if rest.is_empty() || rest.starts_with('{'));
        self.series.iter().map(|(series, value)| (series.as_str(), *value)).filter(move |(series, _)| own(series))
    }
}

impl fmt::Display for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_is_read_by_series() {
        let scrape = Scrape::parse("# TYPE a counter\na{x=\"1\"} 2\na{x=\"2\"} 3\nab 9\nb +Inf\n");
        assert_eq!(scrape.value("a{x=\"1\"}"), Some(2.0));
        assert_eq!(scrape.value("b"), Some(f64::INFINITY));
        assert_eq!((scrape.sum("a", ""), scrape.sum("a", "x=\"2\""), scrape.count("a")), (5.0, 3.0, 2));
    }

    #[test]
    #[should_panic(expected = "no line `a 2` in the scrape; of `a` it has:\na 1")]
    fn a_missing_line_is_shown_beside_what_is_there() {
        Scrape::parse("a 1\n").assert_line("a 2");
    }
}
