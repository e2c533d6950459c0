//! Alerts on the monitoring itself.

use crate::presets::monitoring::DROPPED;
use crate::promql::{self, ExporterMetric, Expr, vector};
use crate::stack::exporter::alertmanager::NOTIFICATIONS_FAILED;
use crate::stack::exporter::prometheus::{CONFIG_RELOAD_SUCCESSFUL, NOTIFICATION_ERRORS, RULE_EVALUATION_FAILURES, UP};
use crate::stack::rule::{Alert, Group, Severity};
use crate::stack::settings::Settings;

pub(super) fn group(settings: &Settings) -> Group {
    // Sustained: a `for` longer than the window takes more than one failure. Of what is lost for good, one is enough.
    let keeps_failing = |of: &ExporterMetric| promql::increase(of, "5m").gt(0.0);
    let lost = promql::increase(&DROPPED, "10m").sum_by(&["instance", "job", "reason", "service", "sink"]);
    Group::new("monitor")
        .alert(
            Alert::new("Watchdog", Severity::None, vector(1.0))
                .label("service", "prometheus")
                .summary("Alerts get through")
                .description("This alert always fires. When it stops arriving, no other alert arrives either."),
        )
        .alert(
            Alert::warning("TargetDown", Expr::from(&UP).equals(0.0))
                .pending(&settings.limits.target_down)
                .summary("{{ $labels.job }} cannot be scraped")
                .description("Prometheus has no metrics from {{ $labels.instance }} of job {{ $labels.job }}."),
        )
        .alert(
            Alert::critical("RuleEvaluationFailures", keeps_failing(&RULE_EVALUATION_FAILURES))
                .pending("10m")
                .summary("Rules cannot be evaluated")
                .description("{{ $value | humanize }} evaluations in {{ $labels.rule_group }} failed in five minutes: its alerts may be missing."),
        )
        .alert(
            Alert::critical("AlertSendingFailures", keeps_failing(&NOTIFICATION_ERRORS))
                .pending("10m")
                .summary("Alerts do not reach Alertmanager")
                .description("{{ $value | humanize }} alerts to {{ $labels.alertmanager }} failed in five minutes."),
        )
        .alert(
            Alert::critical("NotificationFailures", promql::increase(&NOTIFICATIONS_FAILED, "10m").gt(0.0))
                .pending("1m")
                .summary("Notifications do not arrive")
                .description("{{ $value | humanize }} notifications by {{ $labels.integration }} failed in ten minutes."),
        )
        .alert(
            Alert::warning("ConfigurationNotLoaded", Expr::from(&CONFIG_RELOAD_SUCCESSFUL).equals(0.0))
                .pending("5m")
                .summary("Prometheus runs on an old configuration")
                .description("The last change to the configuration of {{ $labels.instance }} was refused."),
        )
        .alert(
            Alert::warning("WatchkeeperDropping", lost.gt(0.0))
                .pending("1m")
                .summary("{{ $labels.job }} loses logs, traces, errors or events")
                .description(
                    "{{ $labels.instance }} dropped {{ $value | humanize }} items for {{ $labels.sink }} in ten minutes: \
                     {{ $labels.reason }}.",
                ),
        )
}
