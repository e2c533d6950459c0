//! What the handlers work with: the store, the journal, the registry and the log of the watch.

use std::sync::Arc;

use crate::api::Scraper;
use crate::desk::Desk;
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
    pub(crate) desk: Desk,
    pub(crate) tasks: Tasks,
    pub(crate) telemetry: Option<TelemetryHandle>,
    #[cfg(feature = "alerting")]
    pub(crate) history: Option<crate::history::History>,
    #[cfg(feature = "alerting")]
    pub(crate) alerting: Option<crate::alerting::Alerting>,
}
