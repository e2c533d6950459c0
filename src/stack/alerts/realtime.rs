//! Alerts on realtime connections.

use crate::presets::realtime::WEBSOCKET_DISCONNECTIONS;
use crate::promql::{self, select};
use crate::stack::rule::{Alert, Group};
use crate::stack::settings::Settings;

pub(super) fn group(settings: &Settings) -> Group {
    let limit = &settings.limits.websocket_disconnects;
    // A client that closes its connection is no trouble, and on a busy day there are many.
    let lost = select(&WEBSOCKET_DISCONNECTIONS).ne("reason", "client_closed");
    Group::new("realtime").alert(
        Alert::warning(
            "WebSocketDisconnectSpike",
            promql::increase(lost, "5m").sum_by(&["job", "service"]).gt(limit.value),
        )
        .pending(&limit.pending)
        .summary("WebSockets are lost")
        .description(
            "{{ $labels.job }} lost {{ $value | humanize }} WebSockets in five minutes that no client closed.",
        ),
    )
}
