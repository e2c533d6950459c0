//! Synchronisation and integrations: jobs between systems, and whether those systems answer.

use super::{Dashboard, FieldUnit, Panel, Threshold, Visual, rate, watched};
use crate::presets::sync::{
    ACTIVE_SYNCS, CONFLICTS, DURATION, INTEGRATION_RETRIES, INTEGRATION_UP, OPERATIONS, WEBHOOK_DELIVERIES,
};
use crate::promql::{self, Expr, Window, select};

/// Builds the dashboard.
pub(super) fn dashboard(uid: &str) -> Dashboard {
    let dashboard = Dashboard::new(
        uid,
        "Sync and integrations",
        "Jobs that bring data from one system to another, and whether those systems answer.",
    )
    .services_of(&OPERATIONS);
    integrations(jobs(dashboard))
}

fn jobs(dashboard: Dashboard) -> Dashboard {
    let succeeded = watched(select(&OPERATIONS).eq("status", "success"));
    let ways = &["source", "target"];
    dashboard
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Success rate",
                "Share of the jobs that succeeded, by source and target.",
                FieldUnit::Share,
            )
            .query(
                promql::share(succeeded, watched(&OPERATIONS), Window::RATE_INTERVAL, ways),
                "{{source}} to {{target}}",
            ),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Duration p95",
                "Time that 95 % of the jobs stay below, by source and target. The line is where the alert \
                 SyncLatencyHigh begins.",
                FieldUnit::Seconds,
            )
            .query(promql::quantile(0.95, watched(&DURATION), Window::RATE_INTERVAL, ways), "{{source}} to {{target}}")
            .threshold(Threshold::AtMost(5.0)),
        )
        .panel(
            Panel::new(Visual::StackedSeries, "Active syncs", "Jobs that are under way, by source.", FieldUnit::Count)
                .query(Expr::from(watched(&ACTIVE_SYNCS)).sum_by(&["source"]), "{{source}}"),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Conflicts",
                "Conflicts between source and target found and settled a second. Where the lines part, conflicts are \
                 left over.",
                FieldUnit::PerSecond,
            )
            .query(rate(watched(&CONFLICTS)).sum_by(&["outcome"]), "{{outcome}}"),
        )
}

fn integrations(dashboard: Dashboard) -> Dashboard {
    let delivered = watched(select(&WEBHOOK_DELIVERIES).eq("status", "success"));
    dashboard
        .panel(
            Panel::new(
                Visual::Stat,
                "Integrations",
                "Whether each integration answers; down where any instance says so.",
                FieldUnit::UpDown,
            )
            .query(Expr::from(watched(&INTEGRATION_UP)).min_by(&["integration"]), "{{integration}}")
            .size(8, 8),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Webhook delivery success",
                "Share of the webhooks that were delivered.",
                FieldUnit::Share,
            )
            .query(promql::share(delivered, watched(&WEBHOOK_DELIVERIES), Window::RATE_INTERVAL, &[]), "delivered")
            .size(8, 8),
        )
        .panel(
            Panel::new(
                Visual::StackedSeries,
                "Retries",
                "Calls to an integration a second that were made again, by integration.",
                FieldUnit::PerSecond,
            )
            .query(rate(watched(&INTEGRATION_RETRIES)).sum_by(&["integration"]), "{{integration}}")
            .size(8, 8),
        )
}
