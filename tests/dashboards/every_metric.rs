//! The example that feeds every metric, which panels and rules are tried on.

use watchkeeper::metric::Kind;
use watchkeeper::presets::CATALOGUE;

use crate::support::example::Server;
use crate::support::process::eventually;

/// Gauges that are zero while nothing is wrong and nobody waits.
const MAY_BE_ZERO: [&str; 3] = ["tokio_global_queue_depth", "monitoring_active_alerts", "monitoring_open_incidents"];

#[test]
fn every_metric_of_the_catalogue_has_a_series_that_moves() {
    let app = Server::start("every_metric", &["--moments", "50"], &[]);
    eventually(|| {
        let answer = app.get("/metrics");
        let lines: Vec<(&str, f64)> = answer.text().lines().filter(|line| !line.starts_with('#')).map(sample).collect();
        let still = CATALOGUE.iter().map(|entry| entry.metric.meta()).filter(|meta| {
            let series = match meta.kind {
                Kind::Histogram => format!("{}_count", meta.name),
                _ => meta.name.to_string(),
            };
            let mut values = lines.iter().filter(|(name, _)| *name == series).map(|(_, value)| *value).peekable();
            let is_there = values.peek().is_some();
            !is_there || !(values.any(|value| value > 0.0) || MAY_BE_ZERO.contains(&&*meta.name))
        });
        match still.map(|meta| &*meta.name).collect::<Vec<_>>() {
            still if still.is_empty() => Ok(()),
            still => Err(format!("nothing but zeros in {still:?}")),
        }
    });
}

/// The name of a sample's series, and its value.
fn sample(line: &str) -> (&str, f64) {
    let (series, value) = line.rsplit_once(' ').expect("a sample");
    let name = series.split('{').next().unwrap_or(series);
    (name, value.parse().expect("a number"))
}
