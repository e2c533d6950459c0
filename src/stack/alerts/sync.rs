//! Alerts on synchronisation with other systems.

use crate::presets::sync::{DURATION, OPERATIONS};
use crate::promql::{self, select};
use crate::stack::rule::{Alert, Group};
use crate::stack::settings::Settings;

const BY: [&str; 4] = ["job", "service", "source", "target"];

pub(super) fn group(settings: &Settings) -> Group {
    let limits = &settings.limits;
    let failed = select(&OPERATIONS).eq("status", "error");
    Group::new("sync")
        .alert(
            Alert::warning(
                "SyncErrorRate",
                promql::share(failed, &OPERATIONS, &limits.batch_window, &BY).gt(limits.sync_error_rate.value),
            )
            .pending(&limits.sync_error_rate.pending)
            .summary("Synchronisation from {{ $labels.source }} to {{ $labels.target }} fails")
            .description("{{ $value | humanizePercentage }} of the synchronisations fail."),
        )
        .alert(
            Alert::warning(
                "SyncLatencyHigh",
                promql::quantile(0.95, &DURATION, &limits.batch_window, &BY).gt(limits.sync_latency.value),
            )
            .pending(&limits.sync_latency.pending)
            .summary("Synchronisation from {{ $labels.source }} to {{ $labels.target }} is slow")
            .description("One synchronisation in twenty takes longer than {{ $value | humanizeDuration }}."),
        )
}
