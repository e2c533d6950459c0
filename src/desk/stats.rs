//! Statistics: how much there is, from counts that are kept as things are stored.

use serde::Serialize;

use super::{Desk, DeskError};
use crate::timestamp::Timestamp;

/// How much there is. No row is counted for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Statistics {
    /// Events that were ever stored; it never falls.
    pub total_events: u64,
    /// Samples that were ever stored; it never falls.
    pub total_metrics: u64,
    /// Alerts that fire.
    pub active_alerts: u64,
    /// Incidents that are open, investigated or mitigated.
    pub open_incidents: u64,
    /// Events of the current minute and the 59 before it.
    pub events_last_hour: u64,
    /// Samples of the current minute and the 59 before it.
    pub metrics_last_hour: u64,
}

impl Desk {
    /// Says how much there is.
    ///
    /// # Errors
    ///
    /// As the store.
    pub async fn statistics(&self) -> Result<Statistics, DeskError> {
        let now = Timestamp::now();
        let (events, samples) = (self.store.event_counts(now).await?, self.store.sample_counts(now).await?);
        Ok(Statistics {
            total_events: events.total,
            total_metrics: samples.total,
            active_alerts: self.store.active_alerts().await?,
            open_incidents: self.store.active_incidents().await?,
            events_last_hour: events.last_hour,
            metrics_last_hour: samples.last_hour,
        })
    }
}
