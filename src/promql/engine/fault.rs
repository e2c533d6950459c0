//! Why an evaluation ended without a result.

use std::time::Duration;

use thiserror::Error;

use super::{label_set::LabelSet, source::SourceError};

/// Says why an evaluation has no result.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// It took longer than [`Limits::deadline`](super::Limits::deadline).
    #[error("query timed out in expression evaluation after {limit:?}")]
    Deadline {
        /// The most time.
        limit: Duration,
    },
    /// More series were needed than [`Limits::series`](super::Limits::series).
    #[error("the query needs more than {limit} series")]
    TooManySeries {
        /// The most series.
        limit: usize,
    },
    /// More samples were needed than [`Limits::samples`](super::Limits::samples).
    #[error("query processing would load too many samples into memory in query execution: more than {limit}")]
    TooManySamples {
        /// The most samples.
        limit: usize,
    },
    /// A range or a subquery has more steps than [`Limits::steps`](super::Limits::steps).
    #[error("exceeded maximum resolution: {steps} steps, at most {limit}")]
    TooManySteps {
        /// The steps.
        steps: u64,
        /// The most steps.
        limit: usize,
    },
    /// The result has more samples than [`Limits::result`](super::Limits::result).
    #[error("the result has more than {limit} samples")]
    ResultTooLarge {
        /// The most samples.
        limit: usize,
    },
    /// A range ends before it starts, or has no step, or reaches out of the times that can be told.
    #[error("invalid range: {reason}")]
    Range {
        /// What is wrong.
        reason: &'static str,
    },
    /// Two series of a result have the same labels.
    #[error("vector cannot contain metrics with the same labelset: {labels}")]
    DuplicateSeries {
        /// Their labels.
        labels: LabelSet,
    },
    /// Two sides of an operation cannot be matched.
    #[error("{0}")]
    Matching(String),
    /// A parameter cannot be used, such as the name of a label.
    #[error("{0}")]
    Parameter(String),
    /// The source did not give its series.
    #[error(transparent)]
    Source(SourceError),
}
