//! Random expressions, evaluated here and by a real Prometheus over the same series.
//!
//! The server is of the 2.x line: its ranges have their left edge in, and it takes names off at once. So no sample lies
//! on the edge of a range, and no expression tells series apart by their names. What later servers mended is left out too:
//! `predict_linear` of a range at a fixed time ended with its window, and `atan2` kept the name.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

use serde_json::Value as Json;
use watchkeeper::promql::engine::{Engine, LabelSet, Limits, Query, Series, Value};

use super::noise::Noise;
use super::stored::Stored;
use super::support::client::Request;
use super::support::process::{Folder, free_port, program};
use super::support::prometheus::{Prometheus, percent_encoded};

/// A Monday at noon, in seconds.
const BASE: i64 = 1_780_315_200;
/// How far from a multiple of 15 s the samples lie.
const SHIFT: i64 = 7;

/// Points by labels; times in milliseconds.
type Points = BTreeMap<BTreeMap<String, String>, Vec<(i64, f64)>>;

/// Returns 20 minutes of series, 15 seconds apart.
fn series() -> Vec<Series> {
    let mut series = Vec::new();
    let mut add = |name: &str, labels: &[(&str, &str)], value: &dyn Fn(i64) -> Option<f64>| {
        let labels = LabelSet::new(labels.iter().copied().chain([("__name__", name)]));
        let points = (0..80).filter_map(|number| Some(((BASE + SHIFT + 15 * number) * 1000, value(number)?)));
        series.push(Series { labels, points: points.collect() });
    };
    for (number, (i, j)) in [("1", "x"), ("1", "y"), ("2", "x"), ("3", "z")].into_iter().enumerate() {
        let step = number as i64 + 2;
        add("count_total", &[("i", i), ("j", j)], &move |at| Some(((at * step) % (150 * step)) as f64));
        add("level", &[("i", i), ("j", j)], &move |at| Some((((at * at * 7 + step * 13) % 41) - 20) as f64));
    }
    add("level", &[("i", "4")], &|at| (at % 7 != 3).then_some((at / 10) as f64));
    add("one", &[("i", "1"), ("k", "a")], &|_| Some(3.0));
    add("one", &[("i", "2"), ("k", "b")], &|at| (at < 45).then_some(-2.0));
    for (bound, share) in [("0.1", 1), ("0.5", 3), ("2.5", 6), ("+Inf", 7)] {
        for i in ["1", "2"] {
            add("took_bucket", &[("i", i), ("le", bound)], &move |at| Some((at * share * (2 + share % 3)) as f64));
        }
    }
    series
}

/// Starts a server that has the series.
fn server(series: &[Series]) -> (Prometheus, SocketAddr) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    let folder = Folder::new("promql");
    let mut text = String::new();
    let mut sorted: Vec<&Series> = series.iter().collect();
    sorted.sort_by(|a, b| a.labels.get("__name__").cmp(b.labels.get("__name__")));
    for series in sorted {
        let labels = series.labels.iter().filter(|(name, _)| *name != "__name__");
        let labels = labels.map(|(name, value)| format!("{name}={value:?}")).collect::<Vec<_>>().join(",");
        for (at, value) in &series.points {
            let name = series.labels.get("__name__");
            writeln!(text, "{name}{{{labels}}} {value} {}", at / 1000).expect("text grows");
        }
    }
    text += "# EOF\n";
    let file = folder.path().join("history.txt");
    std::fs::write(&file, text).expect("the folder can be written to");
    let made = program("promtool", "prometheus")
        .args(["tsdb", "create-blocks-from", "openmetrics"])
        .arg(&file)
        .arg(folder.path().join("data"))
        .output()
        .expect("promtool runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::write(folder.path().join("prometheus.yml"), "global: {}\n").expect("the folder can be written to");
    (Prometheus::configured(address, folder), address)
}

