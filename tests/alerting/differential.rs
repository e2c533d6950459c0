//! The same rule file over the same scrapes of the shop, evaluated by a real Prometheus and by this crate, while faults are
//! injected: the alerts agree at each of the server's own evaluations.
//!
//! 45 seconds long; `WATCHKEEPER_TEST_DIFFERENTIAL=600` makes it ten minutes. The rules are those that are shipped, with all
//! windows and waits a sixtieth as long, and a few more.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use watchkeeper::Timestamp;
use watchkeeper::alert::AlertState;
use watchkeeper::alerting::{Rehearsal, RuleFile, RuleSource};
use watchkeeper::promql::engine::{
    LabelSet, METRIC_NAME, Matcher, Series, SeriesSource, SourceBounds, SourceError, stale,
};
use watchkeeper::stack::{Settings, alerts, slo};

use crate::support::client::Request;
use crate::support::example::Server;
use crate::support::process::{Folder, free_port};
use crate::support::prometheus::{Prometheus, percent_encoded};

/// The server shows no alert of its first evaluations: it restores states first.
const UNSEEN: usize = 2;

/// How long a scrape may take to be there: what was scraped so shortly before an evaluation may have been seen by it or not.
const TORN: i64 = 300;

const MORE: &str = r#"
      - alert: ShopDown
        expr: up{job="shop"} == 0
        for: 2s
        keep_firing_for: 4s
        annotations: {summary: '{{ $labels.instance }} is down'}
      - alert: ManyFailures
        expr: sum by (job) (rate(http_requests_total{status="500"}[3s])) > 2
        keep_firing_for: 3s
      - alert: EachRoute
        expr: rate(http_requests_total[4s]) > 0.1
        for: 3s
        labels: {load: '{{ if gt $value 3.0 }}high{{ else }}low{{ end }}'}
      - alert: Slow
        expr: histogram_quantile(0.9, sum by (le, path) (rate(http_request_duration_seconds_bucket[5s]))) > 0.5
        for: 1s
      - alert: Pending
        expr: ALERTS{alertname="ShopDown", alertstate="firing"}
      - alert: NothingScraped
        expr: absent(process_start_time_seconds{job="shop"})
      - record: rule_clock
        expr: time()
"#;

/// One group with every rule; its name decides at which moment of the second it is evaluated.
fn rules(name: &str) -> String {
    let mut settings = Settings::default();
    settings.window_scale = 1.0 / 60.0;
    let scope = settings.scope().scrape_interval(Duration::from_secs(1));
    let mut text = format!("groups:\n  - name: {name}\n    rules:\n");
    let files = alerts::all(&settings).into_iter().map(|(_, file)| file);
    for file in files.chain([slo::rules(slo::SHIPPED)]) {
        let rendered = file.render(&scope, "https://example.org").expect("rules of this crate");
        // What lies below `rules:` of each group.
        for line in rendered.lines().filter(|line| line.starts_with("      ")) {
            let _ = writeln!(text, "{line}");
        }
    }
    text + MORE.trim_start_matches('\n')
}

/// Starts a server whose evaluations do not fall into the moments at which scrapes arrive.
fn server(target: SocketAddr) -> (Prometheus, String) {
    for attempt in 0..12 {
        let name = format!("all{attempt}");
        let text = rules(&name);
        let folder = Folder::new("differential");
        std::fs::write(folder.path().join("rules.yml"), &text).unwrap();
        let config = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 250ms, evaluation_interval: 1s}}\nrule_files: [rules.yml]\n\
             scrape_configs:\n- job_name: shop\n  static_configs:\n  - {{targets: ['{target}'], labels: {{service: shop}}}}\n"
        );
        std::fs::write(folder.path().join("prometheus.yml"), config).unwrap();
        let server = Prometheus::configured(SocketAddr::from(([127, 0, 0, 1], free_port())), folder);
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
            sleep(Duration::from_millis(500));
            let (scrapes, clocks) = (times(&raw(&server, "up", 30)), times(&raw(&server, "rule_clock", 30)));
            if let (Some(scrape), Some(clock)) = (scrapes.last(), clocks.last()) {
                let after = (clock - scrape).rem_euclid(1000);
                if (TORN + 50..900).contains(&after) {
                    return (server, text);
                }
                break;
            }
        }
    }
    panic!("no server evaluates away from its scrapes");
}

