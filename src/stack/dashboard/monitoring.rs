//! Watchkeeper itself: its queues and losses, its rules and tasks.

use super::{Dashboard, FieldUnit, Panel, SLOWEST, Visual, rate, watched};
use crate::metric::LABEL_OVERFLOW;
use crate::presets::monitoring::{DROPPED, QUEUE_BYTES, RULE_EVALUATIONS, TASK_RUNS, WRITE_DURATION};
use crate::presets::process::START_TIME;
use crate::promql::{self, Expr, Selector, Window};

/// Builds the dashboard.
pub(super) fn dashboard(uid: &str) -> Dashboard {
    let p95 = |of: Selector, by| promql::quantile(0.95, of, Window::RATE_INTERVAL, by);
    let dropped = rate(watched(&DROPPED)).sum_by(&["sink", "reason"]);
    Dashboard::new(uid, "Watchkeeper", "How the watch itself fares: its queues and losses, its rules and tasks.")
        .scraped_every(SLOWEST)
        .services_of(&START_TIME)
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Queues",
                "Bytes that wait for each sink, over all instances.",
                FieldUnit::Bytes,
            )
            .query(Expr::from(watched(&QUEUE_BYTES)).sum_by(&["sink"]), "{{sink}}"),
        )
        .panel(
            Panel::new(
                Visual::StackedSeries,
                "Drops",
                "Items a second that did not arrive at their sink, by sink and reason. Anything above zero is a loss.",
                FieldUnit::PerSecond,
            )
            .query(dropped, "{{sink}} {{reason}}"),
        )
        .panel(
            Panel::new(
                Visual::StackedSeries,
                "Label overflow",
                "Records a second that went to the value `overflow` because a label or a metric was at its cap, by \
                 metric: the ten with most. Sums stay right; what is lost is who it was.",
                FieldUnit::PerSecond,
            )
            .query(rate(watched(&LABEL_OVERFLOW)).sum_by(&["metric"]).topk(10), "{{metric}}"),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Write latency p95",
                "Time that 95 % of the writes to a sink stay below, by sink.",
                FieldUnit::Seconds,
            )
            .query(p95(watched(&WRITE_DURATION), &["sink"]), "{{sink}}"),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Rule evaluation",
                "Evaluations of alert rules a second, by whether they succeeded.",
                FieldUnit::PerSecond,
            )
            .query(rate(watched(&RULE_EVALUATIONS)).sum_by(&["status"]), "{{status}}"),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Tasks",
                "Runs of scheduled tasks a second, by task and whether they succeeded.",
                FieldUnit::PerSecond,
            )
            .query(rate(watched(&TASK_RUNS)).sum_by(&["task", "status"]), "{{task}} {{status}}"),
        )
}
