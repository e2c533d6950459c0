//! What can be wrong with an expression.

use std::fmt;

use thiserror::Error;

use super::series::SeriesKind;

/// Says why an expression was not built.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum PromqlError {
    /// A label is named that the series do not have.
    #[error("`{of}` has no label `{label}`")]
    UnknownLabel {
        /// The metric; or, after an aggregation, what is left of it.
        of: String,
        /// The label named.
        label: String,
    },
    /// A closed label never has the value.
    #[error("label `{label}` of `{metric}` is never `{value}`")]
    UnknownValue {
        /// The metric.
        metric: String,
        /// The label.
        label: String,
        /// The value asked for.
        value: String,
    },
    /// The function does not fit the type of the metric.
    #[error("{function} of `{metric}`, which is a {kind}")]
    Kind {
        /// The function.
        function: &'static str,
        /// The metric.
        metric: String,
        /// Its type.
        kind: SeriesKind,
    },
    /// No bucket ends at the bound.
    #[error("`{metric}` has no bucket that ends at {bound}")]
    NotABound {
        /// The histogram.
        metric: String,
        /// The bound asked for.
        bound: f64,
    },
    /// A duration is not written as Prometheus writes it, or is zero.
    #[error("`{0}` is no duration such as 5m or 1h30m")]
    BadWindow(String),
    /// A rate would be made from too few samples.
    #[error("a rate over {window} has fewer than four scrapes; at one every {scrape} it takes {least}")]
    WindowTooShort {
        /// The window, after scaling.
        window: String,
        /// The scrape interval.
        scrape: String,
        /// The shortest window.
        least: String,
    },
    /// Two sides have different labels, so that no series of one ever meets one of the other.
    #[error("series by ({}) never meet series by ({})", .left.join(", "), .right.join(", "))]
    LabelsDiffer {
        /// The labels of the left side.
        left: Vec<String>,
        /// The labels of the right side.
        right: Vec<String>,
    },
    /// A part is divided by a whole that still has the label which makes the part, so that each series meets itself.
    #[error("series by `{0}` are a part of themselves: sum them up first")]
    PartOfItself(String),
    /// A single number stands where series are needed.
    #[error("{0} of a single number")]
    Scalar(&'static str),
    /// A number is not a number, or out of the function's range.
    #[error("{function}: {value} is out of range")]
    OutOfRange {
        /// The function.
        function: &'static str,
        /// The number given.
        value: f64,
    },
}

impl fmt::Display for SeriesKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
