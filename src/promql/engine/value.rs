//! What an evaluation results in.

use super::{label_set::LabelSet, series::Series};

/// The result of an expression.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Value {
    /// A number.
    Scalar(f64),
    /// A text.
    String(String),
    /// A value of each series at one time; in the order of a sort, where the expression asks for one.
    Vector(Vec<Sample>),
    /// Values of each series over time, in the order of their labels.
    Matrix(Vec<Series>),
}

/// The value of one series at one time.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Sample {
    /// The labels.
    pub labels: LabelSet,
    /// When it holds, in milliseconds since 1970.
    pub at: i64,
    /// The value.
    pub value: f64,
}
