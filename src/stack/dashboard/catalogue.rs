//! Every metric: one panel for each that the catalogue has, by group, for a reader who looks for something.

use super::{Dashboard, FieldUnit, Panel, SLOWEST, Visual, watched};
use crate::metric::Describe;
use crate::presets::process::START_TIME;
use crate::presets::{CATALOGUE, Group};
use crate::promql::Expr;

/// Builds the dashboard.
pub(super) fn dashboard(uid: &str) -> Dashboard {
    let dashboard = Dashboard::new(
        uid,
        "Every metric",
        "Every ready-made metric in the way that fits its type. Rows are closed; an open one is asked for.",
    )
    .scraped_every(SLOWEST)
    .services_of(&START_TIME);
    Group::ALL.iter().fold(dashboard, |dashboard, &group| {
        let entries = CATALOGUE.iter().filter(|entry| entry.group == group);
        let row = dashboard.collapsed_row(group.as_str());
        entries.fold(row, |dashboard, entry| dashboard.panel(panel(entry.metric).size(8, 8)))
    })
}

fn panel(metric: &'static dyn Describe) -> Panel {
    let meta = metric.meta();
    if meta.name != START_TIME.name() {
        return Panel::of(metric);
    }
    // A moment, not a length of time; Grafana counts it in milliseconds.
    Panel::new(Visual::Stat, &*meta.name, &*meta.help, FieldUnit::Ago)
        .query(Expr::from(watched(&START_TIME)).max_by(&["instance"]) * 1_000.0, "{{instance}}")
}
