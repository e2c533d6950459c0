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

use std::sync::Arc;

pub use error::DeskError;
pub use open::{Opening, alert_key};
pub use stats::Statistics;
pub use timeline::{Timeline, TimelineItem, TimelineOptions};

use crate::store::Store;

/// Works incidents in a store. Cloning it copies a handle.
#[derive(Debug, Clone)]
pub struct Desk {
    store: Arc<dyn Store>,
}

impl Desk {
    /// Makes a desk over a store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Returns the store that incidents are kept in.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }
}
