//! The traps in rules that people copy, each shown beside what is shipped.

use crate::inputs::{STEP, values};
use crate::scenario::{begin, file as begin_file};

/// The test file, with its name.
pub(crate) fn file() -> (String, String) {
    let mut out = begin_file(STEP, &["http", "panels"]);
    let at = r#"method="GET",job="api",instance="api:3000",service="api""#;
    let requests = |path: &str, status: &str| format!(r#"http_requests_total{{path="{path}",status="{status}",{at}}}"#);

    let inputs = [
        (requests("/a", "200"), values(true, &[(Some(96.0), 60)])),
        (requests("/a", "500"), values(true, &[(Some(4.0), 60)])),
    ];
    begin(&mut out, STEP, "errors divided by a total of the same labels are 1 each, not a share", &inputs);
    checks(
        &mut out,
        &[
            (r#"rate(http_requests_total{status=~"5.."}[5m]) / rate(http_requests_total[5m])"#, "20m", "1"),
            ("service:http_errors:ratio_rate5m", "20m", "0.04"),
            (r#"count(ALERTS{alertname="HighErrorRate"})"#, "20m", ""),
        ],
    );

    let inputs = [
        (requests("/a", "200"), values(true, &[(Some(0.0), 60)])),
        (requests("/a", "500"), values(true, &[(Some(0.0), 60)])),
    ];
    begin(&mut out, STEP, "a share without traffic is no number, and nothing fires", &inputs);
    checks(
        &mut out,
        &[
            ("service:http_errors:ratio_rate5m", "20m", "NaN"),
            ("service:http_errors:ratio_rate5m > 0.05", "20m", ""),
            ("service:http_errors:ratio_rate5m <= 0.05", "20m", ""),
            (r#"count(ALERTS{alertname=~"High.*"})"#, "20m", ""),
        ],
    );

    // A day of quick answers, then slow ones.
    let bucket = |le: &str| format!(r#"http_request_duration_seconds_bucket{{path="/a",le="{le}",{at}}}"#);
    let inputs = [
        (bucket("1.0"), values(true, &[(Some(100.0), 1_000), (Some(0.0), 40)])),
        (bucket("2.5"), values(true, &[(Some(100.0), 1_000), (Some(100.0), 40)])),
        (bucket("+Inf"), values(true, &[(Some(100.0), 1_000), (Some(100.0), 40)])),
    ];
    begin(&mut out, STEP, "a quantile of totals is that of a lifetime, and hides what happens now", &inputs);
    checks(
        &mut out,
        &[
            ("histogram_quantile(0.95, sum by (le) (http_request_duration_seconds_bucket)) > 1", "519m", ""),
            ("service:http_request_duration_seconds:p95_rate5m", "519m", "2.425"),
            (r#"count(ALERTS{alertname="HighResponseTime",alertstate="firing"})"#, "519m", "1"),
        ],
    );

    let inputs = [
        ("late".to_owned(), values(true, &[(None, 20)]) + " 10+0x40"),
        ("from_zero".to_owned(), values(true, &[(Some(0.0), 20)]) + " 10+0x40"),
    ];
    begin(&mut out, STEP, "a counter that does not start at zero hides its first rise", &inputs);
    checks(&mut out, &[("increase(late[5m])", "11m", "0"), ("increase(from_zero[5m]) > bool 9", "11m", "1")]);

    // Samples every 30 s: a minute holds two at best, one when a scrape fails.
    let inputs = [("seen".to_owned(), "0 10 _ 30 _ 50 _ 70 _ 90 100 110 120".to_owned())];
    begin(&mut out, STEP, "a rate over fewer than four scrapes loses data when one fails", &inputs);
    checks(&mut out, &[("rate(seen[1m])", "3m15s", ""), ("rate(seen[2m]) > bool 0", "3m15s", "1")]);

    // A restart in the middle of good traffic.
    let restart = values(true, &[(Some(96.0), 40)]) + " " + &values(true, &[(Some(96.0), 40)]);
    let failed = values(true, &[(Some(4.0), 40)]) + " " + &values(true, &[(Some(4.0), 40)]);
    begin(
        &mut out,
        STEP,
        "a restart is no spike",
        &[(requests("/a", "200"), restart), (requests("/a", "500"), failed)],
    );
    checks(&mut out, &[(r#"count(ALERTS{alertname="HighErrorRate"})"#, "25m", "")]);

    ("traps".to_owned(), out)
}

/// Writes what expressions are at a time; nothing where there is no series.
fn checks(out: &mut String, checks: &[(&str, &str, &str)]) {
    out.push_str("    promql_expr_test:\n");
    for (expr, time, value) in checks {
        // Labels are not the matter here: the largest value has none.
        let (expr, samples) = match *value {
            "" => (format!("count({expr})"), String::new()),
            "NaN" => (format!("count(({expr}) != ({expr}))"), "{labels: '{}', value: 1}".to_owned()),
            value => (format!("max({expr})"), format!("{{labels: '{{}}', value: {value}}}")),
        };
        *out += &format!("      - {{expr: '{expr}', eval_time: {time}, exp_samples: [{samples}]}}\n");
    }
}
