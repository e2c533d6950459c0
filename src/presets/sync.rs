//! Metrics of synchronisation with other systems: jobs, conflicts, integrations, webhooks.

use std::time::Duration;

use super::run::Run;
use super::status::Status;
use crate::metric::{
    CounterDesc, CounterFamily, GaugeDesc, GaugeFamily, HistogramDesc, HistogramFamily, Open, RegisterError, Registry,
    UpDownDesc, UpDownFamily, bucket,
};

crate::open_label! {
    /// The system that data is read from.
    pub struct Source: "source";
}

crate::open_label! {
    /// The system that data is written to.
    pub struct Target: "target";
}

crate::open_label! {
    /// The other system's name.
    pub struct Integration: "integration";
}

crate::label_enum! {
    /// What became of a conflict.
    pub enum ConflictOutcome: "outcome" {
        /// It was found.
        Detected = "detected",
        /// It was settled.
        Resolved = "resolved",
    }
}

/// Counts synchronisation jobs.
pub const OPERATIONS: CounterDesc<(Open<Source>, Open<Target>, Status)> = CounterDesc::new(
    "sync_operations_total",
    "Synchronisation jobs that ended, by source, target and whether they succeeded.",
);

/// Measures synchronisation jobs.
pub const DURATION: HistogramDesc<(Open<Source>, Open<Target>)> = HistogramDesc::new(
    "sync_duration_seconds",
    "Time of a synchronisation job in seconds, by source and target.",
    bucket::SYNC_SECONDS,
);

/// Counts the jobs under way.
pub const ACTIVE_SYNCS: UpDownDesc<(Open<Source>,)> =
    UpDownDesc::new("active_syncs", "Synchronisation jobs that are under way, by source.");

/// Counts conflicts.
pub const CONFLICTS: CounterDesc<(ConflictOutcome,)> =
    CounterDesc::new("sync_conflicts_total", "Conflicts between source and target, by whether found or settled.");

/// Shows which integrations work.
pub const INTEGRATION_UP: GaugeDesc<(Open<Integration>,)> =
    GaugeDesc::new("integration_up", "Whether an integration answers: 1 when it does, 0 when not; by integration.");

/// Counts retries.
pub const INTEGRATION_RETRIES: CounterDesc<(Open<Integration>,)> =
    CounterDesc::new("integration_retries_total", "Calls to an integration that were made again, by integration.");

/// Counts webhook deliveries.
pub const WEBHOOK_DELIVERIES: CounterDesc<(Status,)> =
    CounterDesc::new("webhook_deliveries_total", "Webhooks delivered, by whether it succeeded.");

/// Records synchronisation with other systems.
///
/// ```
/// use watchkeeper::presets::Presets;
///
/// let metrics = Presets::default();
/// let sync = metrics.sync();
/// let job = sync.start_job("shop", "warehouse");
/// sync.record_integration_up("warehouse", true);
/// job.succeed(); // without this line the job counts as an error
/// ```
#[derive(Debug, Clone)]
pub struct SyncMetrics {
    operations: CounterFamily<(Open<Source>, Open<Target>, Status)>,
    duration: HistogramFamily<(Open<Source>, Open<Target>)>,
    active: UpDownFamily<(Open<Source>,)>,
    conflicts: CounterFamily<(ConflictOutcome,)>,
    integration_up: GaugeFamily<(Open<Integration>,)>,
    integration_retries: CounterFamily<(Open<Integration>,)>,
    webhook_deliveries: CounterFamily<(Status,)>,
}

impl SyncMetrics {
    /// Registers the group.
    ///
    /// # Errors
    ///
    /// When a name is taken by a metric of another meaning.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            operations: registry.counter(&OPERATIONS)?,
            duration: registry.histogram(&DURATION)?,
            active: registry.up_down(&ACTIVE_SYNCS)?,
            conflicts: registry.counter(&CONFLICTS)?,
            integration_up: registry.gauge(&INTEGRATION_UP)?,
            integration_retries: registry.counter(&INTEGRATION_RETRIES)?,
            webhook_deliveries: registry.counter(&WEBHOOK_DELIVERIES)?,
        })
    }

    /// Starts a job, counted as under way until it ends; dropping the guard before it succeeded counts an error.
    pub fn start_job(&self, source: &str, target: &str) -> Run {
        let [success, error] =
            [Status::Success, Status::Error].map(|status| self.operations.with((source, target, status)));
        Run::start(success, error).measured(self.duration.with((source, target))).tracked(self.active.track((source,)))
    }

    /// Records a job that was timed elsewhere.
    pub fn record_job(&self, source: &str, target: &str, status: Status, time: Duration) {
        self.operations.inc((source, target, status));
        self.duration.observe_duration((source, target), time);
    }

    /// Counts a conflict between source and target that was found or settled.
    pub fn record_conflict(&self, outcome: ConflictOutcome) {
        self.conflicts.inc((outcome,));
    }

    /// Sets whether an integration answers.
    pub fn record_integration_up(&self, integration: &str, up: bool) {
        self.integration_up.set((integration,), f64::from(u8::from(up)));
    }

    /// Counts a call to an integration that was made again.
    pub fn record_integration_retry(&self, integration: &str) {
        self.integration_retries.inc((integration,));
    }

    /// Counts the delivery of a webhook.
    pub fn record_webhook_delivery(&self, status: Status) {
        self.webhook_deliveries.inc((status,));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Format;

    #[test]
    fn conflicts_integrations_and_webhooks_show_as_they_were_recorded() {
        let registry = Registry::new();
        let sync = SyncMetrics::register(&registry).unwrap();
        sync.record_job("shop", "warehouse", Status::Success, Duration::from_secs(2));
        sync.record_conflict(ConflictOutcome::Detected);
        sync.record_integration_up("warehouse", true);
        sync.record_integration_up("bank", true);
        sync.record_integration_up("bank", false);
        sync.record_integration_retry("bank");
        sync.record_webhook_delivery(Status::Error);
        let scrape = registry.render(Format::Text);
        for line in [
            "sync_operations_total{source=\"shop\",target=\"warehouse\",status=\"success\"} 1\n",
            "sync_operations_total{source=\"shop\",target=\"warehouse\",status=\"error\"} 0\n",
            "sync_duration_seconds_bucket{source=\"shop\",target=\"warehouse\",le=\"1.0\"} 0\n",
            "sync_duration_seconds_bucket{source=\"shop\",target=\"warehouse\",le=\"2.0\"} 1\n",
            "sync_conflicts_total{outcome=\"detected\"} 1\n",
            "integration_up{integration=\"warehouse\"} 1\n",
            "integration_up{integration=\"bank\"} 0\n",
            "integration_retries_total{integration=\"bank\"} 1\n",
            "webhook_deliveries_total{status=\"error\"} 1\n",
        ] {
            assert!(scrape.contains(line), "{line} is not in\n{scrape}");
        }
    }
}
