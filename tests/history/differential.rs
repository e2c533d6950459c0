//! The same samples, the same expressions, the same times: a real Prometheus and the history.
//!
//! Samples on the left edge of a range belong to it in Prometheus before version 3, and do not since; so times are taken
//! at which no sample lies on the edge of any range.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use watchkeeper::Timestamp;
use watchkeeper::history::{History, HistoryOptions};
use watchkeeper::promql::engine::{Limits, Series, Value};
use watchkeeper::stack::{Job, Settings, prometheus};

use crate::expressions;
use crate::remote;
use crate::servers::Exporters;
use crate::support::client::Request;
use crate::support::example::Server;
use crate::support::process::{Folder, eventually, free_port};
use crate::support::prometheus::{Prometheus, Sample};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_expression_of_rules_and_dashboards_has_the_value_that_prometheus_has() {
    compare(Duration::from_secs(24), 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "ten minutes"]
async fn ten_minutes_of_faults_have_the_values_that_prometheus_has() {
    compare(Duration::from_secs(600), 40).await;
}

/// A shop, an app with every metric and exporters, with rules over all of them in a hurry: a minute is a second.
fn start(shop: &Server, every_metric: &Server, exporters: &Exporters) -> (Prometheus, Settings) {
    let watcher = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    let mut settings = Settings::default();
    settings.jobs = vec![
        Job::service("shop", &shop.address.to_string()).every(SECOND),
        Job::service("every-metric", &every_metric.address.to_string()).every(SECOND),
        Job::exporter("prometheus", &watcher.to_string()).every(SECOND),
        Job::exporter("node", &exporters.node.address.to_string()).every(SECOND),
        Job::exporter("postgres", &exporters.postgres.address.to_string()).every(SECOND),
        Job::exporter("redis", &exporters.redis.address.to_string()).every(SECOND),
        // One that is never up.
        Job::exporter("alertmanager", &format!("127.0.0.1:{}", free_port())).every(SECOND),
    ];
    settings.evaluation_interval = SECOND;
    settings.window_scale = 1.0 / 60.0;
    settings.alertmanager = format!("127.0.0.1:{}", free_port());
    let folder = Folder::new("history");
    let rules = folder.path().join("rules");
    fs::create_dir_all(&rules).expect("the folder can be written to");
    for (name, text) in expressions::rule_files(&settings) {
        fs::write(rules.join(format!("{name}.yml")), text).expect("the folder can be written to");
    }
    fs::write(folder.path().join("prometheus.yml"), prometheus::render(&settings)).expect("a file");
    (Prometheus::configured(watcher, folder), settings)
}

/// Makes faults of every kind for a while, and a quiet time between two.
fn trouble(shop: SocketAddr, time: Duration) {
    let begun = std::time::Instant::now();
    let goes_on = Arc::new(());
    for path in ["/fail", "/slow?ms=700", "/panic", "/orders/7", "/login", "/nowhere"] {
        let goes_on = Arc::downgrade(&goes_on);
        thread::spawn(move || {
            while goes_on.upgrade().is_some() {
                let method = if path == "/login" { "POST" } else { "GET" };
                drop(Request::new(method, shop, path).try_send());
                let is_quiet = begun.elapsed().as_secs() % 12 >= 8;
                thread::sleep(Duration::from_millis(if is_quiet { 500 } else { 40 }));
            }
        });
    }
    thread::sleep(time);
}

async fn compare(time: Duration, times: usize) {
    let shop = Server::start("shop", &["--traffic", "20"], &[]);
    let every_metric = Server::start("every_metric", &["--moments", "50"], &[]);
    let exporters = Exporters::start();
    exporters.wait_for_the_standby();
    let (prometheus, settings) = start(&shop, &every_metric, &exporters);
    eventually(|| match prometheus.query("up == 1").len() {
        6 => Ok(()),
        up => Err(format!("{up} of 6 targets are up: {}", prometheus.targets())),
    });
    tokio::task::block_in_place(|| trouble(shop.address, time));

    let now = millis();
    let held = remote::everything(&prometheus, now);
    let (series, samples) = (held.len(), held.iter().map(|series| series.points.len()).sum::<usize>());
    let options = HistoryOptions::new().max_series(100_000).max_bytes(1 << 30).retention(Duration::from_secs(86_400));
    let mut limits = Limits::default();
    limits.deadline = Duration::from_secs(60);
    let history = History::empty(options.limits(limits));
    // The last seconds are still being written.
    let mut all = expressions::of_rules(&settings);
    let rules = all.len();
    all.extend(expressions::of_dashboards("5s"));
    let times = between_samples(&held, &edges(&all), now - 3_000, times);
    history.load(held);
    let stats = history.stats();
    assert_eq!((stats.series, stats.samples, stats.late, stats.refused), (series, samples as u64, 0, 0));

    let (mut compared, mut values, mut answered, mut faults) = (0, 0, BTreeSet::new(), Vec::new());
    for at in &times {
        let instant = SystemTime::UNIX_EPOCH + Duration::from_millis(*at as u64);
        for expression in &all {
            let theirs = prometheus.query_at(expression, instant);
            let ours = history.query(expression, Timestamp::from_micros(at * 1000)).await;
            let ours = ours.unwrap_or_else(|error| panic!("{expression}: {error}"));
            compared += 1;
            values += theirs.len();
            if !theirs.is_empty() {
                answered.insert(expression);
            }
            faults.extend(difference(&ours, &theirs).map(|found| format!("{expression} at {at}: {found}")));
        }
    }
    println!(
        "{} expressions ({rules} of rules), {} of them with values, at {} times: {compared} comparisons, {values} values \
         equal; from {samples} samples of {series} series in {} s",
        all.len(),
        answered.len(),
        times.len(),
        time.as_secs(),
    );
    assert!(faults.is_empty(), "{} faults: {:#?}", faults.len(), &faults[..faults.len().min(20)]);
    assert!(all.len() > 200 && answered.len() * 3 > all.len(), "{} of {} have values", answered.len(), all.len());
}

/// Says what is not the same; the order is not compared.
fn difference(ours: &Value, theirs: &[Sample]) -> Option<String> {
    let ours: BTreeMap<String, f64> = match ours {
        Value::Scalar(value) => [(format!("{:?}", BTreeMap::<String, String>::new()), *value)].into(),
        Value::Vector(samples) => samples
            .iter()
            .map(|sample| {
                let labels: BTreeMap<_, _> = sample.labels.iter().collect();
                (format!("{labels:?}"), sample.value)
            })
            .collect(),
        other => return Some(format!("{other:?}")),
    };
    let theirs: BTreeMap<String, f64> =
        theirs.iter().map(|sample| (format!("{:?}", sample.labels), sample.value)).collect();
    let same = |a: f64, b: f64| {
        a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan() || a == b || (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
    };
    let keys: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    let wrong = keys.into_iter().find(|key| match (ours.get(*key), theirs.get(*key)) {
        (Some(ours), Some(theirs)) => !same(*ours, *theirs),
        _ => true,
    })?;
    Some(format!("{wrong} is {:?} here and {:?} there", ours.get(wrong), theirs.get(wrong)))
}

/// Finds times up to `end` at which no sample lies on the edge of a range that an expression has.
fn between_samples(series: &[Series], edges: &BTreeSet<i64>, end: i64, count: usize) -> Vec<i64> {
    let taken: HashSet<i64> = series.iter().flat_map(|series| &series.points).map(|(time, _)| *time).collect();
    let first = taken.iter().min().copied().unwrap_or(end);
    let is_free = |at: &i64| edges.iter().all(|back| !taken.contains(&(at - back)));
    let spread = ((end - first) / 2 / count as i64).max(1);
    let times: Vec<i64> =
        (0..count as i64).filter_map(|at| (0..spread).map(|by| end - at * spread - by).find(is_free)).collect();
    assert_eq!(times.len(), count, "times without a sample on an edge");
    times
}

/// How far before the time of evaluation ranges begin: as long as each of them is, moved by each offset; and how far back a
/// present value is looked for.
fn edges(expressions: &BTreeSet<String>) -> BTreeSet<i64> {
    let (mut ranges, mut offsets) = (BTreeSet::from([0, 300_000]), BTreeSet::from([0]));
    for expression in expressions {
        for range in expression.split('[').skip(1).filter_map(|rest| rest.split_once(']')) {
            ranges.insert(length(range.0, expression));
        }
        for behind in expression.split(" offset ").skip(1) {
            let end = behind.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(behind.len());
            offsets.insert(length(&behind[..end], expression));
        }
    }
    ranges.iter().flat_map(|range| offsets.iter().map(move |offset| range + offset)).collect()
}

/// Reads a length of time such as `1m40s`, in milliseconds.
#[track_caller]
fn length(text: &str, expression: &str) -> i64 {
    let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];
    let (mut rest, mut sum) = (text, 0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, behind) = rest.split_at(digits);
        let number: i64 = number.parse().unwrap_or_else(|_| panic!("{text} in {expression}"));
        let (unit, factor) = units.iter().find(|(unit, _)| behind.starts_with(unit)).expect("a unit of time");
        (rest, sum) = (&behind[unit.len()..], sum + number * factor);
    }
    sum
}

fn millis() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970");
    i64::try_from(since.as_millis()).expect("a time of ours")
}
