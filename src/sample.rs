//! Samples: what a metric's value was at a point in time.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::event::{MAX_IDENTITY_BYTES, TimeWindow};
use crate::heap;
use crate::id::Id;
use crate::named::named_enum;
use crate::sanitise::{Cleaner, Invalid, MAX_LABEL_VALUE_BYTES, Repair, Repairs};
use crate::timestamp::Timestamp;

/// The longest name of a metric or a label, in bytes.
pub const MAX_NAME_BYTES: usize = 128;
/// The most labels of one sample.
pub const MAX_LABELS: usize = 64;

/// The most bytes that a sample takes as JSON; the other limits keep it below.
const MAX_SAMPLE_BYTES: usize = 128 * 1024;

named_enum! {
    /// What kind of value a metric has.
    pub enum MetricType: "metric_type" {
        /// A total that only rises.
        Counter = "counter",
        /// A value that rises and falls.
        Gauge = "gauge",
        /// One observation of a distribution.
        Histogram = "histogram",
    }
}

/// A sample as it is told. [`accept`](Self::accept) or [`check`](Self::check) makes a [`Sample`] of it.
///
/// As JSON it has the fields that a client may set: `name`, `metric_type`, `value`, `labels`, `timestamp`; any other
/// is refused.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use = "a draft does nothing until it is recorded"]
pub struct SampleDraft {
    name: String,
    metric_type: MetricType,
    #[serde(deserialize_with = "value_from_json")]
    value: f64,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    timestamp: Option<Timestamp>,
    #[serde(skip)]
    created_by: Option<String>,
}

impl SampleDraft {
    fn new(name: impl Into<String>, metric_type: MetricType, value: f64) -> Self {
        let (name, labels) = (name.into(), BTreeMap::new());
        Self { name, metric_type, value, labels, timestamp: None, created_by: None }
    }

    /// Sets a label.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// Sets when it was measured. Default: when it is accepted.
    pub fn at(mut self, time: impl Into<Timestamp>) -> Self {
        self.timestamp = Some(time.into());
        self
    }

    /// Sets who measured it, and so who may see it, at most 256 bytes. Default: the app itself.
    pub fn created_by(mut self, who: impl Into<String>) -> Self {
        self.created_by = Some(who.into());
        self
    }

    /// Makes a sample of it, whatever it is: what is not fit to be kept is changed, as [`Repair`] lists it.
    ///
    /// In names, characters other than letters, digits and `_` become `_` (a metric's name may hold `:`).
    pub fn accept(mut self, window: TimeWindow, now: Timestamp) -> (Sample, Repairs) {
        let (timestamp, cleaner) = self.clean(window, now);
        (self.into_sample(timestamp, now), cleaner.repairs())
    }

    /// Makes a sample of it if nothing about it has to be changed.
    ///
    /// # Errors
    ///
    /// Names the first field that is not fit to be kept, and the rule that it breaks.
    pub fn check(mut self, window: TimeWindow, now: Timestamp) -> Result<Sample, Invalid> {
        let (timestamp, cleaner) = self.clean(window, now);
        cleaner.check()?;
        Ok(self.into_sample(timestamp, now))
    }

    fn clean(&mut self, window: TimeWindow, now: Timestamp) -> (Timestamp, Cleaner) {
        let mut cleaner = Cleaner::new(MAX_SAMPLE_BYTES, 0);
        let told = self.timestamp.unwrap_or(now);
        let timestamp = window.nearest(told, now);
        if timestamp != told {
            cleaner.note("timestamp", Repair::Time, 0);
        }
        name(&mut cleaner, "name", &mut self.name, |c| c == ':');
        cleaner.identity("created_by", &mut self.created_by, MAX_IDENTITY_BYTES);
        if self.labels.len() > MAX_LABELS {
            cleaner.note("labels", Repair::Keys, MAX_LABELS);
            self.labels = std::mem::take(&mut self.labels).into_iter().take(MAX_LABELS).collect();
        }
        if self.labels.iter().any(|(key, value)| !is_name(key, |_| false) || !is_label_value(value)) {
            let labels = std::mem::take(&mut self.labels).into_iter();
            self.labels = labels
                .map(|(mut key, mut value)| {
                    name(&mut cleaner, "labels", &mut key, |_| false);
                    if !is_label_value(&value) {
                        cleaner.note("labels", Repair::TextLength, MAX_LABEL_VALUE_BYTES);
                        value = crate::sanitise::label_value(&value).into_owned();
                    }
                    (key, value)
                })
                .collect();
        }
        (timestamp, cleaner)
    }

