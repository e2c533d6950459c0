//! Expressions as another parser reads them, and those that are refused.

use promql_parser::parser;
use watchkeeper::metric::{CounterDesc, Describe, GaugeDesc};
use watchkeeper::presets::auth::{ACTIVE_SESSIONS, LOGIN_ATTEMPTS};
use watchkeeper::presets::billing::MRR;
use watchkeeper::presets::database::{CONNECTIONS_ACTIVE, CONNECTIONS_MAX};
use watchkeeper::presets::http::{CONNECTIONS_ACTIVE as HTTP_CONNECTIONS, REQUEST_DURATION, REQUESTS};
use watchkeeper::presets::payment::PAYMENTS;
use watchkeeper::presets::{CATALOGUE, Entry};
use watchkeeper::promql::{self, ExporterMetric, Expr, Scope, Window, number, select};

const UP: ExporterMetric = ExporterMetric::gauge("prometheus", "up", &[]);

fn rendered(expr: &Expr) -> String {
    expr.render(&Scope::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// Reads an expression with the other parser, and writes it as that one does.
#[track_caller]
fn read(expression: &str) -> String {
    let parsed = parser::parse(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
    parsed.to_string()
}

#[test]
fn every_form_is_written_as_expected_and_read_by_another_parser() {
    let failed = || select(&REQUESTS).matching("status", "5..");
    let rate = || promql::rate(&PAYMENTS, "5m").sum();
    let forms: Vec<(Expr, &str)> = vec![
        (Expr::from(&ACTIVE_SESSIONS), "active_sessions"),
        (promql::rate(&LOGIN_ATTEMPTS, "5m").sum_by(&["result"]), "sum by (result) (rate(login_attempts_total[5m]))"),
        (
            promql::increase(select(&PAYMENTS).eq("status", "failed"), "1h").sum(),
            r#"sum(increase(payments_total{status="failed"}[1h]))"#,
        ),
        (
            promql::rate(failed().ne("method", "GET"), "5m"),
            r#"rate(http_requests_total{status=~"5..",method!="GET"}[5m])"#,
        ),
        (
            promql::rate(select(&REQUESTS).not_matching("path", "/a\"b\\.c|\n"), "5m"),
            r#"rate(http_requests_total{path!~"/a\"b\\.c|\n"}[5m])"#,
        ),
        (
            promql::rate(select(&REQUESTS).eq("job", "$job"), Window::RATE_INTERVAL),
            r#"rate(http_requests_total{job="$job"}[$__rate_interval])"#,
        ),
        (
            promql::quantile(0.95, &REQUEST_DURATION, "5m", &["path"]),
            "histogram_quantile(0.95, sum by (le, path) (rate(http_request_duration_seconds_bucket[5m])))",
        ),
        (
            promql::mean(&REQUEST_DURATION, "5m", &[]),
            "sum(rate(http_request_duration_seconds_sum[5m])) / sum(rate(http_request_duration_seconds_count[5m]))",
        ),
        (
            promql::rate(promql::bucket(&REQUEST_DURATION, 1.0), "5m").sum(),
            r#"sum(rate(http_request_duration_seconds_bucket{le="1.0"}[5m]))"#,
        ),
        (
            promql::rate(promql::observations(&REQUEST_DURATION), "5m").sum(),
            "sum(rate(http_request_duration_seconds_count[5m]))",
        ),
        (
            promql::share(failed(), &REQUESTS, "5m", &["job"]).gt(0.05),
            r#"sum by (job) (rate(http_requests_total{status=~"5.."}[5m])) / sum by (job) (rate(http_requests_total[5m])) > 0.05"#,
        ),
        (
            Expr::from(&CONNECTIONS_ACTIVE) / &CONNECTIONS_MAX * 100.0,
            "db_connections_active / db_connections_max * 100",
        ),
        (
            number(1.0) - (Expr::from(&CONNECTIONS_ACTIVE) - &CONNECTIONS_MAX),
            "1 - (db_connections_active - db_connections_max)",
        ),
        (
            (number(1.0) - rate()) * (rate() + 2.0) / (rate() / 3.0),
            "(1 - sum(rate(payments_total[5m]))) * (sum(rate(payments_total[5m])) + 2) / (sum(rate(payments_total[5m])) / 3)",
        ),
        (Expr::from(&MRR) / Expr::from(&MRR).offset("4w") - 1.0, "billing_mrr_cents / billing_mrr_cents offset 4w - 1"),
        (rate().offset("1d"), "sum(rate(payments_total[5m] offset 1d))"),
        (
            rate().max_over_time("1h", "1m").offset("1d"),
            "max_over_time(sum(rate(payments_total[5m]))[1h:1m] offset 1d)",
        ),
        ((rate() + 1.0).max_over_time("1h", "1m"), "max_over_time((sum(rate(payments_total[5m])) + 1)[1h:1m])"),
        (promql::max_over_time(&CONNECTIONS_ACTIVE, "1h").topk(3), "topk(3, max_over_time(db_connections_active[1h]))"),
        (
            Expr::from(&UP).equals(0.0).or(Expr::from(&UP).unless(Expr::from(&UP).gt(0.0))),
            "up == 0 or (up unless up > 0)",
        ),
        (Expr::from(&UP).or(&UP).and(Expr::from(&UP).or(&UP)), "(up or up) and (up or up)"),
        (promql::absent(select(&UP).eq("job", "api")).equals(1.0), r#"absent(up{job="api"}) == 1"#),
        (Expr::from(&ACTIVE_SESSIONS).clamp(0.0, 10.0).clamp_min(1.0), "clamp_min(clamp(active_sessions, 0, 10), 1)"),
        (
            Expr::from(&UP).on(&["job"]).unless(promql::rate(&REQUESTS, "5m").sum_by(&["job"])),
            "up unless on (job) sum by (job) (rate(http_requests_total[5m]))",
        ),
        (
            Expr::from(&HTTP_CONNECTIONS).on(&["instance"]).group_left(&["job"]).times(&UP),
            "http_connections_active * on (instance) group_left (job) up",
        ),
        (promql::time() - &ACTIVE_SESSIONS, "time() - active_sessions"),
        (rate().or(promql::vector(0.0)), "sum(rate(payments_total[5m])) or vector(0)"),
        (Expr::from(&ACTIVE_SESSIONS) * -1.0, "active_sessions * (-1)"),
        (
            promql::predict_linear(&ACTIVE_SESSIONS, "1h", 14_400.0).lt(0.0),
            "predict_linear(active_sessions[1h], 14400) < 0",
        ),
    ];
    for (expr, expected) in &forms {
        let text = rendered(expr);
        assert_eq!(text, *expected);
        // A variable of Grafana's is no PromQL until Grafana has put its value in.
        read(&text.replace("$__rate_interval", "1m"));
    }
}

/// The other parser writes every operator's operands, so a tree that it reads differently is seen.
#[test]
fn parentheses_keep_the_tree_that_was_built() {
    let a = || Expr::from(&ACTIVE_SESSIONS);
    let left = (a() - &ACTIVE_SESSIONS) - &ACTIVE_SESSIONS;
    let right = a() - (a() - &ACTIVE_SESSIONS);
    let parser::Expr::Binary(left) = parser::parse(&rendered(&left)).unwrap() else { panic!("a difference") };
    assert!(matches!(*left.lhs, parser::Expr::Binary(_)), "{left:?}");
    let parser::Expr::Binary(right) = parser::parse(&rendered(&right)).unwrap() else { panic!("a difference") };
    assert!(matches!(*right.rhs, parser::Expr::Paren(_)), "{right:?}");
}

#[test]
fn what_cannot_be_right_is_refused_with_the_reason() {
    let refused: Vec<(Expr, &str)> = vec![
        (promql::rate(&LOGIN_ATTEMPTS, "5m").sum_by(&["path"]), "`login_attempts_total` has no label `path`"),
        (promql::rate(select(&LOGIN_ATTEMPTS).eq("path", "/"), "5m"), "`login_attempts_total` has no label `path`"),
        (
            promql::rate(select(&LOGIN_ATTEMPTS).eq("result", "succes"), "5m"),
            "label `result` of `login_attempts_total` is never `succes`",
        ),
        (promql::rate(&ACTIVE_SESSIONS, "5m"), "rate of `active_sessions`, which is a gauge"),
        (promql::rate(&REQUEST_DURATION, "5m"), "rate of `http_request_duration_seconds`, which is a histogram"),
        (promql::max_over_time(&REQUESTS, "5m"), "max_over_time of `http_requests_total`, which is a counter"),
        (promql::quantile(0.95, &REQUESTS, "5m", &[]), "a quantile of `http_requests_total`, which is a counter"),
        (promql::quantile(95.0, &REQUEST_DURATION, "5m", &[]), "histogram_quantile: 95 is out of range"),
        (Expr::from(&REQUEST_DURATION), "the value of `http_request_duration_seconds`, which is a histogram"),
        (
            promql::rate(promql::bucket(&REQUEST_DURATION, 0.15), "5m"),
            "`http_request_duration_seconds` has no bucket that ends at 0.15",
        ),
        (promql::rate(&REQUESTS, "5"), "`5` is no duration such as 5m or 1h30m"),
        (Expr::from(&UP).offset("soon"), "`soon` is no duration such as 5m or 1h30m"),
        (promql::rate(&REQUESTS, "45s"), "a rate over 45s has fewer than four scrapes; at one every 15s it takes 1m"),
        (
            promql::rate(&REQUESTS, "5m").sum_by(&["path"]).sum_by(&["method"]),
            "`http_requests_total` has no label `method`",
        ),
        (
            promql::rate(select(&REQUESTS).matching("status", "5.."), "5m").sum_by(&["job", "status"])
                / promql::rate(&REQUESTS, "5m").sum_by(&["job"]),
            "series by (job, status) never meet series by (job)",
        ),
        (
            promql::rate(select(&REQUESTS).matching("status", "5.."), "5m") / promql::rate(&REQUESTS, "5m"),
            "series by `status` are a part of themselves: sum them up first",
        ),
        (number(1.0).gt(2.0), "> of a single number"),
        (number(1.0).sum(), "sum of a single number"),
        (number(f64::NAN) + 1.0, "a number: NaN is out of range"),
    ];
    for (expr, reason) in refused {
        assert_eq!(expr.render(&Scope::default()).unwrap_err().to_string(), reason);
    }
}

#[test]
fn the_scope_sets_prefix_windows_and_the_least_rate() {
    let expr =
        promql::rate(&REQUESTS, "5m").sum() / promql::rate(&REQUESTS, "1h").sum().offset("1d") * Expr::from(&UP).sum();
    let scope =
        Scope::default().prefix("shop").window_scale(1.0 / 60.0).scrape_interval(std::time::Duration::from_secs(1));
    let text = expr.render(&scope).unwrap();
    assert_eq!(
        text,
        "sum(rate(shop_http_requests_total[5s])) / sum(rate(shop_http_requests_total[1m] offset 24m)) * sum(up)"
    );
    read(&text);
    assert!(expr.render(&Scope::default().window_scale(0.1)).is_err(), "30 s at 15 s");
}

#[test]
fn a_query_of_any_metric_of_the_catalogue_is_read_by_another_parser() {
    for Entry { metric, .. } in CATALOGUE {
        let meta = metric.meta();
        let labels: Vec<_> = meta.labels.iter().map(|label| label.name).collect();
        let expr = match meta.kind.as_str() {
            "counter" => promql::rate(*metric, "5m").sum_by(&labels),
            "histogram" => promql::quantile(0.95, *metric, "5m", &labels),
            _ => Expr::from(*metric).sum_by(&labels),
        };
        read(&rendered(&expr));
        assert_eq!(expr.labels().len(), labels.len());
        assert_eq!(expr.uses().len(), 1);
    }
}

#[test]
fn a_metric_named_at_run_time_is_known_like_any_other() {
    let parcels = CounterDesc::<()>::try_new("parcels_total", "Parcels.").unwrap();
    let vans = GaugeDesc::<()>::try_new("vans", "Vans.").unwrap();
    let metrics: [&dyn Describe; 2] = [&parcels, &vans];
    assert_eq!(rendered(&promql::rate(metrics[0], "5m")), "rate(parcels_total[5m])");
    assert!(promql::rate(metrics[1], "5m").check().is_err());
}
