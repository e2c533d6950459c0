//! Every query of every dashboard, asked of a real Prometheus that scrapes an app with every metric and real exporters.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use watchkeeper::promql::Scope;
use watchkeeper::stack::{exporter, slo};

use crate::servers::Exporters;
use crate::support::example::Server as App;
use crate::support::known::Known;
use crate::support::process::{Folder, eventually, free_port};
use crate::support::prometheus::{Prometheus, percent_encoded};
use crate::support::runbooks::runbooks;
use crate::{NOT_RUNNING, committed, drift, filled_in, history, panel, panels};

/// Four scrapes and a half, at one a second.
const RATE_INTERVAL: &str = "5s";

/// Starts a server with our history, that scrapes the app and the exporters every second and has an alert that fires.
#[track_caller]
fn prometheus(app: &App, exporters: &Exporters) -> Prometheus {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    let folder = Folder::new("dashboards");
    let target = format!(r#"instance="{}",job="shop",service="shop""#, app.address);
    history::write(&folder.path().join("data"), &target);
    let mut config = String::from(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [alert.yml, objectives.yml]\nscrape_configs:\n",
    );
    let targets = [
        ("shop", app.address),
        ("node", exporters.node.address),
        ("postgres", exporters.postgres.address),
        ("redis", exporters.redis.address),
        ("prometheus", address),
    ];
    for (job, target) in targets {
        let _ = writeln!(config, "- job_name: {job}\n  static_configs:");
        let _ = writeln!(config, "  - {{targets: ['{target}'], labels: {{service: {job}}}}}");
    }
    let alert = "groups: [{name: test, rules: [{alert: Trial, expr: vector(1), labels: {severity: warning}}]}]\n";
    fs::write(folder.path().join("alert.yml"), alert).expect("the folder can be written to");
    // Objectives in a hurry: a minute is a second.
    let scope = Scope::default().window_scale(1.0 / 60.0).scrape_interval(Duration::from_secs(1));
    let objectives = slo::rules(slo::SHIPPED).render(&scope, "https://example.org").expect("they are shipped");
    fs::write(folder.path().join("objectives.yml"), objectives).expect("the folder can be written to");
    fs::write(folder.path().join("prometheus.yml"), config).expect("the folder can be written to");
    Prometheus::configured(address, folder)
}

/// Asks as a panel does, over time or at one moment; the values that are numbers.
#[track_caller]
fn ask(prometheus: &Prometheus, expr: &str, instant: bool) -> Vec<f64> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970").as_secs_f64();
    let query = percent_encoded(expr);
    let data = prometheus.api(&if instant {
        format!("query?time={now:.3}&query={query}")
    } else {
        format!("query_range?start={:.3}&end={now:.3}&step=2&query={query}", now - 8.0)
    });
    let number = |point: &Value| point[1].as_str().and_then(|text| text.parse::<f64>().ok());
    let series = data["result"].as_array().expect("series").iter();
    series
        .flat_map(|series| match &series["values"] {
            Value::Array(points) => points.iter().filter_map(number).collect(),
            _ => number(&series["value"]).into_iter().collect::<Vec<_>>(),
        })
        .filter(|number| !number.is_nan())
        .collect()
}

/// The newest value of an expression that has one.
#[track_caller]
fn value(prometheus: &Prometheus, expr: &str) -> f64 {
    *ask(prometheus, expr, true).first().unwrap_or_else(|| panic!("{expr} has no value"))
}

/// Waits until every target was scraped often enough for a rate.
#[track_caller]
fn wait_for_rates(prometheus: &Prometheus) {
    let scrapes = "min(count_over_time(up[1m])) and min(up) == 1 and count(up) == 5";
    eventually(|| match ask(prometheus, scrapes, true).first() {
        Some(scrapes) if *scrapes >= 10.0 => Ok(()),
        scrapes => Err(format!("too few scrapes yet: {scrapes:?}")),
    });
}

