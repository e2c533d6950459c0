//! The shipped objectives: what their alerts say, and what is particular to some.

use std::fmt::Write;

use watchkeeper::stack::slo::{SHIPPED, Slo};

use crate::burns;
use crate::inputs::values;
use crate::scenario::begin;

/// Seconds between two samples: five of them in the shortest window.
pub(crate) const STEP: u64 = 60;
const RUNBOOKS: &str = "https://example.org/docs/runbooks";
const SYNC: &str =
    "99.9 % of the time the synchronisation answers without an error of the server: 43 minutes in 30 days.";

/// Steps of so many minutes.
fn minutes(minutes: u64) -> u64 {
    minutes * 60 / STEP
}

/// The test files, one for each objective, with their names.
pub(crate) fn files() -> Vec<(String, String)> {
    let file = |slo: &Slo| {
        let name = format!("slo-{}", slo.name());
        let mut out = crate::scenario::file(STEP, &[&name]);
        burns::write(&mut out, slo);
        match slo.name() {
            "sync-availability" => availability(&mut out),
            "gateway-latency" => latency(&mut out),
            "gateway-connections" => connections(&mut out),
            "cache-hits" => cache(&mut out),
            _ => {}
        }
        (name, out)
    };
    let mut of_moments = crate::scenario::file(MOMENT, &["slo-gateway-connections"]);
    moments(&mut of_moments);
    SHIPPED.iter().map(file).chain([("slo-gateway-connections-moments".to_owned(), of_moments)]).collect()
}

fn availability(out: &mut String) {
    // Everything fails for half an hour after an hour of peace, and then nothing does.
    requests(
        out,
        "a fast burn is told at once, and is over soon after its cause",
        &[(0.0, 60), (100.0, 30), (0.0, 60)],
    );
    out.push_str("    alert_rule_test:\n");
    alert(out, "ErrorBudgetBurnFast", "59m", None);
    alert(out, "ErrorBudgetBurnFast", "65m", Some(("critical", "sync", "sync-availability", SYNC, "4.918%")));
    alert(out, "ErrorBudgetBurnFast", "89m", Some(("critical", "sync", "sync-availability", SYNC, "44.26%")));
    alert(out, "ErrorBudgetBurnFast", "149m", None);
    values_at(
        out,
        &[
            ("slo:error_budget:remaining_ratio{slo=\"sync-availability\"} == 1", "58m", true),
            ("slo:error_budget:remaining_ratio{slo=\"sync-availability\"} < 0", "92m", true),
        ],
    );

    // More than twice what is allowed, for six hours.
    requests(out, "a slow burn is a ticket and wakes nobody", &[(0.0, 120), (0.25, 360), (0.0, 270)]);
    out.push_str("    alert_rule_test:\n");
    alert(out, "ErrorBudgetBurnFast", "479m", None);
    alert(out, "ErrorBudgetBurnSlow", "119m", None);
    alert(out, "ErrorBudgetBurnSlow", "479m", Some(("warning", "sync", "sync-availability", SYNC, "0.1858%")));
    alert(out, "ErrorBudgetBurnSlow", "740m", None);

    requests(out, "errors within the budget are nobody's matter", &[(0.09, 180)]);
    out.push_str("    alert_rule_test:\n");
    alert(out, "ErrorBudgetBurnFast", "170m", None);
    alert(out, "ErrorBudgetBurnSlow", "170m", None);
    values_at(out, &[("abs(slo:error_budget:remaining_ratio{slo=\"sync-availability\"} - 0.1) < 0.02", "170m", true)]);

    // An outage: the target is there and does not answer, for twenty minutes.
    let gone = |rise| values(true, &[(Some(rise), 60)]) + " _x20 " + &values(true, &[(Some(rise), 60)]);
    let outage = [
        (sync_requests("200"), gone(100.0)),
        (sync_requests("500"), gone(0.0)),
        (sync_up(), values(false, &[(Some(1.0), 60), (Some(0.0), 20), (Some(1.0), 60)])),
    ];
    begin(out, STEP, "time in which nothing answers is an error", &outage);
    values_at(
        out,
        &[
            ("ALERTS{alertname=\"ErrorBudgetBurnFast\",alertstate=\"firing\"}", "59m", false),
            ("ALERTS{alertname=\"ErrorBudgetBurnFast\",alertstate=\"firing\",severity=\"critical\"}", "75m", true),
            ("slo:error_ratio:rate1h > 0.3 < 0.35", "80m", true),
            ("ALERTS{alertname=\"ErrorBudgetBurnFast\",alertstate=\"firing\"}", "135m", false),
        ],
    );

    let up = (sync_up(), "1+0x60".to_owned());
    let idle = [(sync_requests("200"), "7+0x60".to_owned()), (sync_requests("500"), "3+0x60".to_owned()), up.clone()];
    begin(out, STEP, "nothing is burnt without traffic", &idle);
    out.push_str("    alert_rule_test:\n");
    alert(out, "ErrorBudgetBurnFast", "50m", None);
    alert(out, "ErrorBudgetBurnSlow", "50m", None);

    begin(out, STEP, "nothing is burnt without data", &[("unrelated".to_owned(), "1+0x60".to_owned())]);
    out.push_str("    alert_rule_test:\n");
    alert(out, "ErrorBudgetBurnFast", "50m", None);
    alert(out, "ErrorBudgetBurnSlow", "50m", None);

    let never = [(sync_requests("200"), values(true, &[(Some(10.0), 60)])), up];
    begin(out, STEP, "a service that has never failed has its whole budget", &never);
    values_at(out, &[("slo:error_budget:remaining_ratio{slo=\"sync-availability\"} == 1", "50m", true)]);
}

