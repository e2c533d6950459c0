//! Windows: a rate looks back over four scrapes at least, however seldom its metrics are scraped.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use watchkeeper::stack::{Settings, exporter};

use crate::{committed, panels};

/// How often the data source says that services are scraped.
const DATA_SOURCE: Duration = Duration::from_secs(15);

/// What scrapes the metrics of an exporter, or of a dashboard about one service.
const JOBS: [(&str, &str); 6] = [
    ("node", "node"),
    ("postgres", "postgres"),
    ("redis", "redis"),
    ("kafka", "kafka"),
    ("cadvisor", "docker"),
    ("billing-revenue", "billing"),
];

fn least_step(target: &Value) -> Duration {
    let seconds = target["interval"].as_str().map(|text| text.strip_suffix('s').and_then(|text| text.parse().ok()));
    seconds.map_or(DATA_SOURCE, |seconds| Duration::from_secs(seconds.expect("so many seconds")))
}

#[test]
fn what_is_scraped_less_often_than_the_rest_is_asked_for_in_longer_steps() {
    let jobs = Settings::default().jobs;
    let every: BTreeMap<&str, Duration> = jobs.iter().map(|job| (job.name.as_str(), job.every)).collect();
    let job = |of: &str| JOBS.iter().find(|(name, _)| *name == of).map(|(_, job)| *job);
    let mut slow = 0;
    for dashboard in committed() {
        for panel in panels(&dashboard.json) {
            for target in panel["targets"].as_array().expect("targets") {
                let expr = target["expr"].as_str().expect("an expression");
                let exporters =
                    exporter::all().filter(|metric| expr.contains(metric.name)).map(|metric| metric.exporter);
                let scraped = exporters.chain([dashboard.name]).filter_map(job).map(|job| every[job]).max();
                let scraped = scraped.unwrap_or(DATA_SOURCE);
                slow += usize::from(scraped > DATA_SOURCE);
                assert!(least_step(target) >= scraped, "{}, {}: {expr}", dashboard.name, panel["title"]);
            }
        }
    }
    assert!(slow > 15, "{slow}");
}
