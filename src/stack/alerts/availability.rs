//! Alerts on services that are down.

use crate::promql::{self, Expr, Selector, select};
use crate::stack::exporter::prometheus::UP;
use crate::stack::rule::{Alert, Group};
use crate::stack::settings::Settings;

/// Targets that cannot be scraped; or jobs that had targets within the last day and have none now, which is how a
/// service that service discovery has lost looks. Where a job had no target for a day there is nothing, and one target
/// of several that is lost is not seen.
fn down(targets: impl Fn() -> Selector) -> Expr {
    let by = ["job", "service"];
    let were = promql::max_over_time(targets(), "1d").max_by(&by);
    let are = Expr::from(targets()).max_by(&by);
    Expr::from(targets()).equals(0.0).or(were.unless(are))
}

pub(super) fn group(settings: &Settings) -> Group {
    let limits = &settings.limits;
    let services = settings.services_but(&["api", "sync"]);
    let job = |name: &'static str| move || select(&UP).eq("job", name);
    Group::new("availability")
        .alert(
            Alert::critical("APIDown", down(job("api")))
                .pending(&limits.down)
                .summary("The API is down")
                .description("Prometheus cannot scrape a target of job {{ $labels.job }}, or finds none any more."),
        )
        .alert(
            Alert::critical("ServiceDown", down(|| select(&UP).matching("job", &services)))
                .pending(&limits.down)
                .summary("{{ $labels.job }} is down")
                .description("Prometheus cannot scrape a target of job {{ $labels.job }}, or finds none any more."),
        )
        .alert(
            Alert::critical("APIUnavailable", down(job("sync")))
                .pending(&limits.sync_down)
                .summary("The synchronisation's API is unavailable")
                .description("Prometheus cannot scrape a target of job {{ $labels.job }}, or finds none any more."),
        )
}
