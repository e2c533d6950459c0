//! The shape of a family: its descriptor after the registry's prefix, constant labels and bucket choices.

use super::descriptor::{Kind, Unit};

/// What a family is, after the registry's prefix, constant labels and bucket choices.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shape {
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) kind: Kind,
    pub(crate) unit: Unit,
    pub(crate) labels: Vec<LabelShape>,
    pub(crate) buckets: Vec<f64>,
    pub(crate) exemplars: bool,
    /// Whether a series of closed labels waits for its first use.
    pub(crate) on_demand: bool,
    /// Whether anything of the metric can go to the overflow, so that it is counted.
    pub(crate) overflows: bool,
    /// The registry's constant labels, and the same as text to stand in front of a series' own.
    pub(crate) constant_labels: Vec<(String, String)>,
    pub(crate) constant: String,
}

/// One label of a family; without values it is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LabelShape {
    pub(crate) name: String,
    pub(crate) values: Option<&'static [&'static str]>,
    /// Whether the label's values count against the caps; not where something else bounds them.
    pub(crate) capped: bool,
}

impl LabelShape {
    /// Makes an open label under the caps.
    pub(crate) fn open(name: &str) -> Self {
        Self { name: name.to_owned(), values: None, capped: true }
    }
}
