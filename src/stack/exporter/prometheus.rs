//! Metrics of Prometheus itself, and those that it makes of every scrape.

exporter! { "prometheus";
    /// Whether the last scrape of the target succeeded.
    UP: gauge("up", []);
    /// How long the scrape of the target took.
    SCRAPE_DURATION: gauge("scrape_duration_seconds", []);
    /// How many samples the target exposed.
    SCRAPE_SAMPLES: gauge("scrape_samples_scraped", []);
    /// Alerts that are pending or firing.
    ALERTS: gauge("ALERTS", ["alertname", "alertstate", "severity"]);
    /// Whether the configuration was read.
    CONFIG_RELOAD_SUCCESSFUL: gauge("prometheus_config_last_reload_successful", []);
    /// Evaluations of rules that failed.
    RULE_EVALUATION_FAILURES: counter("prometheus_rule_evaluation_failures_total", ["rule_group"]);
    /// Evaluations of rule groups that were left out because the one before was not over.
    RULE_ITERATIONS_MISSED: counter("prometheus_rule_group_iterations_missed_total", ["rule_group"]);
    /// How long the last evaluation of a rule group took.
    RULE_GROUP_DURATION: gauge("prometheus_rule_group_last_duration_seconds", ["rule_group"]);
    /// Alerts that could not be sent.
    NOTIFICATIONS_DROPPED: counter("prometheus_notifications_dropped_total", []);
    /// Attempts to send alerts that failed.
    NOTIFICATION_ERRORS: counter("prometheus_notifications_errors_total", ["alertmanager"]);
    /// Alerts that were handed over to be sent.
    NOTIFICATIONS_SENT: counter("prometheus_notifications_sent_total", ["alertmanager"]);
    /// Alertmanagers that were found.
    ALERTMANAGERS_DISCOVERED: gauge("prometheus_notifications_alertmanagers_discovered", []);
    /// Series in memory.
    HEAD_SERIES: gauge("prometheus_tsdb_head_series", []);
    /// Samples taken in.
    SAMPLES_APPENDED: counter("prometheus_tsdb_head_samples_appended_total", []);
}
