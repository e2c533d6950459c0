//! What the parts of a template come to.

use std::collections::BTreeMap;

use super::ExpandError;
use super::number::shortest;

/// One series that a query of a template found.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateSample {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Nil,
    Text(String),
    Int(i64),
    Number(f64),
    Bool(bool),
    Labels(BTreeMap<String, String>),
    Sample(TemplateSample),
    Samples(Vec<TemplateSample>),
    /// What `.` is at first.
    Data,
}

impl Value {
    /// Tells whether `if` takes it for true: whatever is not empty, zero or false.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Text(text) => !text.is_empty(),
            Self::Int(whole) => *whole != 0,
            Self::Number(number) => *number != 0.0,
            Self::Bool(is) => *is,
            Self::Labels(labels) => !labels.is_empty(),
            Self::Samples(samples) => !samples.is_empty(),
            Self::Sample(_) | Self::Data => true,
        }
    }

    /// The number that the functions about numbers see.
    pub(super) fn number(&self) -> Result<f64, ExpandError> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Int(whole) => Ok(*whole as f64),
            Self::Text(text) => text.parse().map_err(|_| ExpandError(format!("{text:?} is no number"))),
            _ => Err(ExpandError("this is no number".to_owned())),
        }
    }

    pub(super) fn text(&self) -> Result<&str, ExpandError> {
        match self {
            Self::Text(text) => Ok(text),
            _ => Err(ExpandError("this is no text".to_owned())),
        }
    }

    /// How it is written.
    pub(super) fn written(&self) -> String {
        match self {
            Self::Nil => "<no value>".to_owned(),
            Self::Text(text) => text.clone(),
            Self::Int(whole) => whole.to_string(),
            Self::Number(number) => shortest(*number),
            Self::Bool(is) => is.to_string(),
            Self::Labels(labels) => labels_written(labels),
            Self::Sample(sample) => sample_written(sample),
            Self::Samples(samples) => {
                format!("[{}]", samples.iter().map(sample_written).collect::<Vec<_>>().join(" "))
            }
            Self::Data => String::new(),
        }
    }
}

fn labels_written(labels: &BTreeMap<String, String>) -> String {
    let pairs: Vec<_> = labels.iter().map(|(name, value)| format!("{name}:{value}")).collect();
    format!("map[{}]", pairs.join(" "))
}

fn sample_written(sample: &TemplateSample) -> String {
    format!("{{{} {}}}", labels_written(&sample.labels), shortest(sample.value))
}
