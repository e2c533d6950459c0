//! What can be wrong with an objective.

use std::fmt;

/// Says why an objective was not declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SloError {
    /// The name is empty, or not lower case with hyphens.
    Name,
    /// The description is empty.
    NoDescription,
    /// The objective leaves no budget, or so much that no burn rate could ever be reached.
    Objective,
    /// The threshold is not a bound of the metric's buckets, so that nobody knows how many are below it.
    NotABound,
}

impl SloError {
    /// Says what is wrong, in one sentence.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Name => "an objective's name is lower case letters, digits and hyphens",
            Self::NoDescription => "the description is empty",
            Self::Objective => "an objective is a share between 0.85 and 0.999999",
            Self::NotABound => "the threshold is not a bound of the metric's buckets",
        }
    }
}

impl fmt::Display for SloError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for SloError {}