/// One query of a dashboard.
struct Question {
    at: String,
    expr: String,
    instant: bool,
    /// Whether the values are shares of a whole; growth may be less than nothing and more than all.
    is_share: bool,
}

fn questions() -> Vec<Question> {
    let mut questions = Vec::new();
    for dashboard in committed() {
        for panel in panels(&dashboard.json) {
            let title = panel["title"].as_str().expect("a title");
            for target in panel["targets"].as_array().expect("targets") {
                questions.push(Question {
                    at: format!("{}, {title}", dashboard.name),
                    expr: filled_in(target["expr"].as_str().expect("an expression"), RATE_INTERVAL),
                    instant: target["instant"] == true,
                    is_share: panel["fieldConfig"]["defaults"]["unit"] == "percentunit"
                        && !["MRR growth", "Error budgets", "Error budgets over time"].contains(&title),
                });
            }
        }
        for annotation in dashboard.json["annotations"]["list"].as_array().expect("annotations") {
            if let Some(expr) = annotation["target"]["expr"].as_str() {
                let at = format!("{}, annotation {}", dashboard.name, annotation["name"]);
                questions.push(Question { at, expr: filled_in(expr, RATE_INTERVAL), instant: false, is_share: false });
            }
        }
    }
    questions
}

/// The exporter, among those that do not run, that an expression asks for.
fn not_running(expr: &str) -> Option<&'static str> {
    let mut there = exporter::all().filter(|metric| NOT_RUNNING.contains(&metric.exporter));
    there.find(|metric| expr.contains(metric.name)).map(|metric| metric.exporter)
}

#[test]
fn every_panel_variable_and_annotation_gets_data_from_a_real_prometheus() {
    // A window of seconds has something of everything in it, at any hour of the day.
    let app = App::start("every_metric", &["--moments", "50"], &[]);
    let exporters = Exporters::start();
    exporters.wait_for_the_standby();
    let prometheus = prometheus(&app, &exporters);
    wait_for_rates(&prometheus);
    assert_eq!(
        ask(&prometheus, "sum(rate(http_served_total[5s]))", false),
        [0.0; 0],
        "what is not there gets no answer"
    );

    let (mut asked, mut listed, mut faults) = (0, BTreeMap::new(), Vec::new());
    for question in questions() {
        if let Some(exporter) = not_running(&question.expr) {
            listed.insert(question.at, exporter);
            continue;
        }
        asked += 1;
        let values = ask(&prometheus, &question.expr, question.instant);
        if values.is_empty() {
            faults.push(format!("no data for {}: {}", question.at, question.expr));
        }
        let is_share = |value: &f64| (0.0..=1.0).contains(value);
        if question.is_share && !values.iter().all(is_share) {
            faults.push(format!("no share of a whole in {}: {}: {values:?}", question.at, question.expr));
        }
    }
    println!("{asked} queries of panels and annotations asked; checked by schema alone: {listed:?}");
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(listed.keys().collect::<Vec<_>>(), ["application-health, Containers"]);

    let silent = runbooks_without_answers(&prometheus);
    assert!(silent.is_empty(), "{silent:#?}");

    let empty = variables_without_values(&prometheus);
    assert!(empty.is_empty(), "no values: {empty:#?}");
    println!("{}", look_back(&prometheus));
    let faults = drift::faults_against(&scraped(&prometheus));
    assert!(faults.is_empty(), "{faults:#?}");
}

/// The queries of runbooks that get no data, though they should at any time.
fn runbooks_without_answers(prometheus: &Prometheus) -> Vec<String> {
    let (mut silent, mut asked, mut listed) = (Vec::new(), 0, 0);
    for page in runbooks() {
        for query in page.queries {
            // Alertmanager is not scraped here either.
            if not_running(&query.expr).is_some() || query.expr.contains("alertmanager_") {
                listed += 1;
                continue;
            }
            asked += 1;
            // An answer of a number that is none is an answer, so it is not asked for values.
            if prometheus.query(&query.expr).is_empty() && !query.quiet {
                silent.push(format!("{}: {}", page.alert, query.expr));
            }
        }
    }
    println!("{asked} queries of runbooks asked, {listed} checked by their names alone");
    assert!(asked > 80, "{asked}");
    silent
}

