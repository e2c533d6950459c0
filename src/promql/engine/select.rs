//! Reads series from the source, as present values and as windows.

use super::budget::Held;
use super::evaluate::Evaluator;
use super::fault::EvaluationError;
use super::grid::{Grid, Row, Steps, present};
use super::label_set::LabelSet;
use super::matcher::Matcher;
use super::node::{At, Points, Range, Selector, Shift};
use super::series::{Series, is_stale};
use super::source::SourceError;

/// Points of a series, and whether its name is to be dropped.
pub(super) type Pointed = (Series, bool);

/// Points of series, and the room that they take.
pub(super) struct Pointing {
    pub(super) series: Vec<Pointed>,
    _held: Held,
}

impl Evaluator<'_> {
    /// Returns the time that is looked at instead of a time of evaluation.
    pub(super) fn shifted(&self, shift: Shift, time: i64) -> i64 {
        let time = match shift.at {
            None => time,
            Some(At::Start) => self.start,
            Some(At::End) => self.end,
            Some(At::Time(time)) => time,
        };
        time - shift.offset
    }

    /// Reads all points of matching series from after `start` to `end`.
    fn fetch(&self, matchers: &[Matcher], start: i64, end: i64) -> Result<(Vec<Series>, Held), EvaluationError> {
        self.budget.look()?;
        let bounds = self.budget.source_bounds();
        let series = self.source.select(matchers, start, end, &bounds).map_err(|error| match error {
            SourceError::Deadline => EvaluationError::Deadline { limit: self.budget.limits.deadline },
            SourceError::TooManySeries { limit } => EvaluationError::TooManySeries { limit },
            SourceError::TooManySamples { .. } => EvaluationError::TooManySamples { limit: self.budget.limits.samples },
            other => EvaluationError::Source(other),
        })?;
        self.budget.series(series.len())?;
        let held = self.budget.hold(series.iter().map(|series| series.points.len()).sum())?;
        self.budget.look()?;
        Ok((series, held))
    }

    /// Returns the value of each series at every step: its last, unless that is old or says that the series has ended.
    ///
    /// With `times`, the value is when that was, in seconds.
    pub(super) fn present_values(
        &self,
        selector: &Selector,
        steps: Steps,
        times: bool,
    ) -> Result<Grid, EvaluationError> {
        let look_back = i64::try_from(self.budget.limits.look_back.as_millis()).unwrap_or(i64::MAX);
        let first = self.shifted(selector.shift, steps.start);
        let last = self.shifted(selector.shift, steps.end());
        let mut grid = Grid::new(steps.count);
        let (fetched, _held) = self.fetch(&selector.matchers, first.saturating_sub(look_back), last)?;
        for series in fetched {
            let points = &series.points;
            self.budget.work(steps.count + points.len() / 4 + 8)?;
            let row = grid.add(Row { labels: series.labels.clone(), drop_name: false }, &self.budget)?;
            let mut passed = 0;
            let mut found = false;
            for step in 0..steps.count {
                let time = self.shifted(selector.shift, steps.time(step));
                if step == 0 {
                    passed = points.partition_point(|point| point.0 <= time);
                }
                while points.get(passed).is_some_and(|point| point.0 <= time) {
                    passed += 1;
                }
                let Some(&(at, value)) = passed.checked_sub(1).map(|last| &points[last]) else { continue };
                if at > time.saturating_sub(look_back) && !is_stale(value) {
                    found = true;
                    grid.set(row, step, if times { seconds(at) } else { value });
                }
            }
            if !found {
                grid.pop();
            }
        }
        Ok(grid)
    }

    /// Returns the points of a range for all steps, without stale markers.
    pub(super) fn range_points(&self, range: &Range, steps: Steps) -> Result<Pointing, EvaluationError> {
        let start = self.shifted(range.shift, steps.start).saturating_sub(range.length);
        let end = self.shifted(range.shift, steps.end());
        match &range.points {
            Points::Stored(matchers) => {
                let (mut series, held) = self.fetch(matchers, start, end)?;
                for series in &mut series {
                    self.budget.work(series.points.len() / 4)?;
                    series.points.retain(|&(at, value)| at > start && at <= end && !is_stale(value));
                }
                series.retain(|series| !series.points.is_empty());
                Ok(Pointing { series: series.into_iter().map(|series| (series, false)).collect(), _held: held })
            }
            Points::Subquery { query, step } => {
                let default = i64::try_from(self.budget.limits.subquery_step.as_millis()).unwrap_or(i64::MAX).max(1);
                let step = step.unwrap_or(default);
                // The first multiple of the step after the start.
                let first = (start.div_euclid(step) + 1) * step;
                if first > end {
                    return self.pointed(&Grid::new(1), steps);
                }
                let count = first.abs_diff(end) / step.unsigned_abs() + 1;
                let limit = self.budget.limits.subquery_steps;
                if count > limit as u64 {
                    return Err(EvaluationError::TooManySteps { steps: count, limit });
                }
                let inner = Steps { start: first, step, count: usize::try_from(count).unwrap_or(limit) };
                self.pointed(&self.vector(query, inner)?, inner)
            }
        }
    }

    /// Turns the values of a subquery into points.
    fn pointed(&self, grid: &Grid, steps: Steps) -> Result<Pointing, EvaluationError> {
        let held = self.budget.hold(grid.rows.len() * grid.steps())?;
        let mut pointed = Vec::with_capacity(grid.rows.len());
        for (number, row) in grid.rows.iter().enumerate() {
            self.budget.work(grid.steps())?;
            let cells = grid.row(number).iter().enumerate();
            let points = cells.filter_map(|(step, &cell)| Some((steps.time(step), present(cell)?))).collect();
            pointed.push((Series { labels: row.labels.clone(), points }, row.drop_name));
        }
        pointed.retain(|(series, _)| !series.points.is_empty());
        Ok(Pointing { series: pointed, _held: held })
    }
}

/// Returns the labels that a series would have to have to be matched; of a label that is asked for twice, none.
pub(super) fn wanted_labels(matchers: &[Matcher]) -> LabelSet {
    let mut wanted = LabelSet::default();
    for (at, matcher) in matchers.iter().enumerate() {
        let name = matcher.name();
        if name == super::label_set::METRIC_NAME {
            continue;
        }
        let is_first = !matchers[..at].iter().any(|before| before.name() == name && before.equal().is_some());
        wanted = wanted.with(name, matcher.equal().filter(|_| is_first).unwrap_or_default());
    }
    wanted
}

/// Returns the seconds of milliseconds.
pub(super) fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}
