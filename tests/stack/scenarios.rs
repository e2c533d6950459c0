//! A scenario for every shipped alert.

use watchkeeper::stack::{Settings, alerts};

use crate::inputs::{Line, STEP, counter, gauge, histogram, values};
use crate::scenario::{self, Scenario, begin};

/// Every scenario, by the file of its alert.
pub(crate) fn all() -> Vec<(&'static str, Vec<Scenario>)> {
    vec![
        ("availability", availability()),
        ("http", http()),
        ("gateway", gateway()),
        ("billing", billing()),
        ("database", database()),
        ("machine", machine()),
        ("realtime", realtime()),
        ("sync", sync()),
        ("monitor", monitor()),
    ]
}

/// The test files, by name.
pub(crate) fn files() -> Vec<(String, String)> {
    let settings = Settings::default();
    let files = alerts::all(&settings);
    let write = |(name, scenarios): (&'static str, Vec<Scenario>)| {
        let (_, rules) = files.iter().find(|(file, _)| *file == name).expect("a shipped file");
        let mut out = scenario::file(STEP, &[name]);
        scenarios.iter().for_each(|scenario| scenario.write(&mut out, rules, &settings));
        match name {
            "availability" => lost_target(&mut out),
            "database" => unknown_limit(&mut out),
            "monitor" => {
                watchdog(&mut out, &settings);
                single_failures(&mut out);
            }
            _ => {}
        }
        (name.to_owned(), out)
    };
    all().into_iter().map(write).chain([("payments".to_owned(), payment_spikes(&settings))]).collect()
}

fn up(alert: &'static str, job: &'static str, pending: u64) -> Scenario {
    let series = format!("up{{job=\"{job}\",instance=\"{job}:3000\",service=\"{job}\"}}");
    Scenario {
        alert,
        labels: vec![("job", job), ("instance", "HOST"), ("service", job)],
        shown: "0",
        holds_after: 0,
        pending,
        lines: vec![gauge(&series, 0.0, 1.0)],
    }
    .at(match job {
        "api" => "api:3000",
        "sync" => "sync:3000",
        _ => "billing:3000",
    })
}

impl Scenario {
    fn at(mut self, instance: &'static str) -> Self {
        for label in &mut self.labels {
            if label.0 == "instance" {
                label.1 = instance;
            }
        }
        self
    }
}

fn availability() -> Vec<Scenario> {
    vec![up("APIDown", "api", 1), up("ServiceDown", "billing", 1), up("APIUnavailable", "sync", 2)]
}

/// A service that service discovery has lost: there is no `up` any more.
fn lost_target(out: &mut String) {
    let series = r#"up{job="api",instance="api:3000",service="api"}"#.to_owned();
    begin(
        out,
        STEP,
        "APIDown fires for a day when the target is gone",
        &[(series, values(false, &[(Some(1.0), 60), (None, 3_200)]))],
    );
    out.push_str("    promql_expr_test:\n");
    // Prometheus takes the last value for as long as five minutes.
    for (time, fires) in [("36m", true), ("90m", true), ("1440m", true), ("1480m", false)] {
        let samples = if fires { "{labels: '{}', value: 1}" } else { "" };
        let expr = r#"count(ALERTS{alertname="APIDown",alertstate="firing"})"#;
        *out += &format!("      - {{expr: '{expr}', eval_time: {time}, exp_samples: [{samples}]}}\n");
    }
}

const API: [(&str, &str); 2] = [("job", "api"), ("service", "api")];

