//! Rules that are refused, and what settings change.

use watchkeeper::metric::GaugeDesc;
use watchkeeper::presets::http::REQUESTS;
use watchkeeper::promql::{self, Expr, Scope, select};
use watchkeeper::stack::rule::{Alert, Group, Record, RuleFile};
use watchkeeper::stack::slo::{self, Slo};
use watchkeeper::stack::{Job, Limit, PoolLimit, Settings, alerts, prometheus};

const QUEUE: GaugeDesc = GaugeDesc::new("queue_length", "Orders that wait.");

fn alert(name: &str, expr: Expr) -> Alert {
    Alert::warning(name, expr).summary("It waits").description("{{ $value }} wait.")
}

fn refusal(file: RuleFile) -> String {
    file.render(&Scope::default(), "https://example.org").expect_err("it is refused").to_string()
}

#[test]
fn a_rule_that_nobody_could_use_is_refused_with_its_name() {
    let long = || Expr::from(&QUEUE).gt(10.0);
    let of = |alert: Alert| refusal(RuleFile::new([Group::new("a").alert(alert)]));
    let record = |record: Record| refusal(RuleFile::new([Group::new("a").record(record)]));

    assert_eq!(
        of(alert("queue long", long())),
        "rule `queue long`: an alert's name is letters and digits, beginning with a capital"
    );
    assert_eq!(of(Alert::warning("QueueLong", long()).description("It is.")), "rule `QueueLong`: no summary");
    assert_eq!(of(Alert::warning("QueueLong", long()).summary("It is.")), "rule `QueueLong`: no description");
    assert_eq!(
        of(alert("QueueLong", long()).summary("{{ $labels.shop }} waits")),
        "rule `QueueLong`: a text names the label `shop`, which the alert does not have"
    );
    assert_eq!(
        of(alert("QueueLong", Expr::from(&QUEUE).sum_by(&["job"]).gt(10.0))),
        "rule `QueueLong`: neither its series nor its own labels have `service`"
    );
    assert_eq!(
        of(alert("QueueLong", long()).pending("soon")),
        "rule `QueueLong`: `soon` is no duration such as 5m or 1h30m"
    );
    assert_eq!(of(alert("QueueLong", promql::number(1.0))), "rule `QueueLong`: the expression is a single number");
    assert_eq!(
        of(alert("QueueRises", promql::rate(&QUEUE, "5m"))),
        "rule `QueueRises`: rate of `queue_length`, which is a gauge"
    );
    assert_eq!(
        record(Record::new("queue_max", Expr::from(&QUEUE).max())),
        "rule `queue_max`: a recorded name is level:metric:operation, in lower snake case"
    );
    let twice = Group::new("a").alert(alert("QueueLong", long())).alert(alert("QueueLong", long()));
    assert_eq!(refusal(RuleFile::new([twice])), "rule `QueueLong`: there are two of that name");
    let longest = || Record::new("a:queue:max", Expr::from(&QUEUE).max());
    let twice = Group::new("a").record(longest()).record(longest());
    assert_eq!(refusal(RuleFile::new([twice])), "rule `a:queue:max`: there are two of that name");
    assert_eq!(refusal(RuleFile::new([Group::new("a"), Group::new("a")])), "rule `a`: there are two of that name");
    assert_eq!(
        of(alert("QueueLong", long()).label("severity", "none")),
        "rule `QueueLong`: the label `severity` is set twice"
    );
}

#[test]
fn what_a_recording_lost_cannot_be_asked_of_it() {
    let record = Record::new("service:http_requests:rate5m", promql::rate(&REQUESTS, "5m").sum_by(&["service"]));
    let asked = Expr::from(select(&record).eq("path", "/")).check().unwrap_err();
    assert_eq!(asked.to_string(), "`service:http_requests:rate5m` has no label `path`");
    assert!(promql::rate(&record, "5m").check().is_err(), "a rate of a rate");
}