    fn into_sample(self, timestamp: Timestamp, now: Timestamp) -> Sample {
        Sample {
            id: Id::at(timestamp),
            name: self.name,
            metric_type: self.metric_type,
            // There are many values that are no number; stores know one.
            value: if self.value.is_nan() { f64::NAN } else { self.value },
            labels: self.labels,
            timestamp,
            created_at: now,
            created_by: self.created_by,
        }
    }
}

/// Makes a name of Prometheus' kind of any text.
fn name(cleaner: &mut Cleaner, field: &'static str, name: &mut String, also: fn(char) -> bool) {
    if !is_name(name, also) {
        cleaner.note(field, Repair::Name, MAX_NAME_BYTES);
        let mut fit: String = crate::sanitise::truncate(name, MAX_NAME_BYTES)
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '_' || also(c) { c } else { '_' })
            .collect();
        if fit.starts_with(|c: char| c.is_ascii_digit()) {
            fit.replace_range(..1, "_");
        }
        *name = if fit.is_empty() { "unknown".into() } else { fit };
    }
}

/// Tells whether a text is a name of Prometheus' kind.
pub(crate) fn is_name(name: &str, also: fn(char) -> bool) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || also(c);
    !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(allowed)
}

fn is_label_value(value: &str) -> bool {
    value.len() <= MAX_LABEL_VALUE_BYTES && !value.chars().any(crate::sanitise::is_control)
}

/// A sample that was accepted: it has an id, and is fit for every store. It does not change any more.
///
/// A value that JSON has no number for is text there, as in Prometheus' own API: `NaN`, `+Inf`, `-Inf`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sample {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) metric_type: MetricType,
    #[serde(serialize_with = "value_to_json", deserialize_with = "value_from_json")]
    pub(crate) value: f64,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) timestamp: Timestamp,
    pub(crate) created_at: Timestamp,
    pub(crate) created_by: Option<String>,
}

impl Sample {
    /// Tells the value of a total that only rises.
    pub fn counter(name: impl Into<String>, value: f64) -> SampleDraft {
        SampleDraft::new(name, MetricType::Counter, value)
    }

    /// Tells the value of something that rises and falls.
    pub fn gauge(name: impl Into<String>, value: f64) -> SampleDraft {
        SampleDraft::new(name, MetricType::Gauge, value)
    }

    /// Tells one observation of a distribution.
    pub fn histogram(name: impl Into<String>, value: f64) -> SampleDraft {
        SampleDraft::new(name, MetricType::Histogram, value)
    }

    /// Returns the id: it holds the sample's time, and the order in which samples of one time were accepted.
    pub const fn id(&self) -> Id {
        self.id
    }

    /// Returns the metric's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the metric's type.
    pub const fn metric_type(&self) -> MetricType {
        self.metric_type
    }

    /// Returns the value; it may be infinite or no number at all.
    pub const fn value(&self) -> f64 {
        self.value
    }

    /// Returns the labels.
    pub const fn labels(&self) -> &BTreeMap<String, String> {
        &self.labels
    }

    /// Returns when it was measured.
    pub const fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// Returns when it was accepted.
    pub const fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// Returns who measured it; nobody when the app itself did.
    pub fn created_by(&self) -> Option<&str> {
        self.created_by.as_deref()
    }

