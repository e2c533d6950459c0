//! Alerts on errors and latency of served requests.

use crate::presets::http::{REQUEST_DURATION, REQUESTS};
use crate::promql::{self, select};
use crate::stack::rule::{Alert, Group};
use crate::stack::settings::Settings;

const BY: [&str; 2] = ["job", "service"];

pub(super) fn group(settings: &Settings) -> Group {
    let limits = &settings.limits;
    let failed = select(&REQUESTS).matching("status", "5..");
    let scan = select(&REQUEST_DURATION).eq("path", &settings.scan_path);
    Group::new("http")
        .alert(
            Alert::critical(
                "HighErrorRate",
                promql::share(failed, &REQUESTS, "5m", &BY).gt(limits.high_error_rate.value),
            )
            .pending(&limits.high_error_rate.pending)
            .summary("{{ $labels.service }} answers too many requests with 5xx")
            .description("{{ $value | humanizePercentage }} of the requests to {{ $labels.job }} fail."),
        )
        .alert(
            Alert::warning(
                "HighResponseTime",
                promql::quantile(0.95, &REQUEST_DURATION, "5m", &BY).gt(limits.high_response_time.value),
            )
            .pending(&limits.high_response_time.pending)
            .summary("{{ $labels.service }} answers slowly")
            .description(
                "One request to {{ $labels.job }} in twenty takes longer than {{ $value | humanizeDuration }}.",
            ),
        )
        .alert(
            Alert::warning(
                "HighScanLatency",
                promql::quantile(0.95, scan, "5m", &["job", "path", "service"]).gt(limits.high_scan_latency.value),
            )
            .pending(&limits.high_scan_latency.pending)
            .summary("Scans take long")
            .description(
                "One request in twenty to {{ $labels.path }} of {{ $labels.job }} takes longer than \
                 {{ $value | humanizeDuration }}.",
            ),
        )
}