fn text(file: &RuleFile, settings: &Settings) -> String {
    file.render(&settings.scope(), &settings.runbooks).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn shares_times_and_the_pool_are_as_the_settings_say() {
    let mut settings = Settings::default();
    settings.limits.high_error_rate = Limit::new(0.02, "2m");
    settings.limits.pool = PoolLimit::InUse(95.0);
    settings.scan_path = "/v2/scan".to_owned();
    settings.prefix = "shop".to_owned();

    let http = text(&alerts::http(&settings), &settings);
    assert!(http.contains("> 0.02\n        for: 2m\n"), "{http}");
    assert!(http.contains(r#"shop_http_request_duration_seconds_bucket{path="/v2/scan"}"#), "{http}");
    let database = text(&alerts::database(&settings), &settings);
    assert!(database.contains("shop_db_connections_active > 95\n"), "{database}");
    assert!(database.contains("{{ $value }} connections of {{ $labels.instance }} are in use."), "{database}");
    // The exporter's metric is its own.
    assert!(database.contains("          pg_up == 0\n"), "{database}");
}

#[test]
fn a_job_that_is_scraped_too_seldom_for_the_rules_is_refused() {
    let mut settings = Settings::default();
    settings.jobs.push(Job::service("slow", "slow:3000").every(std::time::Duration::from_secs(120)));
    let error = alerts::http(&settings).render(&settings.scope(), "https://example.org").unwrap_err();
    assert_eq!(
        error.to_string(),
        "rule `HighErrorRate`: a rate over 5m has fewer than four scrapes; at one every 2m it takes 8m"
    );
}

#[test]
fn windows_and_waits_are_scaled_together() {
    let mut settings = Settings::default();
    settings.jobs = vec![Job::service("api", "api:3000").every(std::time::Duration::from_secs(1))];
    settings.window_scale = 1.0 / 60.0;
    let http = text(&alerts::http(&settings), &settings);
    assert!(http.contains("[5s]") && http.contains("for: 5s") && http.contains("for: 1s"), "{http}");
    assert!(!http.contains("5m"), "{http}");
    let objectives = text(&slo::rules(slo::SHIPPED), &settings);
    assert!(objectives.contains("[12h]") && objectives.contains("interval: 2s"), "30 days are half a day");
}

#[test]
fn every_job_has_its_interval_and_its_service() {
    let text = prometheus::render(&Settings::default());
    let jobs: Vec<&str> = text.split("  - job_name: ").skip(1).collect();
    let found: Vec<(&str, &str)> = jobs
        .iter()
        .map(|job| {
            let after = |key: &str| job.lines().find_map(|line| line.trim().strip_prefix(key)).unwrap_or("15s");
            assert!(job.contains("          service: "), "{job}");
            (job.lines().next().unwrap_or_default(), after("scrape_interval: "))
        })
        .collect();
    let expected = [
        ("prometheus", "15s"),
        ("alertmanager", "15s"),
        ("api", "15s"),
        ("gateway", "10s"),
        ("usage-aggregator", "15s"),
        ("dashboard-api", "15s"),
        ("billing", "30s"),
        ("tasks", "15s"),
        ("import", "15s"),
        ("realtime", "15s"),
        ("sync", "5s"),
        ("traefik", "15s"),
        ("docker", "15s"),
        ("node", "30s"),
        ("postgres", "30s"),
        ("redis", "30s"),
        ("kafka", "30s"),
    ];
    assert_eq!(found, expected);
    assert!(text.contains("evaluation_interval: 15s") && text.contains("scrape_timeout: 5s"), "{text}");
}

#[test]
fn an_objective_without_a_service_is_refused() {
    const LOST: Slo = Slo::bound("queue", "The queue is short.", 0.99, || Expr::from(&QUEUE).sum(), 10.0);
    assert!(
        refusal(slo::rules(&[LOST])).starts_with("rule `ErrorBudgetBurnFast`: "),
        "{}",
        refusal(slo::rules(&[LOST]))
    );
}
