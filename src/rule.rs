//! Alert rules: what is asked of the metrics, and when the answer is an alert.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::Id;
use crate::incident::Severity;
use crate::sample::{MAX_LABELS, MAX_NAME_BYTES, is_name};
use crate::sanitise::{Cleaner, Invalid, MAX_LABEL_VALUE_BYTES, MAX_TEXT_BYTES, Repair};
use crate::timestamp::Timestamp;

/// The most bytes that a rule takes as JSON.
pub const MAX_RULE_BYTES: usize = 64 * 1024;

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

    /// Takes the rule if every store can keep it. Whether its query can be evaluated is another question.
    ///
    /// A name has 1 to 128 bytes, a text 16 KiB, a label's value 128 bytes; there are at most 64 labels and 64 annotations
    /// with names of Prometheus' kind; a threshold is a finite number. All together has at most 64 KiB.
    ///
    /// # Errors
    ///
    /// Names the first field that is not fit to be kept, and the rule that it breaks.
    pub fn check(mut self) -> Result<Self, Invalid> {
        let mut cleaner = Cleaner::new(MAX_RULE_BYTES, 1024);
        cleaner.name("name", &mut self.name, MAX_NAME_BYTES);
        cleaner.text("description", &mut self.description, MAX_TEXT_BYTES);
        cleaner.text("query", &mut self.query, MAX_TEXT_BYTES);
        cleaner.identity("created_by", &mut self.created_by, crate::event::MAX_IDENTITY_BYTES);
        if self.threshold_value.is_some_and(|threshold| !threshold.is_finite()) {
            cleaner.note("threshold_value", Repair::Number, 0);
        }
        let fields = [
            ("labels", &mut self.labels, MAX_LABEL_VALUE_BYTES),
            ("annotations", &mut self.annotations, MAX_TEXT_BYTES),
        ];
        for (field, texts, most) in fields {
            if texts.len() > MAX_LABELS {
                cleaner.note(field, Repair::Keys, MAX_LABELS);
            }
            for (name, text) in texts {
                if !is_name(name, |_| false) {
                    cleaner.note(field, Repair::Name, MAX_NAME_BYTES);
                }
                cleaner.text(field, text, most);
            }
        }
        cleaner.check()?;
        Ok(self)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_no_store_could_keep_is_refused() {
        let rule = || AlertRule::new("HighLoad", "cpu_usage > 80", Timestamp::EPOCH);
        assert!(rule().check().is_ok());
        let refused = |change: fn(&mut AlertRule)| {
            let mut bad = rule();
            change(&mut bad);
            bad.check().unwrap_err().field
        };
        assert_eq!(refused(|rule| rule.name.clear()), "name");
        assert_eq!(refused(|rule| rule.query = "up\0".into()), "query");
        assert_eq!(refused(|rule| rule.description = "x".repeat(MAX_TEXT_BYTES + 1)), "description");
        assert_eq!(refused(|rule| rule.threshold_value = Some(f64::NAN)), "threshold_value");
        assert_eq!(refused(|rule| drop(rule.labels.insert("a-b".into(), String::new()))), "labels");
        assert_eq!(refused(|rule| drop(rule.labels.insert("a".into(), "x".repeat(129)))), "labels");
        let annotations = |rule: &mut AlertRule| {
            rule.annotations = (0..5).map(|n| (format!("a{n}"), "x".repeat(15_000))).collect();
        };
        assert_eq!(refused(annotations), "annotations");
    }
}
