//! The stack for real: the shop, Prometheus with our configuration and rules, exporters, Alertmanager with our routes.
//!
//! Every window and `for` is a sixtieth of what is shipped, by the option that is there for it.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use serde_json::Value;
use watchkeeper::promql::Origin;
use watchkeeper::stack::alertmanager::{self, Routing};
use watchkeeper::stack::{Job, Settings, exporter, prometheus};

use crate::alertmanager::{Alertmanager, Loop, Receiver};
use crate::files::rule_files;
use crate::servers::Exporters;
use crate::support::client::Request;
use crate::support::example::Server;
use crate::support::process::{Folder, eventually, free_port};
use crate::support::prometheus::Prometheus;

const SECOND: Duration = Duration::from_secs(1);
const RUNBOOKS: &str = "https://runbooks.example.org";

fn address() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()))
}

struct Stack {
    shop: Server,
    prometheus: Prometheus,
    alertmanager: Alertmanager,
    receiver: Receiver,
    _exporters: Exporters,
}

impl Stack {
    fn start() -> Self {
        let shop = Server::start("shop", &["--traffic", "20"], &[]);
        let exporters = Exporters::start();
        exporters.wait_for_the_standby();
        let receiver = Receiver::start();
        let (watcher, notifier) = (address(), address());

        let mut routing = Routing::webhook_only(&format!("http://{}/hook", receiver.address));
        routing.timing = ["0s", "1s", "1m"].map(str::to_owned);
        let alertmanager = Alertmanager::start(notifier, &alertmanager::render(&routing));

        let mut settings = Settings::default();
        let job = |name, address: SocketAddr| Job::exporter(name, &address.to_string()).every(SECOND);
        settings.jobs = vec![
            Job::service("api", &shop.address.to_string()).every(SECOND),
            job("prometheus", watcher),
            job("alertmanager", notifier),
            job("node", exporters.node.address),
            job("postgres", exporters.postgres.address),
            job("redis", exporters.redis.address),
        ];
        settings.evaluation_interval = SECOND;
        settings.window_scale = 1.0 / 60.0;
        settings.runbooks = RUNBOOKS.to_owned();
        settings.alertmanagers = vec![notifier.to_string()];

        let folder = Folder::new("stack");
        let rules = folder.path().join("rules");
        std::fs::create_dir_all(&rules).expect("the folder can be written to");
        for (name, file) in rule_files(&settings) {
            let text = file.render(&settings.scope(), &settings.runbooks).unwrap_or_else(|error| panic!("{error}"));
            std::fs::write(rules.join(format!("{name}.yml")), text).expect("the folder can be written to");
        }
        std::fs::write(folder.path().join("prometheus.yml"), prometheus::render(&settings)).expect("a file");
        let prometheus = Prometheus::configured(watcher, folder);
        Self { shop, prometheus, alertmanager, receiver, _exporters: exporters }
    }

    /// Waits for an alert of the shop's to be in a state.
    #[track_caller]
    fn wait_for(&self, alert: &str, state: &str) {
        eventually(|| {
            let alerts = self.prometheus.api("alerts")["alerts"].clone();
            let alerts = alerts.as_array().cloned().unwrap_or_default();
            let of_shop = |found: &&Value| found["labels"]["alertname"] == alert && found["labels"]["service"] == "api";
            match alerts.iter().find(of_shop) {
                Some(found) if found["state"] == state => Ok(()),
                Some(found) => Err(format!("{alert} is {}", found["state"])),
                None if state == "inactive" => Ok(()),
                None => {
                    Err(format!("{alert} is inactive: {:?}", self.prometheus.query("service:http_errors:ratio_rate5m")))
                }
            }
        });
    }

    /// Waits until the receiver is told of an alert.
    #[track_caller]
    fn told(&self, alert: &str, status: &str) -> (String, Value) {
        eventually(|| self.receiver.alerts(alert, status).pop().ok_or_else(|| format!("nobody was told of {alert}")))
    }
}

