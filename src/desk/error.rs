//! What can go wrong at the desk.

use thiserror::Error;

use crate::id::Id;
use crate::incident::{ChangeError, Incident};
use crate::sanitise::Invalid;
use crate::store::StoreError;

/// Says why something was not done; nothing of it was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DeskError {
    /// There is no such incident, or it is out of the caller's scope.
    #[error("there is no incident {0}")]
    NotFound(Id),
    /// Somebody else changed it after the version that the change was made from.
    #[error("the incident is at version {} by now, not at {seen}", current.version)]
    Stale {
        /// The version that the change was made from.
        seen: u64,
        /// The incident as it stands.
        current: Box<Incident>,
    },
    /// It would be active again, and an incident with the same key is.
    #[error("incident {} with the same key is active", .0.id)]
    KeyTaken(Box<Incident>),
    /// The change is none that may be made.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// A field is not fit to be kept.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Others changed it again and again while this was tried.
    #[error("incident {0} is being changed by others, again and again")]
    Contended(Id),
    /// The store could not.
    #[error(transparent)]
    Store(#[from] StoreError),
}
