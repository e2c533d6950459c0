//! The desk: where incidents are opened, worked and looked back on.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! use std::sync::Arc;
//! use watchkeeper::desk::{Desk, TimelineOptions};
//! use watchkeeper::incident::{Actor, Incident, IncidentChange, IncidentStatus, Severity};
//! use watchkeeper::store::{Memory, Scope};
//!
//! let desk = Desk::new(Arc::new(Memory::new()));
//! let draft = Incident::draft("payments fail", Severity::High).dedup_key("payments");
//! let incident = desk.open(draft.clone()).await?.incident;
//! assert_eq!(desk.open(draft).await?.incident.id, incident.id, "it is the same incident");
//!
//! let ann = Actor::Moderator("ann".into());
//! let take = IncidentChange::Status { to: IncidentStatus::Investigating, reason: None };
//! desk.change(incident.id, &Scope::All, vec![take], &ann, Some(incident.version)).await?;
//! desk.note(incident.id, &Scope::All, "the bank is down", &ann).await?;
//! let timeline = desk.timeline(incident.id, &Scope::All, &TimelineOptions::new()).await?;
//! assert_eq!(timeline.items.len(), 3);
//! # Ok::<(), watchkeeper::desk::DeskError>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A change is made from a version that its maker has seen, or from the one that is there; its entry of the timeline is
//! stored with it or not at all. Everything here calls the store, so it waits as long as the store may take; none of it
//! belongs on the path of a request that has something else to do.

mod change;
mod error;
mod merge;
mod open;
mod stats;
mod timeline;

use std::fmt;
use std::sync::Arc;

pub use error::DeskError;
pub use open::{Opening, alert_key};
pub use stats::Statistics;
pub use timeline::{Timeline, TimelineItem, TimelineOptions};

use crate::presets::monitoring::MonitoringMetrics;
use crate::store::{Store, StoreError};

/// Works incidents in a store. Cloning it copies a handle.
#[derive(Clone)]
pub struct Desk {
    store: Arc<dyn Store>,
    monitoring: Option<MonitoringMetrics>,
}

impl Desk {
    /// Makes a desk over a store, without metrics.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, monitoring: None }
    }

    /// Makes a desk that also says in metrics how many incidents are open.
    pub(crate) fn measured(store: Arc<dyn Store>, monitoring: MonitoringMetrics) -> Self {
        Self { store, monitoring: Some(monitoring) }
    }

    /// Returns the store that incidents are kept in.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Counts active incidents and alerts into `monitoring_open_incidents` and `monitoring_active_alerts`.
    ///
    /// They are numbers of the whole store, so of the instances that share one, one exports them: the scheduler of tasks
    /// calls this where it holds the lease.
    ///
    /// # Errors
    ///
    /// As the store.
    pub async fn record_counts(&self) -> Result<(), StoreError> {
        let (incidents, alerts) = (self.store.active_incidents().await?, self.store.active_alerts().await?);
        if let Some(monitoring) = &self.monitoring {
            monitoring.record_open_incidents(incidents);
            monitoring.record_active_alerts(alerts);
        }
        Ok(())
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("store", &self.store).finish_non_exhaustive()
    }
}
