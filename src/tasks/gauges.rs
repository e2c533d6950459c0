//! The gauges of a whole store: of all instances that share one, the one that leads exports them.

use std::time::Duration;

use tokio::time::timeout;

use crate::presets::monitoring::MonitoringMetrics;
use crate::store::{Store, StoreError};

/// Exports how many incidents are active and how many alerts fire, while this instance leads.
pub(super) struct Gauges {
    metrics: Option<MonitoringMetrics>,
    /// Whether they show anything of ours.
    exported: bool,
}

impl Gauges {
    pub(super) fn new(metrics: Option<MonitoringMetrics>) -> Self {
        Self { metrics, exported: false }
    }

    /// Counts, and exports what was counted. Where the store does not say, what it said before stays.
    pub(super) async fn export(&mut self, store: &dyn Store, deadline: Duration) {
        let Some(metrics) = &self.metrics else { return };
        match timeout(deadline, count(store)).await {
            Ok(Ok((incidents, alerts))) => {
                self.exported = true;
                metrics.record_open_incidents(incidents);
                metrics.record_active_alerts(alerts);
            }
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, "the store does not say how many incidents are open");
            }
            Err(_) => {}
        }
    }

    /// Exports zero, since another instance may lead now: a sum over all instances is right whoever leads.
    pub(super) fn withdraw(&mut self) {
        if let Some(metrics) = self.metrics.as_ref().filter(|_| std::mem::take(&mut self.exported)) {
            metrics.record_open_incidents(0);
            metrics.record_active_alerts(0);
        }
    }
}

async fn count(store: &dyn Store) -> Result<(u64, u64), StoreError> {
    Ok((store.active_incidents().await?, store.active_alerts().await?))
}
