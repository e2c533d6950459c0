//! The table of routes: every row, from the part that it belongs to.

use super::route::Route;
use super::{audit, config, events, incidents, samples, stats, tasks};

/// Returns every route.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = Vec::new();
    routes.extend(events::routes());
    routes.extend(samples::routes());
    routes.extend(incidents::routes());
    routes.extend(stats::routes());
    routes.extend(audit::routes());
    routes.extend(tasks::routes());
    routes.extend(config::routes());
    #[cfg(feature = "alerting")]
    routes.extend(super::alerts::routes());
    #[cfg(feature = "alerting")]
    routes.extend(super::history::routes());
    #[cfg(feature = "alerting")]
    routes.extend(super::prometheus::routes());
    routes
}
