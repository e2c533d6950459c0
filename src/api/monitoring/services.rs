//! What the handlers work with: the store, the journal, the registry and the log of the watch.

use std::net::IpAddr;
use std::sync::Arc;

use super::Principal;
use super::route::Route;
use crate::api::Scraper;
use crate::journal::Journal;
use crate::presets::monitoring::MonitoringMetrics;
use crate::store::Store;
use crate::tasks::Tasks;
use crate::telemetry::TelemetryHandle;

/// What the handlers work with. Another part of the crate adds a field here, and its routes to the table.
#[derive(Debug, Clone)]
pub(crate) struct Services {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) journal: Journal,
    pub(crate) metrics: MonitoringMetrics,
    pub(crate) scraper: Scraper,
    pub(crate) tasks: Tasks,
    pub(crate) telemetry: Option<TelemetryHandle>,
    #[cfg(feature = "alerting")]
    pub(crate) history: Option<crate::history::History>,
    #[cfg(feature = "alerting")]
    pub(crate) alerting: Option<crate::alerting::Alerting>,
}

impl Services {
    /// Notes that somebody was refused.
    pub(super) fn refused(&self, principal: &Principal, route: &Route, from: Option<IpAddr>) {
        tracing::info!(
            principal = principal.name(),
            role = principal.role().as_str(),
            needs = route.role.as_str(),
            route = route.name,
            from = from.map(tracing::field::display),
            "a call of the monitoring API was refused"
        );
    }
}
