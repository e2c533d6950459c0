//! Alert rules: what is asked of the metrics, and when the answer is an alert.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::Id;
use crate::incident::Severity;
use crate::timestamp::Timestamp;

/// An alert rule at one version. Whether its query can be evaluated is for the evaluator to say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AlertRule {
    /// Its id: it holds the time at which it was made.
    pub id: Id,
    /// Its name, such as `HighErrorRate`.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// A PromQL expression, such as `cpu_usage > 80`.
    pub query: String,
    /// What the query's value is compared with, when the query itself does not compare.
    pub threshold_value: Option<f64>,
    /// How long the answer has to stand before the alert fires, in seconds as JSON.
    #[serde(rename = "for_seconds", with = "seconds")]
    pub pending_for: Duration,
    /// How long an alert goes on firing after the answer is gone, in seconds as JSON.
    #[serde(rename = "keep_firing_for_seconds", with = "seconds")]
    pub keep_firing_for: Duration,
    /// How much harm it tells of.
    pub severity: Severity,
    /// Labels that every alert of it gets.
    pub labels: BTreeMap<String, String>,
    /// Texts that every alert of it gets, as templates.
    pub annotations: BTreeMap<String, String>,
    /// Whether it is evaluated.
    pub enabled: bool,
    /// Who made it; nobody when it came with the app.
    pub created_by: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// How often it was changed, and one; who changes it says which version was seen.
    pub version: u64,
}

impl AlertRule {
    /// Makes a rule that is enabled, of medium severity, and fires at once.
    pub fn new(name: impl Into<String>, query: impl Into<String>, now: Timestamp) -> Self {
        Self {
            id: Id::at(now),
            name: name.into(),
            description: String::new(),
            query: query.into(),
            threshold_value: None,
            pending_for: Duration::ZERO,
            keep_firing_for: Duration::ZERO,
            severity: Severity::Medium,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            enabled: true,
            created_by: None,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }
}

/// Durations as seconds with a fraction.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(duration.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(from)?;
        Duration::try_from_secs_f64(seconds).map_err(serde::de::Error::custom)
    }
}