/// The samples as they are stored, of the last seconds.
fn raw(server: &Prometheus, selector: &str, seconds: u64) -> Vec<Series> {
    let answer = server.api(&format!("query?query={}", percent_encoded(&format!("{selector}[{seconds}s]"))));
    let series = answer["result"].as_array().expect("a matrix");
    let point = |point: &Value| {
        let at = (point[0].as_f64().unwrap() * 1000.0).round() as i64;
        let text = point[1].as_str().unwrap();
        (at, text.replace("Inf", "inf").parse().unwrap())
    };
    series
        .iter()
        .map(|series| {
            let labels: BTreeMap<String, String> = serde_json::from_value(series["metric"].clone()).unwrap();
            let points = series["values"].as_array().unwrap().iter().map(point).collect();
            Series { labels: LabelSet::new(labels), points }
        })
        .collect()
}

fn times(series: &[Series]) -> Vec<i64> {
    let times: BTreeSet<i64> = series.iter().flat_map(|series| series.points.iter().map(|(at, _)| *at)).collect();
    times.into_iter().collect()
}

/// Series by the name of their metric.
#[derive(Debug, Default)]
struct Held(Mutex<HashMap<String, Vec<Series>>>);

impl Held {
    fn add(&self, series: Series) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let named = all.entry(series.labels.get(METRIC_NAME).to_owned()).or_default();
        match named.iter_mut().find(|there| there.labels == series.labels) {
            Some(there) => there.points.extend(series.points),
            None => named.push(series),
        }
    }
}

impl SeriesSource for Held {
    fn select(&self, matchers: &[Matcher], start: i64, end: i64, _: &SourceBounds) -> Result<Vec<Series>, SourceError> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = matchers.iter().filter(|matcher| matcher.name() == METRIC_NAME).find_map(Matcher::equal);
        let named: Vec<&Series> = match name {
            Some(name) => all.get(name).into_iter().flatten().collect(),
            None => all.values().flatten().collect(),
        };
        let found = named.into_iter().filter(|series| Matcher::all_match(matchers, &series.labels));
        let within = found.filter_map(|series| {
            let from = series.points.partition_point(|(at, _)| *at <= start);
            let to = series.points.partition_point(|(at, _)| *at <= end);
            (from < to).then(|| Series { labels: series.labels.clone(), points: series.points[from..to].to_vec() })
        });
        Ok(within.collect())
    }
}

impl RuleSource for Held {
    fn record(&self, series: Vec<Series>) {
        series.into_iter().for_each(|series| self.add(series));
    }
}

/// Puts in what no query shows: that a series was not in a scrape, so that it has ended.
fn with_ends(mut series: Series, scrapes: &[i64]) -> Series {
    let there: BTreeSet<i64> = series.points.iter().map(|(at, _)| *at).collect();
    let (first, mut was_there) = (*there.first().expect("a sample"), false);
    for scrape in scrapes.iter().filter(|scrape| **scrape >= first) {
        let is_there = there.contains(scrape);
        if was_there && !is_there {
            series.points.push((*scrape, stale()));
        }
        was_there = is_there;
    }
    series.points.sort_by_key(|(at, _)| *at);
    series
}

fn inject(shop: &mut Server, length: Duration) {
    let address = shop.address;
    let part = length / 9;
    let flood = |path: &str, time: Duration| {
        let start = Instant::now();
        while start.elapsed() < time {
            for _ in 0..8 {
                let path = path.to_owned();
                std::thread::spawn(move || drop(Request::new("GET", address, &path).try_send()));
            }
            sleep(Duration::from_millis(250));
        }
    };
    sleep(part);
    flood("/fail", part * 2);
    flood("/slow?ms=900", part);
    sleep(part / 2);
    // Frozen: scrapes run into their timeout.
    shop.process.signal("STOP");
    sleep(part);
    shop.process.signal("CONT");
    sleep(part);
    flood("/fail", part);
    sleep(part);
}

