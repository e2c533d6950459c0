//! Gateway performance: latency, limits, keys, caches, Kafka, and what the gateway needs behind it.

use super::{Dashboard, FieldUnit, Panel, Threshold, Variable, Visual, rate, watched};
use crate::presets::gateway::{
    ACTIVE_CONNECTIONS, API_KEY_VALIDATIONS, AUTH_FAILURES, CACHE_REQUESTS, DB_QUERY_DURATION, KAFKA_PRODUCER_LATENCY,
    RATE_LIMIT_HITS, REQUEST_DURATION, REQUESTS, REQUESTS_IN_FLIGHT, RESPONSE_BODY, USAGE_RECORD_FAILURES,
    USAGE_RECORDED,
};
use crate::promql::{self, Expr, Selector, Window, select};

/// Builds the dashboard.
pub(super) fn dashboard(uid: &str) -> Dashboard {
    let dashboard = Dashboard::new(
        uid,
        "Gateway performance",
        "How fast the gateway forwards, whom it limits and turns away, and what it needs behind it.",
    )
    .services_of(&REQUESTS)
    .variable(Variable::values("organization", "Organization", watched(&USAGE_RECORDED)));
    behind(doors(traffic(dashboard)))
}

fn traffic(dashboard: Dashboard) -> Dashboard {
    let latency = |q| promql::quantile(q, watched(&REQUEST_DURATION), Window::RATE_INTERVAL, &["path"]);
    let failed = watched(select(&REQUESTS).matching("status", "5.."));
    dashboard
        .row("Traffic")
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Latency p95 and p99 by path",
                "Time that 95 and 99 % of the requests stay below, by route. The line is the objective for p95, 50 ms.",
                FieldUnit::Seconds,
            )
            .query(latency(0.95), "{{path}} p95")
            .query(latency(0.99), "{{path}} p99")
            .threshold(Threshold::AtMost(0.05)),
        )
        .panel(
            Panel::new(
                Visual::StackedSeries,
                "Request rate by path and status",
                "Requests a second, by route and status.",
                FieldUnit::RequestsPerSecond,
            )
            .query(rate(watched(&REQUESTS)).sum_by(&["path", "status"]), "{{path}} {{status}}"),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "5xx rate",
                "Share of the requests that ended with a status of 500 and above.",
                FieldUnit::Share,
            )
            .query(promql::share(failed, watched(&REQUESTS), Window::RATE_INTERVAL, &[]), "5xx")
            .size(8, 8),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Concurrent requests",
                "Requests that are not answered yet, by instance.",
                FieldUnit::Count,
            )
            .query(Expr::from(watched(&REQUESTS_IN_FLIGHT)).sum_by(&["instance"]), "{{instance}}")
            .size(8, 8),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Average response size",
                "Mean size of the response bodies, by route.",
                FieldUnit::Bytes,
            )
            .query(promql::mean(watched(&RESPONSE_BODY), Window::RATE_INTERVAL, &["path"]), "{{path}}")
            .size(8, 8),
        )
}

fn doors(dashboard: Dashboard) -> Dashboard {
    let valid = watched(select(&API_KEY_VALIDATIONS).eq("result", "valid"));
    let valid = promql::share(valid, watched(&API_KEY_VALIDATIONS), Window::RATE_INTERVAL, &[]);
    let hits = rate(of_organization(watched(&RATE_LIMIT_HITS))).sum_by(&["organization"]);
    let connections = Expr::from(of_organization(watched(&ACTIVE_CONNECTIONS))).sum_by(&["kind"]);
    dashboard
        .row("Who comes in")
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Rate limit hits by organization",
                "Requests a second that were turned away because a limit was reached: the ten organizations with most.",
                FieldUnit::RequestsPerSecond,
            )
            .query(hits.topk(10), "{{organization}}"),
        )
        .panel(
            Panel::new(
                Visual::StackedSeries,
                "Active connections",
                "Open connections, by kind, over the chosen organizations. The line is the objective of 5,000.",
                FieldUnit::Count,
            )
            .query(connections, "{{kind}}")
            .threshold(Threshold::AtMost(5_000.0)),
        )
        .panel(
            Panel::new(
                Visual::StackedSeries,
                "Authentication failures by reason",
                "Requests a second that were not let in, by reason.",
                FieldUnit::RequestsPerSecond,
            )
            .query(rate(watched(&AUTH_FAILURES)).sum_by(&["reason"]), "{{reason}}"),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "API key validation success",
                "Share of the checked API keys that were valid.",
                FieldUnit::Share,
            )
            .query(valid, "valid"),
        )
}

fn behind(dashboard: Dashboard) -> Dashboard {
    let hit = watched(select(&CACHE_REQUESTS).eq("result", "hit"));
    let kafka = |q| promql::quantile(q, watched(&KAFKA_PRODUCER_LATENCY), Window::RATE_INTERVAL, &[]);
    let queries = promql::quantile(0.95, watched(&DB_QUERY_DURATION), Window::RATE_INTERVAL, &["query_type"]);
    let recorded = || rate(watched(&USAGE_RECORDED)).sum();
    let failures = rate(watched(&USAGE_RECORD_FAILURES)).sum();
    dashboard
        .row("Behind the gateway")
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Cache hit rate",
                "Share of the looks into a cache that found their entry, by cache. The line is the objective of 90 %.",
                FieldUnit::Share,
            )
            .query(promql::share(hit, watched(&CACHE_REQUESTS), Window::RATE_INTERVAL, &["cache"]), "{{cache}}")
            .threshold(Threshold::AtLeast(0.9)),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Kafka producer latency",
                "Time in which Kafka acknowledged 95 and 99 % of the messages. The line is the objective for p95, 25 ms.",
                FieldUnit::Seconds,
            )
            .query(kafka(0.95), "p95")
            .query(kafka(0.99), "p99")
            .threshold(Threshold::AtMost(0.025)),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Usage recording success",
                "Share of the usage records that could be written.",
                FieldUnit::Share,
            )
            .query(recorded() / (recorded() + failures), "written"),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Database query",
                "Time that 95 % of the gateway's own queries stay below, by type of query. The line is the objective of \
                 25 ms.",
                FieldUnit::Seconds,
            )
            .query(queries, "{{query_type}}")
            .threshold(Threshold::AtMost(0.025)),
        )
}

fn of_organization(of: Selector) -> Selector {
    of.matching("organization", "$organization")
}
