//! API overview: what the API is asked, how fast it answers, and how often it fails.

use super::{Dashboard, FieldUnit, Panel, Threshold, Visual, rate, watched};
use crate::presets::auth::ACTIVE_SESSIONS;
use crate::presets::http::{REQUEST_DURATION, REQUESTS};
use crate::promql::{self, Expr, Window, select};

/// Builds the dashboard.
pub(super) fn dashboard(uid: &str) -> Dashboard {
    let requests = rate(watched(&REQUESTS)).sum_by(&["method", "path"]);
    let p95 = promql::quantile(0.95, watched(&REQUEST_DURATION), Window::RATE_INTERVAL, &["method", "path"]);
    let failed = || watched(select(&REQUESTS).matching("status", "5.."));
    let failed_by = |by| promql::share(failed(), watched(&REQUESTS), Window::RATE_INTERVAL, by);
    Dashboard::new(uid, "API overview", "What the API is asked, how fast it answers, and how often it fails.")
        .services_of(&REQUESTS)
        .panel(
            Panel::new(
                Visual::StackedSeries,
                "Request rate by method and path",
                "Requests a second, by method and route. Requests that no route matched are `unmatched`.",
                FieldUnit::RequestsPerSecond,
            )
            .query(requests, "{{method}} {{path}}"),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Latency p95",
                "Time to the response head that 95 % of the requests stay below, by method and route. The line is the \
                 objective of the job api, 200 ms. Points are single requests with their trace ids.",
                FieldUnit::Seconds,
            )
            .query(p95, "{{method}} {{path}}")
            .with_exemplars()
            .threshold(Threshold::AtMost(0.2)),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "5xx rate",
                "Share of the requests that were answered with a status of 500 and above: of all, and by route. The \
                 line is where the alert HighErrorRate begins.",
                FieldUnit::Share,
            )
            .query(failed_by(&[]), "all")
            .query(failed_by(&["path"]), "{{path}}")
            .threshold(Threshold::AtMost(0.05)),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Active sessions",
                "Sessions that are valid: the most that any instance says, since each knows all of them.",
                FieldUnit::Count,
            )
            .query(Expr::from(watched(&ACTIVE_SESSIONS)).max(), "sessions"),
        )
}