fn sync_requests(status: &str) -> String {
    let at = r#"job="sync",instance="sync:3000",service="sync""#;
    format!(r#"http_requests_total{{method="GET",path="/jobs",status="{status}",{at}}}"#)
}

fn sync_up() -> String {
    r#"up{job="sync",instance="sync:3000",service="sync"}"#.to_owned()
}

/// A hundred requests a step to the synchronisation, of which so many in a hundred fail for so many minutes.
fn requests(out: &mut String, name: &str, phases: &[(f64, u64)]) {
    let of = |share: fn(f64) -> f64| {
        let phases: Vec<_> = phases.iter().map(|&(failed, time)| (Some(share(failed)), minutes(time))).collect();
        values(true, &phases)
    };
    let time = phases.iter().map(|(_, time)| minutes(*time)).sum();
    begin(
        out,
        STEP,
        name,
        &[
            (sync_requests("200"), of(|failed| 100.0 - failed)),
            (sync_requests("500"), of(|failed| failed)),
            (sync_up(), values(false, &[(Some(1.0), time)])),
        ],
    );
}

/// One alert at a time, or none: severity, service, objective, its description, and the share of errors shown.
fn alert(out: &mut String, name: &str, time: &str, expected: Option<(&str, &str, &str, &str, &str)>) {
    let _ = write!(out, "      - {{eval_time: {time}, alertname: {name}, exp_alerts: [");
    if let Some((severity, service, slo, description, shown)) = expected {
        let _ = write!(
            out,
            "\n          {{exp_labels: {{severity: {severity}, service: {service}, slo: {slo}}}, exp_annotations: {{summary: \
             {:?}, description: {:?}, runbook_url: {:?}}}}},\n        ",
            format!("{service} burns the error budget of {slo}"),
            format!("Promised: {description} Errors: {shown}."),
            format!("{RUNBOOKS}/{name}.md"),
        );
    }
    out.push_str("]}\n");
}

/// Expressions that have a series at a time, or none.
fn values_at(out: &mut String, checks: &[(&str, &str, bool)]) {
    out.push_str("    promql_expr_test:\n");
    for (expr, time, there) in checks {
        let samples = if *there { "{labels: '{}', value: 1}" } else { "" };
        let _ = writeln!(out, "      - {{expr: 'count({expr})', eval_time: {time}, exp_samples: [{samples}]}}");
    }
}

/// A latency objective counts what is above its threshold, at the very bound of a bucket.
fn latency(out: &mut String) {
    let at = r#"method="GET",path="/v1/orders",job="gateway",instance="gateway:3000",service="gateway""#;
    let name = "gateway_request_duration_seconds";
    let inputs = [
        (format!(r#"{name}_bucket{{le="0.05",{at}}}"#), values(true, &[(Some(20.0), minutes(90))])),
        (format!(r#"{name}_bucket{{le="+Inf",{at}}}"#), values(true, &[(Some(100.0), minutes(90))])),
        (format!("{name}_count{{{at}}}"), values(true, &[(Some(100.0), minutes(90))])),
    ];
    begin(out, STEP, "requests above the threshold are errors", &inputs);
    out.push_str("    alert_rule_test:\n");
    let slo =
        ("critical", "gateway", "gateway-latency", "95 % of requests through the gateway take at most 50 ms.", "80%");
    alert(out, "ErrorBudgetBurnFast", "80m", Some(slo));
}

/// A bound counts the time above it.
fn connections(out: &mut String) {
    let at = r#"organization="acme",job="gateway",instance="gateway:3000",service="gateway""#;
    let series = |kind: &str| format!(r#"gateway_active_connections{{kind="{kind}",{at}}}"#);
    let inputs = [
        (series("http"), values(false, &[(Some(4_000.0), minutes(90))])),
        (series("websocket"), values(false, &[(Some(1_000.0), minutes(60)), (Some(1_001.0), minutes(30))])),
    ];
    begin(out, STEP, "time above a bound is an error, time at it is none", &inputs);
    out.push_str("    alert_rule_test:\n");
    alert(out, "ErrorBudgetBurnFast", "59m", None);
    let slo = (
        "critical",
        "gateway",
        "gateway-connections",
        "For 99.9 % of the time at most 5,000 connections are open.",
        "47.54%",
    );
    alert(out, "ErrorBudgetBurnFast", "88m", Some(slo));

    let idle = [("unrelated".to_owned(), "1+0x60".to_owned())];
    begin(out, STEP, "nothing is above where nothing is counted", &idle);
    out.push_str("    alert_rule_test:\n");
    alert(out, "ErrorBudgetBurnFast", "50m", None);
    alert(out, "ErrorBudgetBurnSlow", "50m", None);
}

/// Seconds between two samples where moments count.
const MOMENT: u64 = 15;

/// A bound that is passed for a moment.
fn moments(out: &mut String) {
    let series = r#"gateway_active_connections{kind="http",organization="acme",job="gateway",instance="gateway:3000",service="gateway"}"#;
    // Within five hours one sample above, which is less than a thousandth: errors within the budget.
    let above = |at: u64, rest: u64| {
        let phases = [(Some(5_000.0), at), (Some(5_001.0), 1), (Some(5_000.0), rest)];
        [(series.to_owned(), values(false, &phases))]
    };
    begin(out, MOMENT, "one sample above in four and a half hours is within the budget", &above(1_050, 60));
    out.push_str("    alert_rule_test:\n");
    alert(out, "ErrorBudgetBurnFast", "263m", None);
    alert(out, "ErrorBudgetBurnSlow", "263m", None);
    // One in two hours is more than the budget, and no more than a warning.
    begin(out, MOMENT, "one sample above in two hours is a warning", &above(480, 60));
    values_at(
        out,
        &[
            ("ALERTS{alertname=\"ErrorBudgetBurnFast\"}", "121m", false),
            ("ALERTS{alertname=\"ErrorBudgetBurnSlow\",severity=\"warning\",alertstate=\"firing\"}", "121m", true),
        ],
    );
}

/// A budget of a tenth cannot burn 14.4 times as fast as it may: six times is what is told.
fn cache(out: &mut String) {
    let at = r#"cache="api_keys",job="gateway",instance="gateway:3000",service="gateway""#;
    let series = |result: &str| format!(r#"gateway_cache_requests_total{{result="{result}",{at}}}"#);
    let inputs = [
        (series("hit"), values(true, &[(Some(30.0), minutes(120))])),
        (series("miss"), values(true, &[(Some(70.0), minutes(120))])),
    ];
    begin(out, STEP, "a large budget burns as fast as it can", &inputs);
    out.push_str("    alert_rule_test:\n");
    let slo = ("critical", "gateway", "cache-hits", "90 % of look-ups find their entry.", "70%");
    alert(out, "ErrorBudgetBurnFast", "110m", Some(slo));
}
