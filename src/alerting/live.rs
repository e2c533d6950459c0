//! The watch's own history as what rules are evaluated over.

use super::group::RuleSource;
use crate::history::History;
use crate::promql::engine::{Matcher, Series, SeriesSource, SourceBounds, SourceError};

impl SeriesSource for History {
    fn select(
        &self,
        matchers: &[Matcher],
        start: i64,
        end: i64,
        bounds: &SourceBounds,
    ) -> Result<Vec<Series>, SourceError> {
        self.source().select(matchers, start, end, bounds)
    }
}

impl RuleSource for History {
    fn record(&self, series: Vec<Series>) {
        self.load(series);
    }
}