/// A vector of at most so many levels.
fn vector(noise: &mut Noise, levels: usize) -> String {
    if levels == 0 {
        let matcher = noise.one_of(&["", "{i='1'}", "{i=~'1|2'}", "{j!~'x.*'}", "{i!='2', j='y'}"]);
        let shift = noise.one_of(&["", "", "", " offset 1m", " offset -40s", " @ 1780315503", " @ end()"]);
        return format!("{}{matcher}{shift}", noise.one_of(&["count_total", "level", "one"]));
    }
    let levels = levels - 1;
    match noise.below(11) {
        0 => {
            let operator = noise.one_of(&["+", "-", "*", ">", "<= bool", "==", "and", "or", "unless"]);
            format!("(({}) {operator} on (i, j) ({}))", vector(noise, levels), vector(noise, levels))
        }
        1 => {
            let operator = noise.one_of(&["+", "*", "/", "> bool", "!="]);
            format!("(({}) {operator} on (i) group_left (k) one)", vector(noise, levels))
        }
        2 => {
            let operator = noise.one_of(&["+", "-", "*", "%", "^", "==", "!=", ">", "<", ">= bool"]);
            format!(
                "(({}) {operator} {})",
                vector(noise, levels),
                noise.one_of(&["2", "-3", "0.5", "scalar(one{i='1'})"])
            )
        }
        3 => {
            let name =
                noise.one_of(&["abs", "ceil", "sgn", "sqrt", "absent", "timestamp", "day_of_week", "deg", "cosh"]);
            format!("{name}({})", vector(noise, levels))
        }
        4..=6 => {
            let name = noise.one_of(&[
                "rate",
                "irate",
                "increase",
                "delta",
                "idelta",
                "deriv",
                "resets",
                "changes",
                "avg_over_time",
                "sum_over_time",
                "min_over_time",
                "max_over_time",
                "count_over_time",
                "stddev_over_time",
                "stdvar_over_time",
                "last_over_time",
                "present_over_time",
                "absent_over_time",
            ]);
            format!("{name}({})", range(noise, levels))
        }
        7 => {
            let name =
                noise.one_of(&["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "quantile(0.3, "]);
            let grouping = noise.one_of(&["", " by (i)", " without (j)", " by (i, none)"]);
            let open = if name.ends_with(' ') { "" } else { "(" };
            format!("{name}{open}{}){grouping}", vector(noise, levels))
        }
        8 => format!("histogram_quantile({}, rate(took_bucket[5m]))", noise.one_of(&["0.5", "0.95", "0", "1", "-1"])),
        9 => format!("label_replace({}, 'k', '${{1}}-$1', 'j', '(.).*')", vector(noise, levels)),
        _ => {
            let name = noise.one_of(&["count_total", "level"]);
            format!("predict_linear({name}[5m] offset -40s, {})", noise.one_of(&["60", "-600"]))
        }
    }
}

fn range(noise: &mut Noise, levels: usize) -> String {
    let shift = noise.one_of(&["", "", " offset 1m", " offset -40s", " @ 1780315503", " @ start()"]);
    if levels == 0 || noise.below(2) == 0 {
        return format!(
            "{}[{}]{shift}",
            noise.one_of(&["count_total", "level", "one"]),
            noise.one_of(&["1m", "5m", "75s"])
        );
    }
    // The left edge is no multiple of the step, since all times but the fixed one are multiples of 10 s.
    let steps = noise.one_of(&["5m25s:1m", "2m45s:30s", "3m5s:20s"]);
    format!("({})[{steps}]{shift}", vector(noise, levels))
}

/// Asks the server for a range; nothing, when it answers with an error.
fn theirs(address: SocketAddr, expression: &str, (start, end, step): (i64, i64, i64)) -> Result<Points, String> {
    let path = format!("/api/v1/query_range?start={start}&end={end}&step={step}&query={}", percent_encoded(expression));
    let answer = Request::new("GET", address, &path).send();
    if answer.status != 200 {
        return Err(answer.text().to_owned());
    }
    let answer = answer.json();
    let series = answer["data"]["result"].as_array().expect("a matrix").iter().map(|series| {
        let points = series["values"].as_array().expect("points").iter();
        let points = points.map(|point| ((point[0].as_f64().expect("a time") * 1000.0) as i64, number(&point[1])));
        (serde_json::from_value(series["metric"].clone()).expect("labels"), points.collect())
    });
    Ok(series.collect())
}

fn number(value: &Json) -> f64 {
    value.as_str().and_then(|text| text.parse().ok()).expect("a number as text")
}

fn ours(source: &Stored, expression: &str, (start, end, step): (i64, i64, i64)) -> Result<Points, String> {
    let query = Query::parse(expression).map_err(|error| error.to_string())?;
    let result = Engine::new(Limits::default()).range(&query, source, start * 1000, end * 1000, step * 1000);
    let Value::Matrix(series) = result.map_err(|error| error.to_string())? else { panic!("no matrix: {expression}") };
    let owned = |labels: &LabelSet| labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Ok(series.into_iter().map(|series| (owned(&series.labels), series.points)).collect())
}

/// Returns whether values are equal but for what a different order of additions makes of them.
fn agree(ours: &Points, theirs: &Points) -> bool {
    let near =
        |a: f64, b: f64| (a.is_nan() && b.is_nan()) || a == b || (a - b).abs() <= 1e-9 * (a.abs() + b.abs()).max(1e-3);
    ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(|((labels, points), (other, others))| {
            labels == other
                && points.len() == others.len()
                && points.iter().zip(others).all(|(a, b)| a.0 == b.0 && near(a.1, b.1))
        })
}

#[test]
fn random_expressions_have_the_values_that_a_real_prometheus_gives_them() {
    let series = series();
    let (_server, address) = server(&series);
    let source = Stored::from_series(series);
    let mut differing = Vec::new();
    let (mut with_values, mut failing) = (0, 0);
    let runs = std::env::var("WATCHKEEPER_FUZZ_RUNS").map_or(400, |runs| runs.parse().expect("a number of runs"));
    for seed in 0..runs {
        let mut noise = Noise(seed);
        let levels = 1 + noise.below(3);
        let expression = vector(&mut noise, levels);
        let times = (BASE + 300, BASE + 900, 60);
        match (ours(&source, &expression, times), theirs(address, &expression, times)) {
            (Ok(ours), Ok(theirs)) if agree(&ours, &theirs) => with_values += usize::from(!ours.is_empty()),
            (Err(_), Err(_)) => failing += 1,
            (ours, theirs) => {
                differing.push(format!("seed {seed}: {expression}\n  ours   {ours:?}\n  theirs {theirs:?}"));
            }
        }
    }
    println!("{with_values} of {runs} with equal values, {failing} refused by both");
    assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing.join("\n"));
    assert!(with_values * 2 > runs as usize, "only {with_values} had values");
}
