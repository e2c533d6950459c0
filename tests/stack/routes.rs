//! Who is told: the routes of the rendered Alertmanager configuration, by amtool.

use crate::checks::judged;
use crate::files::{bring_up_to_date, path, rule_files};
use crate::support::process::program;
use watchkeeper::stack::Settings;

#[track_caller]
fn receiver(labels: &[&str]) -> String {
    let config = format!("--config.file={}", path("alertmanager/alertmanager.yml").display());
    let mut command = program("amtool", "prometheus-alertmanager");
    judged(command.args(["config", "routes", "test", &config]).args(labels)).trim().to_owned()
}

#[test]
fn each_severity_has_its_receiver() {
    bring_up_to_date();
    assert_eq!(receiver(&["alertname=HighErrorRate", "severity=critical", "service=api"]), "critical");
    assert_eq!(receiver(&["alertname=HighResponseTime", "severity=warning", "service=api"]), "warning");
    assert_eq!(receiver(&["alertname=Watchdog", "severity=none", "service=prometheus"]), "watchdog");
    // What somebody else's rules send without a severity is not lost.
    assert_eq!(receiver(&["alertname=Unknown"]), "warning");
    assert_eq!(receiver(&["alertname=Unknown", "severity=info"]), "warning");
}

#[test]
fn every_shipped_alert_has_the_receiver_of_its_severity() {
    bring_up_to_date();
    let mut told = std::collections::BTreeSet::new();
    for (_, file) in rule_files(&Settings::default()) {
        for alert in file.alerts() {
            // Objectives share the names of their alerts.
            if !told.insert(alert.name().to_owned()) {
                continue;
            }
            let due = match alert.severity().as_str() {
                "none" => "watchdog",
                severity => severity,
            };
            let labels: Vec<_> = alert.labels().iter().map(|(name, value)| format!("{name}={value}")).collect();
            let labels: Vec<_> = labels.iter().map(String::as_str).collect();
            assert_eq!(receiver(&labels), due, "{}", alert.name());
        }
    }
    println!("amtool config routes test: {} alerts", told.len());
}
