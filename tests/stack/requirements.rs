//! What was asked of each alert: severity, condition and time, as literals, beside what is committed.

use crate::files::{bring_up_to_date, path};

/// The alert, its severity, the end of its condition, and for how long it must hold.
const ASKED: [(&str, &str, &str, &str); 22] = [
    ("HighErrorRate", "critical", "> 0.05", "5m"),
    ("APIDown", "critical", "", "1m"),
    ("ServiceDown", "critical", "", "1m"),
    ("APIUnavailable", "critical", "", "2m"),
    ("HighRequestLatency", "critical", "> 0.1", "5m"),
    ("InvoiceGenerationFailures", "critical", "< 0.95", "10m"),
    ("KafkaProducerLag", "critical", "> 1000", "5m"),
    ("DatabaseConnectionPoolExhaustion", "critical", "< 0.1", "5m"),
    ("DatabaseConnectionIssues", "critical", "pg_up == 0", "1m"),
    ("HighResponseTime", "warning", "> 1", "5m"),
    ("PaymentFailureSpike", "warning", "", "15m"),
    ("LowDiskSpace", "warning", "< 0.1", "5m"),
    ("HighMemoryUsage", "warning", "> 0.9", "5m"),
    ("RateLimitSpike", "warning", "> 100", "5m"),
    ("CacheMissRate", "warning", "< 0.7", "10m"),
    ("AuthenticationFailures", "warning", "* 60 > 10", "5m"),
    ("PdfGenerationDelays", "warning", "> 5", "5m"),
    ("EmailDeliveryIssues", "warning", "< 0.95", "10m"),
    ("HighScanLatency", "warning", "> 0.3", "1m"),
    ("WebSocketDisconnectSpike", "warning", "> 10", "1m"),
    ("SyncErrorRate", "warning", "> 0.05", "5m"),
    ("SyncLatencyHigh", "warning", "> 5", "10m"),
];

#[test]
fn every_alert_has_the_severity_condition_and_time_that_were_asked_for() {
    bring_up_to_date();
    let mut rules = String::new();
    for file in std::fs::read_dir(path("prometheus/rules")).expect("the folder is committed") {
        rules += &std::fs::read_to_string(file.expect("it can be listed").path()).expect("a text");
    }
    for (alert, severity, condition, time) in ASKED {
        let (_, rule) = rules.split_once(&format!("- alert: {alert}\n")).unwrap_or_else(|| panic!("no {alert}"));
        let rule = rule.split("\n      - ").next().unwrap_or_default();
        let asked = format!("{condition}\n        for: {time}\n        labels:\n          severity: {severity}\n");
        assert!(rule.contains(&asked), "{alert} is asked for {asked}, and is\n{rule}");
    }
}
