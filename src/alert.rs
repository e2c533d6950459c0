//! Alerts: what a rule found, and how long it stands.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::Id;
use crate::named::named_enum;
use crate::timestamp::Timestamp;

named_enum! {
    /// The state of an alert, as Prometheus has them.
    pub enum AlertState: "state" {
        /// The rule finds nothing.
        Inactive = "inactive",
        /// The rule finds it, but not for long enough.
        Pending = "pending",
        /// It stands.
        Firing = "firing",
        /// It stood, and is over; kept for 15 minutes.
        Resolved = "resolved",
    }
}

impl AlertState {
    /// Tells whether the alert stands: it is firing.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Firing)
    }
}

/// An alert: one rule, one set of labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Alert {
    /// Its id: it holds the time at which the rule first found it.
    pub id: Id,
    /// What makes it the same alert as before: see [`fingerprint`](Self::fingerprint).
    pub fingerprint: String,
    /// The rule that found it.
    pub rule: Id,
    /// Its labels, those of the rule among them.
    pub labels: BTreeMap<String, String>,
    /// Its texts.
    pub annotations: BTreeMap<String, String>,
    /// The state that it is in.
    pub state: AlertState,
    /// What the query answered last; none when that was no number.
    pub value: Option<f64>,
    /// When the rule first found it.
    pub active_at: Timestamp,
    /// When it began to fire.
    pub fired_at: Option<Timestamp>,
    /// Since when it fires although the rule finds it no longer.
    pub keep_firing_since: Option<Timestamp>,
    /// When it was over.
    pub resolved_at: Option<Timestamp>,
    /// When the rule was last evaluated.
    pub evaluated_at: Timestamp,
    /// The incident that it belongs to.
    pub incident: Option<Id>,
}

impl Alert {
    /// Makes an alert that a rule has just found.
    pub fn new(rule: Id, labels: BTreeMap<String, String>, now: Timestamp) -> Self {
        Self {
            id: Id::at(now),
            fingerprint: Self::fingerprint(rule, &labels),
            rule,
            labels,
            annotations: BTreeMap::new(),
            state: AlertState::Pending,
            value: None,
            active_at: now,
            fired_at: None,
            keep_firing_since: None,
            resolved_at: None,
            evaluated_at: now,
            incident: None,
        }
    }

    /// Returns what makes two alerts the same: a hash of the rule and the labels, as 32 hexadecimal digits.
    pub fn fingerprint(rule: Id, labels: &BTreeMap<String, String>) -> String {
        // FNV-1a of 128 bits; each text is followed by a byte that no UTF-8 text holds.
        const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
        const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
        let hash = |hash: u128, bytes: &[u8]| {
            bytes.iter().chain(&[0xff]).fold(hash, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME))
        };
        let texts = labels.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
        format!("{:032x}", texts.fold(hash(BASIS, rule.as_uuid().as_bytes()), hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_read_alike_when_run_together_are_different_alerts() {
        let rule = Id::at(Timestamp::EPOCH);
        let labels = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let one = Alert::fingerprint(rule, &labels("ab", "c"));
        assert_eq!(one.len(), 32);
        assert_ne!(one, Alert::fingerprint(rule, &labels("a", "bc")));
        assert_ne!(one, Alert::fingerprint(Id::at(Timestamp::EPOCH), &labels("ab", "c")));
        assert_eq!(one, Alert::fingerprint(rule, &labels("ab", "c")));
    }
}