fn http() -> Vec<Scenario> {
    let requests = |path: &str, status: &str, bad, below| {
        let labels =
            format!(r#"method="GET",path="{path}",status="{status}",job="api",instance="api:3000",service="api""#);
        counter(&format!("http_requests_total{{{labels}}}"), bad, below)
    };
    let buckets = |path: &str, buckets: &[(&str, f64, f64)]| {
        let labels = format!(r#"method="GET",path="{path}",job="api",instance="api:3000",service="api""#);
        histogram("http_request_duration_seconds", &labels, buckets)
    };
    vec![
        Scenario {
            alert: "HighErrorRate",
            labels: API.to_vec(),
            shown: "6%",
            holds_after: 0,
            pending: 5,
            // Two routes and three statuses: a share of each route alone would be 1 for some and 0 for others.
            lines: vec![
                requests("/orders/{id}", "200", 54.0, 55.5),
                requests("/orders/{id}", "500", 6.0, 4.5),
                requests("/login", "200", 30.0, 30.0),
                requests("/login", "401", 10.0, 10.0),
                requests("/login", "500", 0.0, 0.0),
            ],
        },
        Scenario {
            alert: "HighResponseTime",
            labels: API.to_vec(),
            shown: "1.429s",
            holds_after: 0,
            pending: 5,
            lines: buckets(
                "/orders/{id}",
                &[("0.5", 0.0, 0.0), ("1.0", 93.0, 96.0), ("2.5", 100.0, 100.0), ("+Inf", 100.0, 100.0)],
            ),
        },
        Scenario {
            alert: "HighScanLatency",
            labels: vec![("job", "api"), ("path", "/api/scan"), ("service", "api")],
            shown: "357.1ms",
            holds_after: 0,
            pending: 1,
            // Another route that is slow all the time is none of its business.
            lines: buckets(
                "/api/scan",
                &[("0.25", 0.0, 0.0), ("0.3", 93.0, 96.0), ("0.5", 100.0, 100.0), ("+Inf", 100.0, 100.0)],
            )
            .into_iter()
            .chain(buckets("/reports", &[("0.5", 0.0, 0.0), ("1.0", 100.0, 100.0), ("+Inf", 100.0, 100.0)]))
            .collect(),
        },
    ]
}

const GATEWAY: [(&str, &str); 2] = [("job", "gateway"), ("service", "gateway")];
const AT_GATEWAY: &str = r#"job="gateway",instance="gateway:3000",service="gateway""#;

fn gateway() -> Vec<Scenario> {
    let of_gateway = |name: &str, labels: &str, bad, below| {
        let comma = if labels.is_empty() { "" } else { "," };
        counter(&format!("{name}{{{labels}{comma}{AT_GATEWAY}}}"), bad, below)
    };
    let cache = |cache: &str, result: &str, bad, below| {
        of_gateway("gateway_cache_requests_total", &format!(r#"cache="{cache}",result="{result}""#), bad, below)
    };
    vec![
        Scenario {
            alert: "HighRequestLatency",
            labels: GATEWAY.to_vec(),
            shown: "128.6ms",
            holds_after: 0,
            pending: 5,
            lines: histogram(
                "gateway_request_duration_seconds",
                &format!(r#"method="GET",path="/v1/orders",{AT_GATEWAY}"#),
                &[("0.05", 0.0, 0.0), ("0.1", 93.0, 96.0), ("0.2", 100.0, 100.0), ("+Inf", 100.0, 100.0)],
            ),
        },
        Scenario {
            alert: "KafkaProducerLag",
            labels: vec![("job", "gateway"), ("instance", "gateway:3000"), ("service", "gateway")],
            shown: "1001",
            holds_after: 0,
            pending: 5,
            lines: vec![gauge(&format!("gateway_kafka_producer_lag_messages{{{AT_GATEWAY}}}"), 1001.0, 1000.0)],
        },
        Scenario {
            alert: "RateLimitSpike",
            labels: GATEWAY.to_vec(),
            shown: "110",
            holds_after: 300,
            pending: 5,
            lines: vec![
                of_gateway(
                    "gateway_rate_limit_hits_total",
                    r#"organization="acme",limit="per_minute""#,
                    1_800.0,
                    1_500.0,
                ),
                of_gateway(
                    "gateway_rate_limit_hits_total",
                    r#"organization="hooli",limit="per_minute""#,
                    1_500.0,
                    1_470.0,
                ),
            ],
        },
        Scenario {
            alert: "CacheMissRate",
            labels: vec![("cache", "api_keys"), ("job", "gateway"), ("service", "gateway")],
            shown: "69%",
            holds_after: 0,
            pending: 10,
            // The other cache hits nearly always, and must not make up for this one.
            lines: vec![
                cache("api_keys", "hit", 69.0, 71.0),
                cache("api_keys", "miss", 31.0, 29.0),
                cache("routes", "hit", 999.0, 999.0),
                cache("routes", "miss", 1.0, 1.0),
            ],
        },
        Scenario {
            alert: "AuthenticationFailures",
            labels: GATEWAY.to_vec(),
            shown: "12",
            holds_after: 270,
            pending: 5,
            lines: vec![
                of_gateway("gateway_auth_failures_total", r#"reason="invalid_key""#, 4.0, 3.0),
                of_gateway("gateway_auth_failures_total", r#"reason="missing_key""#, 2.0, 1.5),
            ],
        },
    ]
}

const BILLING: [(&str, &str); 2] = [("job", "billing"), ("service", "billing")];
const AT_BILLING: &str = r#"job="billing",instance="billing:3000",service="billing""#;

fn billing() -> Vec<Scenario> {
    let outcome = |name: &str, status: &str, bad, below| {
        counter(&format!(r#"{name}{{status="{status}",{AT_BILLING}}}"#), bad, below)
    };
    vec![
        Scenario {
            alert: "InvoiceGenerationFailures",
            labels: BILLING.to_vec(),
            shown: "94%",
            holds_after: 0,
            pending: 10,
            lines: vec![
                outcome("billing_invoices_generated_total", "success", 94.0, 96.0),
                outcome("billing_invoices_generated_total", "error", 6.0, 4.0),
            ],
        },
        Scenario {
            alert: "PdfGenerationDelays",
            labels: BILLING.to_vec(),
            shown: "6.429s",
            holds_after: 0,
            pending: 5,
            lines: histogram(
                "billing_pdf_generation_duration_seconds",
                AT_BILLING,
                &[("2.5", 0.0, 0.0), ("5.0", 93.0, 96.0), ("10.0", 100.0, 100.0), ("+Inf", 100.0, 100.0)],
            ),
        },
        Scenario {
            alert: "EmailDeliveryIssues",
            labels: BILLING.to_vec(),
            shown: "94%",
            holds_after: 0,
            pending: 10,
            lines: vec![
                outcome("billing_emails_sent_total", "success", 94.0, 96.0),
                outcome("billing_emails_sent_total", "error", 6.0, 4.0),
            ],
        },
    ]
}

/// Seconds between two samples where days pass.
const LONG_STEP: u64 = 300;

/// Payments fail at one rate for more than a day, then at another for an hour.
fn payment_spikes(settings: &Settings) -> String {
    let mut out = scenario::file(LONG_STEP, &["billing"]);
    let hours = |hours: u64| hours * 3600 / LONG_STEP;
    let series = |status: &str| format!(r#"payments_total{{status="{status}",{AT_BILLING}}}"#);
    let mut scenario = Scenario {
        alert: "PaymentFailureSpike",
        labels: BILLING.to_vec(),
        shown: "",
        holds_after: 0,
        pending: 15,
        lines: Vec::new(),
    };
    let (_, rules) = alerts::all(settings).into_iter().find(|(name, _)| *name == "billing").expect("a shipped file");
    let alert = rules.alerts().find(|alert| alert.name() == scenario.alert).expect("a shipped alert");
    // At a time, nobody or the value that is shown.
    let mut case = |name: &str, failed: &[(Option<f64>, u64)], checks: &[(&str, Option<&'static str>)]| {
        let good = (Some(1.0), failed.iter().map(|(_, steps)| steps).sum());
        let inputs = [(series("failed"), values(true, failed)), (series("succeeded"), values(true, &[good]))];
        begin(&mut out, LONG_STEP, &format!("PaymentFailureSpike {name}"), &inputs);
        out.push_str("    alert_rule_test:\n");
        for &(time, shown) in checks {
            scenario.shown = shown.unwrap_or_default();
            let expected = shown.map(|_| scenario.expected(alert, settings));
            scenario.check(&mut out, time.to_owned(), expected.as_slice());
        }
    };
    let (none, calm, high, below) = (Some(0.0), Some(0.5), Some(3.0), Some(0.9));
    case(
        "fires and resolves",
        &[(calm, hours(26)), (high, hours(2)), (calm, hours(2))],
        // The hour's rate is twice the day's after a quarter of an hour; a quarter later somebody is told.
        &[("26h", None), ("26h25m", None), ("26h45m", Some("7.917m")), ("28h", Some("10m")), ("30h", None)],
    );
    case("just below", &[(calm, hours(26)), (below, hours(2))], &[("28h", None)]);
    case("without traffic", &[(none, hours(28))], &[("28h", None)]);
    case("without data", &[(None, hours(28))], &[("28h", None)]);
    case(
        "has nothing to compare with on the first day",
        &[(high, hours(20))],
        &[("2h", None), ("12h", None), ("20h", None)],
    );
    case(
        "takes four failures an hour after a day without any for what they are, and six for a spike",
        &[(none, hours(26)), (Some(0.37), hours(2)), (Some(0.5), hours(2))],
        &[("28h", None), ("30h", Some("1.667m"))],
    );
    out
}

fn database() -> Vec<Scenario> {
    let at_api = r#"job="api",instance="api:3000",service="api""#;
    vec![
        Scenario {
            alert: "DatabaseConnectionPoolExhaustion",
            labels: vec![("job", "api"), ("instance", "api:3000"), ("service", "api")],
            shown: "9%",
            holds_after: 0,
            pending: 5,
            lines: vec![
                gauge(&format!("db_connections_active{{{at_api}}}"), 91.0, 90.0),
                gauge(&format!("db_connections_max{{{at_api}}}"), 100.0, 100.0),
            ],
        },
        Scenario {
            alert: "DatabaseConnectionIssues",
            labels: vec![("job", "postgres"), ("instance", "postgres-exporter:9187"), ("service", "postgres")],
            shown: "0",
            holds_after: 0,
            pending: 1,
            lines: vec![gauge(
                r#"pg_up{job="postgres",instance="postgres-exporter:9187",service="postgres"}"#,
                0.0,
                1.0,
            )],
        },
    ]
}

/// A pool whose limit nobody has set.
fn unknown_limit(out: &mut String) {
    let at_api = r#"job="api",instance="api:3000",service="api""#;
    let gauge = |name: &str, value| (format!("{name}{{{at_api}}}"), values(false, &[(Some(value), 60)]));
    begin(
        out,
        STEP,
        "DatabaseConnectionPoolExhaustion takes a limit of 0 for none",
        &[gauge("db_connections_active", 7.0), gauge("db_connections_max", 0.0)],
    );
    out.push_str(
        "    alert_rule_test:\n      \
         - {eval_time: 20m, alertname: DatabaseConnectionPoolExhaustion, exp_alerts: []}\n",
    );
}

fn machine() -> Vec<Scenario> {
    let at_node = r#"job="node",instance="node-exporter:9100",service="node""#;
    let disk = format!(r#"device="/dev/sda1",fstype="ext4",mountpoint="/",{at_node}"#);
    let other = format!(r#"device="/dev/sdb1",fstype="ext4",mountpoint="/mnt/full",{at_node}"#);
    vec![
        Scenario {
            alert: "LowDiskSpace",
            labels: vec![
                ("device", "/dev/sda1"),
                ("fstype", "ext4"),
                ("instance", "node-exporter:9100"),
                ("job", "node"),
                ("mountpoint", "/"),
                ("service", "node"),
            ],
            shown: "9%",
            holds_after: 0,
            pending: 5,
            lines: vec![
                gauge(&format!("node_filesystem_avail_bytes{{{disk}}}"), 9.0, 10.0),
                gauge(&format!("node_filesystem_size_bytes{{{disk}}}"), 100.0, 100.0),
                gauge(&format!("node_filesystem_avail_bytes{{{other}}}"), 0.0, 0.0),
                gauge(&format!("node_filesystem_size_bytes{{{other}}}"), 100.0, 100.0),
            ],
        },
        Scenario {
            alert: "HighMemoryUsage",
            labels: vec![("instance", "node-exporter:9100"), ("job", "node"), ("service", "node")],
            shown: "91%",
            holds_after: 0,
            pending: 5,
            lines: vec![
                gauge(&format!("node_memory_MemAvailable_bytes{{{at_node}}}"), 9.0, 10.0),
                gauge(&format!("node_memory_MemTotal_bytes{{{at_node}}}"), 100.0, 100.0),
            ],
        },
    ]
}

fn realtime() -> Vec<Scenario> {
    let closed = |reason: &str, bad, below| {
        let labels = r#"job="realtime",instance="realtime:3000",service="realtime""#;
        counter(&format!(r#"websocket_disconnections_total{{reason="{reason}",{labels}}}"#), bad, below)
    };
    vec![Scenario {
        alert: "WebSocketDisconnectSpike",
        labels: vec![("job", "realtime"), ("service", "realtime")],
        shown: "12",
        holds_after: 270,
        pending: 1,
        // Any number of clients may say goodbye.
        lines: vec![closed("dropped", 0.8, 0.5), closed("timeout", 0.4, 0.4), closed("client_closed", 500.0, 500.0)],
    }]
}

fn sync() -> Vec<Scenario> {
    let of_sync = r#"source="crm",target="shop",job="sync",instance="sync:3000",service="sync""#;
    let ended = |status: &str, bad, below| {
        counter(&format!(r#"sync_operations_total{{status="{status}",{of_sync}}}"#), bad, below)
    };
    let labels = vec![("job", "sync"), ("service", "sync"), ("source", "crm"), ("target", "shop")];
    vec![
        Scenario {
            alert: "SyncErrorRate",
            labels: labels.clone(),
            shown: "6%",
            holds_after: 0,
            pending: 5,
            lines: vec![ended("success", 94.0, 95.0), ended("error", 6.0, 5.0)],
        },
        Scenario {
            alert: "SyncLatencyHigh",
            labels,
            shown: "6.429s",
            holds_after: 0,
            pending: 10,
            lines: histogram(
                "sync_duration_seconds",
                of_sync,
                &[("2.0", 0.0, 0.0), ("5.0", 93.0, 96.0), ("10.0", 100.0, 100.0), ("+Inf", 100.0, 100.0)],
            ),
        },
    ]
}

fn monitor() -> Vec<Scenario> {
    let prometheus = r#"job="prometheus",instance="localhost:9090",service="prometheus""#;
    let at_prometheus = [("job", "prometheus"), ("instance", "localhost:9090"), ("service", "prometheus")];
    let with = |name, value| at_prometheus.into_iter().chain([(name, value)]).collect::<Vec<_>>();
    let failing = |alert, series: String, labels| Scenario {
        alert,
        labels,
        shown: "10",
        holds_after: 0,
        pending: 10,
        lines: vec![counter(&series, 1.0, 0.0)],
    };
    vec![
        Scenario {
            alert: "TargetDown",
            labels: vec![("job", "redis"), ("instance", "redis-exporter:9121"), ("service", "redis")],
            shown: "0",
            holds_after: 0,
            pending: 5,
            lines: vec![gauge(r#"up{job="redis",instance="redis-exporter:9121",service="redis"}"#, 0.0, 1.0)],
        },
        failing(
            "RuleEvaluationFailures",
            format!(r#"prometheus_rule_evaluation_failures_total{{rule_group="rules/http.yml;http",{prometheus}}}"#),
            with("rule_group", "rules/http.yml;http"),
        ),
        failing(
            "AlertSendingFailures",
            format!(r#"prometheus_notifications_errors_total{{alertmanager="http://alertmanager:9093",{prometheus}}}"#),
            with("alertmanager", "http://alertmanager:9093"),
        ),
        Scenario {
            alert: "NotificationFailures",
            labels: vec![
                ("integration", "email"),
                ("job", "alertmanager"),
                ("instance", "alertmanager:9093"),
                ("service", "alertmanager"),
            ],
            shown: "20",
            holds_after: 0,
            pending: 1,
            lines: vec![counter(&failed_notifications(), 1.0, 0.0)],
        },
        Scenario {
            alert: "ConfigurationNotLoaded",
            labels: at_prometheus.to_vec(),
            shown: "0",
            holds_after: 0,
            pending: 5,
            lines: vec![gauge(&format!("prometheus_config_last_reload_successful{{{prometheus}}}"), 0.0, 1.0)],
        },
        Scenario {
            alert: "WatchkeeperDropping",
            labels: vec![
                ("instance", "api:3000"),
                ("job", "api"),
                ("reason", "full"),
                ("service", "api"),
                ("sink", "logs"),
            ],
            shown: "20",
            holds_after: 0,
            pending: 1,
            lines: ["logs", "traces"]
                .map(|sink| -> Line {
                    let labels = r#"reason="full",job="api",instance="api:3000",service="api""#;
                    let lost = if sink == "logs" { 1.0 } else { 0.0 };
                    counter(&format!(r#"watchkeeper_dropped_total{{sink="{sink}",{labels}}}"#), lost, 0.0)
                })
                .to_vec(),
        },
    ]
}

fn failed_notifications() -> String {
    let at = r#"job="alertmanager",instance="alertmanager:9093",service="alertmanager""#;
    format!(r#"alertmanager_notifications_failed_total{{integration="email",{at}}}"#)
}

/// One notification that was lost is told; one evaluation that failed is not, since the next one comes.
fn single_failures(out: &mut String) {
    let once = values(true, &[(Some(0.0), 20)]) + " 1+0x60";
    let rules = r#"prometheus_rule_evaluation_failures_total{rule_group="a",job="prometheus",service="prometheus"}"#;
    let inputs = [(failed_notifications(), once.clone()), (rules.to_owned(), once)];
    begin(out, STEP, "one lost notification is told, one failed evaluation is not", &inputs);
    out.push_str("    promql_expr_test:\n");
    for (time, firing) in [("15m", true), ("25m", false)] {
        let samples = if firing { r#"{labels: '{alertname="NotificationFailures"}', value: 1}"# } else { "" };
        let failures = r#"count by (alertname) (ALERTS{alertname=~".*Failures",alertstate="firing"})"#;
        *out += &format!("      - {{expr: '{failures}', eval_time: {time}, exp_samples: [{samples}]}}\n");
    }
}

/// The one alert that always fires.
fn watchdog(out: &mut String, settings: &Settings) {
    let scenario =
        Scenario { alert: "Watchdog", labels: Vec::new(), shown: "1", holds_after: 0, pending: 0, lines: Vec::new() };
    let (_, rules) = alerts::all(settings).into_iter().find(|(name, _)| *name == "monitor").expect("a shipped file");
    let alert = rules.alerts().find(|alert| alert.name() == "Watchdog").expect("a shipped alert");
    begin(out, STEP, "Watchdog fires without any data", &[("unrelated".to_owned(), "1+0x100".to_owned())]);
    out.push_str("    alert_rule_test:\n");
    for time in ["0m", "1m", "40m"] {
        scenario.check(out, time.to_owned(), &[scenario.expected(alert, settings)]);
    }
}

#[test]
fn every_shipped_alert_has_a_scenario() {
    let mut tried: Vec<&str> =
        all().into_iter().flat_map(|(_, scenarios)| scenarios).map(|scenario| scenario.alert).collect();
    tried.extend(["PaymentFailureSpike", "Watchdog"]);
    tried.sort_unstable();
    let files = alerts::all(&Settings::default());
    let mut shipped: Vec<&str> = files.iter().flat_map(|(_, file)| file.alerts()).map(|alert| alert.name()).collect();
    shipped.sort_unstable();
    assert_eq!(tried, shipped);
}
