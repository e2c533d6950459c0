//! Why an expression is refused when the query is made.

use thiserror::Error;

/// Says why an expression was refused, and where in it. Positions count bytes from 0.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum QueryError {
    /// It cannot be read.
    #[error("parse error at position {position}: {reason}")]
    Syntax {
        /// Where reading ended.
        position: usize,
        /// What is wrong.
        reason: String,
    },
    /// Something stands where another type must, is used with the wrong number of arguments, or makes no sense there.
    #[error("parse error at position {position}: {reason}")]
    Meaning {
        /// Where it stands.
        position: usize,
        /// What is wrong.
        reason: String,
    },
    /// There is no function of that name.
    #[error("parse error at position {position}: unknown function with name \"{name}\"")]
    UnknownFunction {
        /// Where it stands.
        position: usize,
        /// Its name.
        name: String,
    },
    /// It is PromQL, but needs native histograms or is experimental, and is not evaluated here.
    #[error("`{name}` at position {position} is not supported: {reason}")]
    Unsupported {
        /// Where it stands.
        position: usize,
        /// The function, aggregation or keyword.
        name: String,
        /// What it would need.
        reason: &'static str,
    },
    /// A regular expression is wrong, or compiles to more than is allowed.
    #[error("parse error at position {position}: invalid regular expression `{pattern}`: {reason}")]
    Regex {
        /// Where it stands.
        position: usize,
        /// The expression.
        pattern: String,
        /// What is wrong.
        reason: String,
    },
    /// It is longer, deeper or has more regular expressions than is allowed.
    #[error("the expression has {what} {found}, at most {limit} is allowed (position {position})")]
    TooLarge {
        /// Where the limit was met.
        position: usize,
        /// What there is too much of.
        what: &'static str,
        /// How much there is.
        found: usize,
        /// How much is allowed.
        limit: usize,
    },
}

impl QueryError {
    /// Returns where in the expression it is, in bytes from 0.
    #[must_use]
    pub fn position(&self) -> usize {
        match self {
            Self::Syntax { position, .. }
            | Self::Meaning { position, .. }
            | Self::UnknownFunction { position, .. }
            | Self::Unsupported { position, .. }
            | Self::Regex { position, .. }
            | Self::TooLarge { position, .. } => *position,
        }
    }
}