/// The variables that offer nothing to choose.
fn variables_without_values(prometheus: &Prometheus) -> Vec<String> {
    let mut empty = Vec::new();
    for dashboard in committed() {
        for variable in dashboard.json["templating"]["list"].as_array().expect("variables") {
            let Some(query) = variable["query"]["query"].as_str() else { continue };
            let values = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
            let (series, label) = values.and_then(|rest| rest.rsplit_once(',')).expect("label_values(series,label)");
            let series = percent_encoded(&filled_in(series, RATE_INTERVAL));
            let values = prometheus.api(&format!("label/{label}/values?match[]={series}"));
            if values.as_array().expect("a list").is_empty() {
                empty.push(format!("{}: {query}", dashboard.name));
            }
        }
    }
    empty
}

#[track_caller]
fn first_expr(panel: &Value) -> &str {
    panel["targets"][0]["expr"].as_str().expect("an expression")
}

/// Panels over weeks show what the history holds, and not only something; says how much that was.
#[track_caller]
fn look_back(prometheus: &Prometheus) -> String {
    let expr = |title| filled_in(first_expr(panel("billing-revenue", title)), RATE_INTERVAL);
    let now = value(prometheus, "billing_mrr_cents");
    let growth = value(prometheus, &expr("MRR growth"));
    let expected = now / history::MRR_FOUR_WEEKS_AGO - 1.0;
    assert!((growth - expected).abs() < 0.001, "growth of {growth}, and the history has {expected}");

    // What the app has invoiced since it started comes on top, but for what was there at the first scrape of an
    // organization without a history.
    let live = value(prometheus, "sum(billing_invoice_amount_cents_total)") / 100.0;
    let past = history::ORGANIZATIONS.len() as f64 * history::INVOICED_AN_HOUR as f64 * 30.0 * 24.0 / 100.0;
    let month = value(prometheus, &expr("Monthly revenue trend"));
    let expected = 0.99 * past..1.01 * (past + live);
    assert!(expected.contains(&month), "30 days made {month}, the history has {past}, the app {live}");
    let one = first_expr(panel("billing-revenue", "Monthly revenue trend")).replace("$organization", "aarhus");
    let one = value(prometheus, &filled_in(&one, RATE_INTERVAL));
    assert!((one * 3.0 / month - 1.0).abs() < 0.05, "one of three organizations with a history has {one} of {month}");

    let today = value(prometheus, &format!("sum({})", expr("Invoices today")));
    let new = value(prometheus, "sum(billing_invoices_generated_total)");
    let old = history::INVOICES_AN_HOUR * 24.0;
    let expected = 0.9 * old..1.1 * (old + new);
    assert!(expected.contains(&today), "24 hours made {today}, the history has {old}, the app {new}");
    let largest = ask(prometheus, &expr("Revenue by organization"), true);
    assert_eq!(largest.len(), 10, "the ten largest of twelve");
    format!("30 days: {month:.0}, of which {past:.0} are history and {live:.0} are live; growth {growth:.3}")
}

/// Each metric that was scraped, with all of its labels.
fn scraped(prometheus: &Prometheus) -> Known {
    let mut scraped = Known::new();
    let data = prometheus.api("series?match[]=%7B__name__%3D~%22.%2B%22%7D");
    for series in data.as_array().expect("series") {
        let series = series.as_object().expect("labels");
        let name = series["__name__"].as_str().expect("a name");
        scraped.entry(name.to_owned()).or_default().extend(series.keys().cloned());
    }
    scraped
}
