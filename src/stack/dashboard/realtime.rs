//! Realtime overview: services with open connections, their messages, and the machines under them.

use super::infrastructure::{cpu, memory};
use super::{Dashboard, FieldUnit, Panel, Threshold, Visual, rate, watched};
use crate::presets::http::{REQUEST_DURATION, REQUESTS};
use crate::presets::realtime::{
    MESSAGES_PROCESSED, SOCKETIO_CONNECTIONS, WEBSOCKET_ACTIVE_CONNECTIONS, WEBSOCKET_DISCONNECTIONS,
};
use crate::promql::{self, Expr, Window, select};

/// Builds the dashboard.
pub(super) fn dashboard(uid: &str) -> Dashboard {
    let dashboard = Dashboard::new(
        uid,
        "Realtime overview",
        "Requests, connections and messages of the realtime services, and the machines under them.",
    )
    .services_of(&REQUESTS);
    // All machines: the instance that is chosen is one of a service.
    connections(requests(dashboard)).panel(cpu(select)).panel(memory(select))
}

fn requests(dashboard: Dashboard) -> Dashboard {
    let latency = |q| promql::quantile(q, watched(&REQUEST_DURATION), Window::RATE_INTERVAL, &["service"]);
    let failed = watched(select(&REQUESTS).matching("status", "5.."));
    dashboard
        .panel(
            Panel::new(
                Visual::StackedSeries,
                "Request rate by service",
                "Requests a second, by service.",
                FieldUnit::RequestsPerSecond,
            )
            .query(rate(watched(&REQUESTS)).sum_by(&["service"]), "{{service}}"),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Latency p50 and p95",
                "Time that half and 95 % of the requests stay below, by service.",
                FieldUnit::Seconds,
            )
            .query(latency(0.5), "{{service}} p50")
            .query(latency(0.95), "{{service}} p95"),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Errors",
                "Share of the requests that were answered with a status of 500 and above, by service. The line is where \
                 the alert HighErrorRate begins.",
                FieldUnit::Share,
            )
            .query(promql::share(failed, watched(&REQUESTS), Window::RATE_INTERVAL, &["service"]), "{{service}}")
            .threshold(Threshold::AtMost(0.05)),
        )
}

fn connections(dashboard: Dashboard) -> Dashboard {
    dashboard
        .panel(
            Panel::new(
                Visual::StackedSeries,
                "WebSocket connections",
                "Connections that are open: WebSockets and Socket.IO.",
                FieldUnit::Count,
            )
            .query(Expr::from(watched(&WEBSOCKET_ACTIVE_CONNECTIONS)).sum(), "WebSocket")
            .query(Expr::from(watched(&SOCKETIO_CONNECTIONS)).sum(), "Socket.IO"),
        )
        .panel(
            Panel::new(
                Visual::StackedSeries,
                "Messages",
                "Realtime messages processed a second, by kind.",
                FieldUnit::PerSecond,
            )
            .query(rate(watched(&MESSAGES_PROCESSED)).sum_by(&["kind"]), "{{kind}}"),
        )
        .panel(
            Panel::new(
                Visual::StackedSeries,
                "Disconnects",
                "WebSockets closed a second, by reason. The alert WebSocketDisconnectSpike begins at ten in five minutes, \
                 without those that clients closed.",
                FieldUnit::PerSecond,
            )
            .query(rate(watched(&WEBSOCKET_DISCONNECTIONS)).sum_by(&["reason"]), "{{reason}}"),
        )
}
