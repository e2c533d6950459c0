//! Jobs and processes: work in the background, and what the processes take for all of their work.

use super::{Dashboard, FieldUnit, Panel, SLOWEST, Threshold, Visual, rate, watched};
use crate::presets::jobs::{IMPORT_FILES_PROCESSED, IMPORT_JOBS, TASK_DURATION, TASKS_PROCESSED};
use crate::presets::process::{CPU, MAX_FDS, OPEN_FDS, RESIDENT_MEMORY, START_TIME, THREADS};
use crate::promql::{self, Expr, Queried, Window, select};

/// Builds the dashboard.
pub(super) fn dashboard(uid: &str) -> Dashboard {
    let dashboard = Dashboard::new(
        uid,
        "Jobs and processes",
        "Work in the background, and what the processes take for all of their work.",
    )
    .scraped_every(SLOWEST)
    .services_of(&START_TIME);
    processes(jobs(dashboard))
}

fn jobs(dashboard: Dashboard) -> Dashboard {
    let duration = promql::quantile(0.95, watched(&TASK_DURATION), Window::RATE_INTERVAL, &["task"]);
    dashboard
        .row("Jobs")
        .panel(
            Panel::new(
                Visual::StackedSeries,
                "Tasks",
                "Background tasks that ended a second, by task and whether they succeeded.",
                FieldUnit::PerSecond,
            )
            .query(rate(watched(&TASKS_PROCESSED)).sum_by(&["task", "status"]), "{{task}} {{status}}"),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Task duration p95",
                "Time that 95 % of the background tasks stay below, by task.",
                FieldUnit::Seconds,
            )
            .query(duration, "{{task}}"),
        )
        .panel(
            Panel::new(
                Visual::StackedSeries,
                "Imports",
                "Imports that ended within an hour, by whether they succeeded.",
                FieldUnit::Count,
            )
            .query(promql::increase(watched(&IMPORT_JOBS), "1h").sum_by(&["status"]), "{{status}}"),
        )
        .panel(
            Panel::new(
                Visual::StackedSeries,
                "Imported files",
                "Files that imports processed a second, by whether it succeeded.",
                FieldUnit::PerSecond,
            )
            .query(rate(watched(&IMPORT_FILES_PROCESSED)).sum_by(&["status"]), "{{status}}"),
        )
}

fn processes(dashboard: Dashboard) -> Dashboard {
    dashboard
        .row("Processes")
        .panel(
            process("CPU", "Processors in use by each process: 1 is one of them all the time.", FieldUnit::Count)
                .query(rate(watched(&CPU)).sum_by(&["job", "instance"]), LEGEND),
        )
        .panel(
            process("Resident memory", "Memory of each process that is in RAM.", FieldUnit::Bytes)
                .query(per_instance(&RESIDENT_MEMORY), LEGEND),
        )
        .panel(
            process(
                "File descriptors",
                "Share of the file descriptors that a process may have which are open. The line is at 80 %.",
                FieldUnit::Share,
            )
            .query(per_instance(&OPEN_FDS) / per_instance(&MAX_FDS), LEGEND)
            .threshold(Threshold::AtMost(0.8)),
        )
        .panel(process("Threads", "Threads of each process.", FieldUnit::Count).query(per_instance(&THREADS), LEGEND))
        .panel(
            Panel::new(Visual::Stat, "Uptime", "Time since each process started.", FieldUnit::Seconds)
                .query(promql::time() - per_instance(&START_TIME), LEGEND),
        )
}

fn per_instance(metric: &impl Queried) -> Expr {
    Expr::from(watched(select(metric))).max_by(&["job", "instance"])
}

const LEGEND: &str = "{{job}} {{instance}}";

fn process(title: &str, description: &str, unit: FieldUnit) -> Panel {
    Panel::new(Visual::TimeSeries, title, description, unit)
}