    /// Returns the bytes of memory that the sample takes, about.
    pub fn bytes(&self) -> usize {
        let labels: usize = self.labels.iter().map(|(name, value)| heap::text(name) + heap::text(value)).sum();
        let tree = heap::tree(self.labels.len(), 2 * size_of::<String>());
        // In an `Arc`, with its two counters.
        let own = heap::allocation(size_of::<Self>() + 2 * size_of::<usize>());
        own + heap::text(&self.name) + heap::maybe(&self.created_by) + labels + tree
    }
}

impl PartialEq for Sample {
    /// Compares values bit by bit, so that a sample equals itself whatever its value is.
    fn eq(&self, other: &Self) -> bool {
        self.value.to_bits() == other.value.to_bits()
            && (self.id, self.metric_type, self.timestamp, self.created_at)
                == (other.id, other.metric_type, other.timestamp, other.created_at)
            && (&self.name, &self.labels, &self.created_by) == (&other.name, &other.labels, &other.created_by)
    }
}

impl Eq for Sample {}

fn value_to_json<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() {
        to.serialize_f64(*value)
    } else if value.is_nan() {
        to.serialize_str("NaN")
    } else {
        to.serialize_str(if *value > 0.0 { "+Inf" } else { "-Inf" })
    }
}

fn value_from_json<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "value is a number, or one of \"NaN\", \"+Inf\", \"-Inf\"")]
    enum Told {
        Number(f64),
        Text(Infinite),
    }
    #[derive(Deserialize)]
    enum Infinite {
        #[serde(rename = "NaN")]
        Nan,
        #[serde(rename = "+Inf", alias = "Inf")]
        Above,
        #[serde(rename = "-Inf")]
        Below,
    }
    Ok(match Told::deserialize(from)? {
        Told::Number(value) => value,
        Told::Text(Infinite::Nan) => f64::NAN,
        Told::Text(Infinite::Above) => f64::INFINITY,
        Told::Text(Infinite::Below) => f64::NEG_INFINITY,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(draft: SampleDraft) -> (Sample, Vec<Repair>) {
        let (sample, repairs) = draft.accept(TimeWindow::days(90), Timestamp::now());
        (sample, repairs.iter().collect())
    }

    #[test]
    fn a_value_that_is_no_number_is_text_in_json_and_comes_back() {
        for (value, text) in
            [(f64::NAN, "\"NaN\""), (f64::INFINITY, "\"+Inf\""), (f64::NEG_INFINITY, "\"-Inf\""), (-0.0, "-0.0")]
        {
            let (sample, repairs) = accepted(Sample::gauge("load", value));
            let json = serde_json::to_string(&sample).unwrap();
            assert!(json.contains(&format!("\"value\":{text}")), "{json}");
            assert_eq!((serde_json::from_str::<Sample>(&json).unwrap(), repairs), (sample, vec![]));
        }
        let whole: SampleDraft = serde_json::from_str(r#"{"name":"n","metric_type":"gauge","value":3}"#).unwrap();
        assert_eq!(whole.value, 3.0);
    }

    #[test]
    fn a_client_cannot_say_who_it_is() {
        let told = r#"{"name":"n","metric_type":"gauge","value":3,"created_by":"admin"}"#;
        assert!(serde_json::from_str::<SampleDraft>(told).is_err());
    }

    #[test]
    fn names_and_labels_are_made_fit_or_refused() {
        let (sample, repairs) = accepted(Sample::gauge("1 load:é", 1.0).label("a-b", "x\ny").label("", "z"));
        assert_eq!(sample.name(), "__load:_");
        assert_eq!(sample.labels().get("a_b").map(String::as_str), Some("x\u{FFFD}y"));
        assert_eq!(sample.labels().get("unknown").map(String::as_str), Some("z"));
        assert_eq!(repairs, [Repair::TextLength, Repair::Name]);
        let refused = Sample::gauge("", 1.0).check(TimeWindow::default(), Timestamp::now()).unwrap_err();
        assert_eq!((refused.field, refused.repair), ("name", Repair::Name));
    }
}
