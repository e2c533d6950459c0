//! What can go wrong in a query of the history.

use std::time::Duration;

use thiserror::Error;

use crate::promql::engine::{EvaluationError, QueryError, SourceError};

/// Says why a query has no answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The expression is refused: it cannot be read, or is not supported.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// It is an expression, where only a selector says which series are meant.
    #[error("`{expression}` is no selector of series")]
    NoSelector {
        /// The expression.
        expression: String,
    },
    /// The evaluation ended without a result.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// The series could not be listed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// As many queries are waiting as may.
    #[error("too many queries at once")]
    Busy,
    /// It was not its turn before its deadline.
    #[error("the query waited for others for {deadline:?}")]
    Overdue {
        /// How much time a query has.
        deadline: Duration,
    },
    /// The evaluation panicked, or no thread could be had for it.
    #[error("the query could not be evaluated")]
    Failed,
}
