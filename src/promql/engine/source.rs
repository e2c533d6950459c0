//! Where series come from.

use std::time::Instant;

use thiserror::Error;

use super::{matcher::Matcher, series::Series};

/// What holds series and gives them out by their labels.
pub trait SeriesSource {
    /// Returns all series that fit all matchers and have points in the time from `start` to `end`.
    ///
    /// Times are milliseconds since 1970. `start` itself is left out and `end` is in, as in a range of PromQL; points
    /// outside may be returned and are passed over. Points stand in the order of time. A set of labels comes once.
    /// Stale markers ([`STALE_MARKER`](super::STALE_MARKER)) are returned like any other point. The order of the series
    /// is the order in which a vector shows them.
    ///
    /// # Errors
    ///
    /// [`SourceError::TooManySeries`] and [`SourceError::TooManySamples`] as soon as more than `bounds` allows fits,
    /// [`SourceError::Deadline`] when `bounds.deadline` has come; it should be looked at once in some hundred series.
    fn select(
        &self,
        matchers: &[Matcher],
        start: i64,
        end: i64,
        bounds: &SourceBounds,
    ) -> Result<Vec<Series>, SourceError>;
}

/// How much a source may return, and how long it may take.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct SourceBounds {
    /// The most series.
    pub series: usize,
    /// The most points of all series together.
    pub samples: usize,
    /// When the answer is of no use any more.
    pub deadline: Instant,
}

/// Why a source did not return series.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// More series fit than were allowed.
    #[error("more series match than the {limit} that a query may use")]
    TooManySeries {
        /// The most allowed.
        limit: usize,
    },
    /// More points fit than were allowed.
    #[error("query processing would load too many samples into memory in query execution: more than {limit}")]
    TooManySamples {
        /// The most allowed.
        limit: usize,
    },
    /// The deadline came.
    #[error("the series were not there in time")]
    Deadline,
    /// A series that fits holds native histograms, which are not supported.
    #[error("`{series}` holds native histograms, which are not supported")]
    NativeHistogram {
        /// The series.
        series: String,
    },
    /// What holds the series did not work.
    #[error("series cannot be read: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl SourceBounds {
    /// Returns bounds of these numbers.
    #[must_use]
    pub fn new(series: usize, samples: usize, deadline: Instant) -> Self {
        Self { series, samples, deadline }
    }
}