#[test]
fn failures_reach_the_receiver_keep_lesser_alerts_quiet_and_resolve() {
    let begun = Instant::now();
    let after = || format!("{:5.1} s", begun.elapsed().as_secs_f64());
    let stack = Stack::start();
    let shop = stack.shop.address;

    eventually(|| {
        let up = stack.prometheus.query("up == 1").len();
        if up == 6 { Ok(()) } else { Err(format!("{up} of 6 targets are up: {}", stack.prometheus.targets())) }
    });
    every_rule_is_evaluated(&stack.prometheus);
    let seen = exporters_have_what_rules_name(&stack.prometheus);
    println!("{}: six targets are up, every rule is evaluated, {seen} metrics of exporters are as declared", after());

    // One answer in five is slow, and nothing else is wrong: a warning, while the budget of slow ones lasts.
    let slow = Loop::start(8, move || drop(Request::new("GET", shop, "/slow?ms=1500").try_send()));
    let (receiver, alert) = stack.told("HighResponseTime", "firing");
    assert_eq!((receiver.as_str(), alert["labels"]["severity"].as_str()), ("warning", Some("warning")));
    println!("{}: HighResponseTime reached the receiver", after());

    let failing = Loop::start(1, move || drop(Request::new("GET", shop, "/fail").try_send()));
    stack.wait_for("HighErrorRate", "pending");
    println!("{}: HighErrorRate is pending", after());
    assert!(stack.receiver.alerts("HighErrorRate", "firing").is_empty(), "nobody is told of what is pending");
    stack.wait_for("HighErrorRate", "firing");
    println!("{}: HighErrorRate fires", after());
    let (receiver, alert) = stack.told("HighErrorRate", "firing");
    assert_eq!(receiver, "critical");
    assert_eq!(alert["labels"]["severity"], "critical");
    assert_eq!(alert["labels"]["service"], "api");
    assert_eq!(alert["annotations"]["runbook_url"], format!("{RUNBOOKS}/HighErrorRate.md"));
    assert!(alert["annotations"]["description"].as_str().is_some_and(|text| text.contains('%')), "{alert}");
    println!("{}: HighErrorRate reached the receiver", after());

    // The warning still holds, and nobody hears of it beside the critical one.
    eventually(|| match stack.alertmanager.states("HighResponseTime").as_slice() {
        [(state, others)] if state == "suppressed" && *others > 0 => Ok(()),
        states => Err(format!("HighResponseTime: {states:?}")),
    });
    println!("{}: HighResponseTime is inhibited", after());

    failing.stop();
    stack.wait_for("HighErrorRate", "inactive");
    let (receiver, alert) = stack.told("HighErrorRate", "resolved");
    assert_eq!((receiver.as_str(), alert["labels"]["severity"].as_str()), ("critical", Some("critical")));
    println!("{}: HighErrorRate is resolved, and the receiver knows", after());
    slow.stop();
}

/// Every rule of every file was evaluated without an error.
#[track_caller]
fn every_rule_is_evaluated(prometheus: &Prometheus) {
    let expected: usize = rule_files(&Settings::default()).iter().map(|(_, file)| file.rules().count()).sum();
    eventually(|| {
        let groups = prometheus.api("rules")["groups"].clone();
        let rules: Vec<Value> = groups
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|group| group["rules"].as_array().cloned().unwrap_or_default())
            .collect();
        let wrong: Vec<_> = rules.iter().filter(|rule| rule["health"] != "ok").map(|rule| &rule["name"]).collect();
        if wrong.is_empty() && rules.len() == expected { Ok(()) } else { Err(format!("{wrong:?} of {}", rules.len())) }
    });
}

/// What is declared of the exporters, and what rules name of the others, the real ones have, with every label that is declared of it, under the type declared.
#[track_caller]
fn exporters_have_what_rules_name(prometheus: &Prometheus) -> usize {
    let mut used = BTreeSet::new();
    for (_, file) in rule_files(&Settings::default()) {
        used.extend(file.rules().flat_map(|rule| rule.expr().uses()));
    }
    let mut seen = 0;
    let all_of = ["node", "postgres", "redis"];
    for metric in exporter::all().filter(|metric| {
        let named = Origin::Exporter(metric.exporter);
        let by_rule = used.iter().any(|used| used.origin == named && used.metric == metric.name);
        by_rule || all_of.contains(&metric.exporter)
    }) {
        let series = eventually(|| match prometheus.query(&format!("{}{{job!=\"\"}}", metric.name)) {
            series if series.is_empty() => Err(format!("{} has no {}", metric.exporter, metric.name)),
            series => Ok(series),
        });
        for label in metric.labels {
            assert!(series.iter().any(|series| !series.label(label).is_empty()), "{} has no {label}", metric.name);
        }
        let metadata = prometheus.api(&format!("metadata?metric={}", metric.name));
        // `up` is Prometheus' own, and has none.
        if let Some(kind) = metadata[metric.name][0]["type"].as_str() {
            assert_eq!(kind, metric.kind.as_str(), "{}", metric.name);
        }
        seen += 1;
    }
    assert!(seen > 30, "{seen}");
    seen
}
