//! Series that a script has loaded.

use watchkeeper::promql::engine::{LabelSet, METRIC_NAME, Matcher, Series, SeriesSource, SourceBounds, SourceError};

use super::notation::{Cell, cells, labels};

/// Series in memory, with the times at which they hold native histograms.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    series: Vec<Series>,
    histograms: Vec<(LabelSet, Vec<i64>)>,
}

impl Stored {
    /// Returns series of these lines, a number of seconds apart.
    pub(crate) fn of(seconds: i64, lines: &[&str]) -> Self {
        let mut stored = Self::default();
        for line in lines {
            let (labels, values) = labels(line);
            stored.load(&labels, &cells(values), seconds * 1000);
        }
        stored
    }

    pub(crate) fn from_series(series: Vec<Series>) -> Self {
        Self { series, ..Self::default() }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Adds the values of a line, `step` milliseconds apart from 0 on.
    pub(crate) fn load(&mut self, labels: &LabelSet, cells: &[Cell], step: i64) {
        for (at, cell) in (0..).map(|number| number * step).zip(cells) {
            match cell {
                Cell::Nothing => {}
                Cell::Value(value) => self.points(labels).push((at, *value)),
                Cell::Unsupported => self.histogram(labels, at),
            }
        }
        let points = self.points(labels);
        points.sort_by_key(|point| point.0);
        // Of a series that comes twice, the last line counts.
        points.reverse();
        points.dedup_by_key(|point| point.0);
        points.reverse();
    }

    /// Adds the native histogram that a classic one's buckets would make.
    pub(crate) fn load_native_twin(&mut self, labels: &LabelSet, cells: &[Cell], step: i64) {
        let name = labels.iter().find(|(name, _)| *name == METRIC_NAME).map_or("", |(_, name)| name);
        let Some(name) = ["_bucket", "_count", "_sum"].iter().find_map(|suffix| name.strip_suffix(suffix)) else {
            return;
        };
        let others = labels.iter().filter(|(label, _)| *label != "le" && *label != METRIC_NAME);
        let twin = LabelSet::new(others.chain([(METRIC_NAME, name)]));
        for (at, cell) in (0..).map(|number| number * step).zip(cells) {
            if !matches!(cell, Cell::Nothing) {
                self.histogram(&twin, at);
            }
        }
    }

    fn points(&mut self, labels: &LabelSet) -> &mut Vec<(i64, f64)> {
        let place = self.series.iter().position(|series| series.labels == *labels).unwrap_or_else(|| {
            self.series.push(Series { labels: labels.clone(), points: Vec::new() });
            self.series.len() - 1
        });
        &mut self.series[place].points
    }

    fn histogram(&mut self, labels: &LabelSet, at: i64) {
        match self.histograms.iter_mut().find(|(known, _)| known == labels) {
            Some((_, times)) => times.push(at),
            None => self.histograms.push((labels.clone(), vec![at])),
        }
    }
}

impl SeriesSource for Stored {
    fn select(
        &self,
        matchers: &[Matcher],
        start: i64,
        end: i64,
        bounds: &SourceBounds,
    ) -> Result<Vec<Series>, SourceError> {
        let inside = |at: i64| at > start && at <= end;
        for (labels, times) in &self.histograms {
            if Matcher::all_match(matchers, labels) && times.iter().any(|&at| inside(at)) {
                return Err(SourceError::NativeHistogram { series: labels.to_string() });
            }
        }
        let mut found = Vec::new();
        let mut samples = 0;
        for series in self.series.iter().filter(|series| Matcher::all_match(matchers, &series.labels)) {
            let points: Vec<_> = series.points.iter().copied().filter(|point| inside(point.0)).collect();
            samples += points.len();
            if samples > bounds.samples {
                return Err(SourceError::TooManySamples { limit: bounds.samples });
            }
            if found.len() == bounds.series {
                return Err(SourceError::TooManySeries { limit: bounds.series });
            }
            if !points.is_empty() {
                found.push(Series { labels: series.labels.clone(), points });
            }
        }
        Ok(found)
    }
}
