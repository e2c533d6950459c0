//! Application health: what is up, how the database fares, whether the runtime keeps up.

use super::{Dashboard, FieldUnit, Panel, SLOWEST, Visual, watched};
use crate::presets::database::{
    CONNECTION_POOL_SIZE, CONNECTIONS_ACTIVE, CONNECTIONS_MAX, QUERY_DURATION, SLOW_QUERIES,
};
use crate::presets::monitoring::HEALTH_CHECK_UP;
use crate::presets::process::START_TIME;
use crate::presets::runtime::EVENT_LOOP_LAG;
use crate::promql::{self, Expr, Window};
use crate::stack::exporter::cadvisor;
use crate::stack::exporter::postgres::STANDBY_LAG;
use crate::stack::exporter::prometheus::UP;

/// Builds the dashboard.
pub(super) fn dashboard(uid: &str) -> Dashboard {
    let dashboard = Dashboard::new(
        uid,
        "Application health",
        "What is up, how the database and its connections fare, and whether the runtime keeps up.",
    )
    .scraped_every(SLOWEST)
    .services_of(&START_TIME);
    runtime(database(targets(dashboard)))
}

fn targets(dashboard: Dashboard) -> Dashboard {
    let seen = promql::time() - Expr::from(&cadvisor::LAST_SEEN).max_by(&["name", "image"]);
    dashboard
        .panel(
            Panel::new(
                Visual::Stat,
                "Up",
                "Whether the last scrape of each target succeeded: services and exporters alike.",
                FieldUnit::UpDown,
            )
            .query(Expr::from(&UP).min_by(&["job", "instance"]), "{{job}} {{instance}}"),
        )
        .panel(
            Panel::new(
                Visual::Stat,
                "Health checks",
                "How each named check ended when it last ran; down where any instance says so.",
                FieldUnit::UpDown,
            )
            .query(Expr::from(watched(&HEALTH_CHECK_UP)).min_by(&["check"]), "{{check}}"),
        )
        .panel(
            Panel::new(
                Visual::Table,
                "Containers",
                "Containers, and how many seconds ago cAdvisor last saw each.",
                FieldUnit::Seconds,
            )
            .query(seen, "{{name}}"),
        )
}

fn database(dashboard: Dashboard) -> Dashboard {
    let latency = promql::quantile(0.95, watched(&QUERY_DURATION), Window::RATE_INTERVAL, &["query_type"]);
    let slow = promql::rate(watched(&SLOW_QUERIES), Window::RATE_INTERVAL).sum_by(&["query_type"]);
    dashboard
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Database connections and pool",
                "Connections in use, connections open, and the most that the pools may open, over all instances.",
                FieldUnit::Count,
            )
            .query(Expr::from(watched(&CONNECTIONS_ACTIVE)).sum(), "in use")
            .query(Expr::from(watched(&CONNECTION_POOL_SIZE)).sum(), "open")
            .query(Expr::from(watched(&CONNECTIONS_MAX)).sum(), "limit"),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Query latency p95",
                "Time that 95 % of the database queries stay below, by type of query.",
                FieldUnit::Seconds,
            )
            .query(latency, "{{query_type}}"),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Slow queries",
                "Database queries a second that took longer than the set threshold, by type of query.",
                FieldUnit::PerSecond,
            )
            .query(slow, "{{query_type}}"),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Replication lag",
                "How far each standby of Postgres is behind, in bytes of the write-ahead log. Empty without a standby.",
                FieldUnit::Bytes,
            )
            .query(Expr::from(&STANDBY_LAG).max_by(&["application_name", "server"]), "{{application_name}} {{server}}"),
        )
}

fn runtime(dashboard: Dashboard) -> Dashboard {
    let lag = |quantile| promql::quantile(quantile, watched(&EVENT_LOOP_LAG), Window::RATE_INTERVAL, &["instance"]);
    dashboard.panel(
        Panel::new(
            Visual::TimeSeries,
            "Event loop lag",
            "Time that a task waits beyond its timer, by instance: 95 and 99 % of the probes stay below. More than a \
             few milliseconds is a worker that something blocks.",
            FieldUnit::Seconds,
        )
        .query(lag(0.95), "{{instance}} p95")
        .query(lag(0.99), "{{instance}} p99"),
    )
}