#[test]
fn prometheus_and_this_crate_agree_about_every_alert_at_every_evaluation() {
    let length: u64 =
        std::env::var("WATCHKEEPER_TEST_DIFFERENTIAL").ok().map_or(36, |text| text.parse().expect("seconds"));
    let mut shop = Server::start("shop", &["--traffic", "30"], &[]);
    let (server, text) = server(shop.address);
    inject(&mut shop, Duration::from_secs(length));

    let seconds = length + 60;
    let clocks = times(&raw(&server, "rule_clock", seconds));
    let scrapes = times(&raw(&server, "up", seconds));
    let mut alerts = HashMap::<i64, BTreeSet<LabelSet>>::new();
    let mut recorded = HashMap::<(LabelSet, i64), f64>::new();
    let source = Held::default();
    let file: RuleFile = text.parse().expect("Prometheus reads it, so does this crate");
    let records: BTreeSet<_> =
        file.groups[0].rules.iter().filter(|rule| rule.records()).map(|rule| rule.name().to_owned()).collect();
    for series in raw(&server, "{__name__!=\"\"}", seconds) {
        match series.labels.get(METRIC_NAME) {
            "ALERTS" => {
                for (at, _) in &series.points {
                    alerts.entry(*at).or_default().insert(series.labels.without_name());
                }
            }
            "ALERTS_FOR_STATE" => {}
            name if records.contains(name) => {
                recorded.extend(series.points.iter().map(|(at, value)| ((series.labels.clone(), *at), *value)));
            }
            _ => source.add(with_ends(series, &scrapes)),
        }
    }
    let group = file.groups[0].name.clone();
    let mut rehearsal = Rehearsal::new(file);
    let (mut agreed, mut fired, mut seen, mut values) = (0, BTreeSet::new(), BTreeSet::new(), 0);
    for (evaluation, at) in clocks.iter().enumerate() {
        let found = rehearsal.evaluate(&group, Timestamp::from_micros(at * 1000), &source);
        let standing = found.iter().filter(|alert| matches!(alert.state, AlertState::Pending | AlertState::Firing));
        let ours: BTreeSet<LabelSet> = standing
            .map(|alert| {
                let labels = alert.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                LabelSet::new(labels.chain([("alertstate", alert.state.as_str())]))
            })
            .collect();
        let theirs = alerts.remove(at).unwrap_or_default();
        if evaluation < UNSEEN {
            continue;
        }
        let only = |one: &BTreeSet<LabelSet>, other: &BTreeSet<LabelSet>| -> Vec<_> {
            one.difference(other).map(ToString::to_string).collect()
        };
        assert_eq!(
            (only(&ours, &theirs), only(&theirs, &ours)),
            (Vec::new(), Vec::new()),
            "at {at}, evaluation {agreed} of {}: only ours, only theirs; scrapes {:?}",
            clocks.len(),
            scrapes.iter().filter(|scrape| (at - 6000..=*at).contains(*scrape)).collect::<Vec<_>>()
        );
        for alert in &ours {
            seen.insert(alert.get("alertname").to_owned());
            if alert.get("alertstate") == "firing" {
                fired.insert(alert.get("alertname").to_owned());
            }
        }
        agreed += 1;
    }
    // What was recorded agrees too, to the last digits that another order of addition leaves.
    let held = source.0.lock().unwrap_or_else(PoisonError::into_inner);
    // The server has gone on evaluating while it was read.
    for ((labels, at), theirs) in recorded.iter().filter(|((_, at), _)| clocks.contains(at)) {
        let ours = held.get(labels.get(METRIC_NAME)).into_iter().flatten().find(|series| series.labels == *labels);
        let ours = ours.and_then(|series| series.points.iter().find(|(there, _)| there == at)).map(|(_, value)| *value);
        let ours = ours.unwrap_or_else(|| panic!("{labels} at {at} was {theirs} and is not recorded"));
        let near = (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0)
            || (ours.is_nan() && theirs.is_nan())
            || ours == *theirs;
        assert!(near, "{labels} at {at}: {ours} and {theirs}");
        values += 1;
    }
    println!("{agreed} evaluations agreed, {values} recorded values; seen: {seen:?}; fired: {fired:?}");
    assert!(agreed as u64 > length / 2, "{agreed}");
    for name in ["ShopDown", "ManyFailures", "EachRoute", "Slow", "HighErrorRate"] {
        assert!(fired.contains(name), "{name} has not fired: {fired:?}");
    }
}
