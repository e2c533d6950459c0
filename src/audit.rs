//! The audit: who did what, to what, from where, and whether it was allowed.

use serde::{Deserialize, Serialize};

use crate::event::{Fields, MAX_IDENTITY_BYTES};
use crate::id::Id;
use crate::named::named_enum;
use crate::sanitise::Cleaner;
use crate::timestamp::Timestamp;

/// The longest name of an action, a role or a kind of target, in bytes.
pub const MAX_AUDIT_NAME_BYTES: usize = 64;
/// The most bytes that a record takes as JSON.
pub const MAX_AUDIT_BYTES: usize = 16 * 1024;

named_enum! {
    /// What became of what somebody tried.
    pub enum AuditOutcome: "outcome" {
        /// Something was changed.
        Done = "done",
        /// It was not allowed, or not possible.
        Refused = "refused",
        /// What belongs to others was read.
        Read = "read",
    }
}

/// One record of the audit. It is never changed; what is not fit to be kept is made fit as it is in an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuditRecord {
    /// The record's id: it holds its time, and the order in which records of one time were made.
    pub id: Id,
    /// When it was tried.
    pub timestamp: Timestamp,
    /// What was tried, such as `incident.change`.
    pub action: String,
    /// What became of it.
    pub outcome: AuditOutcome,
    /// Who tried; nobody where the caller was not known.
    pub who: Option<String>,
    /// The role that the caller had.
    pub role: Option<String>,
    /// What it was about, such as `incident` and its id.
    pub target: Option<String>,
    /// The address that the call came from.
    pub address: Option<String>,
    /// Details, such as the fields that were changed.
    #[serde(deserialize_with = "crate::event::stored")]
    pub details: Fields,
}

impl AuditRecord {
    /// Makes a record; a name of more than 64 bytes is cut.
    pub fn new(action: impl Into<String>, outcome: AuditOutcome, now: Timestamp) -> Self {
        let mut action = action.into();
        Cleaner::new(MAX_AUDIT_BYTES, 0).name("action", &mut action, MAX_AUDIT_NAME_BYTES);
        Self {
            id: Id::at(now),
            timestamp: now,
            action,
            outcome,
            who: None,
            role: None,
            target: None,
            address: None,
            details: Fields::new(),
        }
    }

    /// Sets who tried; a name of more than 256 bytes is left out.
    #[must_use]
    pub fn by(mut self, who: Option<&str>) -> Self {
        self.who = identity("who", who);
        self
    }

    /// Sets the role that the caller had.
    #[must_use]
    pub fn role(mut self, role: Option<&str>) -> Self {
        self.role = identity("role", role);
        self
    }

    /// Sets what it was about.
    #[must_use]
    pub fn target(mut self, target: impl Into<String>) -> Self {
        self.target = identity("target", Some(&target.into()));
        self
    }

    /// Sets the address that the call came from.
    #[must_use]
    pub fn address(mut self, address: Option<&str>) -> Self {
        self.address = identity("address", address);
        self
    }

    /// Sets a detail.
    #[must_use]
    pub fn detail(mut self, key: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        self.details.insert(key, value);
        let mut cleaner = Cleaner::new(MAX_AUDIT_BYTES, MAX_AUDIT_BYTES / 4);
        self.details.change(|members| cleaner.members("details", members));
        self
    }
}

fn identity(field: &'static str, text: Option<&str>) -> Option<String> {
    let mut text = text.map(str::to_owned);
    Cleaner::new(MAX_AUDIT_BYTES, 0).identity(field, &mut text, MAX_IDENTITY_BYTES);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_bounded_whatever_it_is_made_of() {
        let huge = "x".repeat(100_000);
        let mut record = AuditRecord::new(huge.clone(), AuditOutcome::Refused, Timestamp::EPOCH)
            .by(Some(&huge))
            .role(Some("a\0b"))
            .target(huge.clone())
            .address(Some("127.0.0.1"));
        for field in 0..100 {
            record = record.detail(format!("field{field}"), huge.clone());
        }
        assert_eq!((record.action.len(), record.who.as_ref(), record.target.as_ref()), (64, None, None));
        assert_eq!(record.address.as_deref(), Some("127.0.0.1"));
        assert!(serde_json::to_string(&record).unwrap().len() <= MAX_AUDIT_BYTES);
    }
}
