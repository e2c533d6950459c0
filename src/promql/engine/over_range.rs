//! Evaluates functions of points over a range of time.

use super::evaluate::Evaluator;
use super::fault::EvaluationError;
use super::grid::{Grid, Row, Steps};
use super::label_set::LabelSet;
use super::node::{Node, Points, Range};
use super::range_function::RangeFunction;
use super::regression::{double_exponential_smoothing, regression};
use super::select::{seconds, wanted_labels};
use super::statistic::{changes, mean, median_deviation, quantile, resets, sum, variance};
use super::window::Window;

impl Evaluator<'_> {
    pub(super) fn over_range(
        &self,
        function: RangeFunction,
        range: &Range,
        parameters: &[Node],
        steps: Steps,
    ) -> Result<Grid, EvaluationError> {
        let parameters: Vec<Vec<f64>> =
            parameters.iter().map(|parameter| self.scalar(parameter, steps)).collect::<Result<_, _>>()?;
        let pointed = self.range_points(range, steps)?;
        if function == RangeFunction::Absent {
            return self.absent_over_range(range, &pointed.series, steps);
        }
        let mut grid = Grid::new(steps.count);
        for (series, drop_name) in &pointed.series {
            let points = &series.points;
            let drop_name = *drop_name || !function.keeps_name();
            let row = grid.add(Row { labels: series.labels.clone(), drop_name }, &self.budget)?;
            let (mut from, mut to) = (0, 0);
            let mut found = false;
            for step in 0..steps.count {
                let at = steps.time(step);
                let end = self.shifted(range.shift, at);
                let start = end.saturating_sub(range.length);
                if step == 0 {
                    from = points.partition_point(|point| point.0 <= start);
                    to = points.partition_point(|point| point.0 <= end);
                }
                // Windows move forward only; they stand still where the time is fixed.
                from += points[from..].iter().take_while(|point| point.0 <= start).count();
                to += points[to..].iter().take_while(|point| point.0 <= end).count();
                self.budget.work(to.saturating_sub(from) + 1)?;
                if from >= to {
                    continue;
                }
                let parameter = |number: usize| parameters.get(number).map_or(f64::NAN, |values| values[step]);
                let window = Window { points: &points[from..to], start, end };
                if let Some(value) = value(function, &window, at, parameter)? {
                    found = true;
                    grid.set(row, step, value);
                }
            }
            if !found {
                grid.pop();
            }
        }
        Ok(grid)
    }

    /// Returns 1 at the steps at which no series has points.
    fn absent_over_range(
        &self,
        range: &Range,
        pointed: &[super::select::Pointed],
        steps: Steps,
    ) -> Result<Grid, EvaluationError> {
        let labels = match &range.points {
            Points::Stored(matchers) => wanted_labels(matchers),
            Points::Subquery { .. } => LabelSet::default(),
        };
        let mut present = vec![false; steps.count];
        for (series, _) in pointed {
            self.budget.work(steps.count)?;
            for (step, present) in present.iter_mut().enumerate().filter(|(_, present)| !**present) {
                let end = self.shifted(range.shift, steps.time(step));
                let start = end.saturating_sub(range.length);
                let to = series.points.partition_point(|point| point.0 <= end);
                *present = to > 0 && series.points[to - 1].0 > start;
            }
        }
        let mut grid = Grid::new(steps.count);
        if present.contains(&false) {
            let row = grid.add(Row { labels, drop_name: false }, &self.budget)?;
            for step in (0..steps.count).filter(|&step| !present[step]) {
                grid.set(row, step, 1.0);
            }
        }
        Ok(grid)
    }
}

/// Returns what a function makes of a window that has points; nothing, when there are not enough.
fn value(
    function: RangeFunction,
    window: &Window<'_>,
    at: i64,
    parameter: impl Fn(usize) -> f64,
) -> Result<Option<f64>, EvaluationError> {
    let points = window.points;
    let ends = points.first().zip(points.last());
    let Some((first, last)) = ends else { return Ok(None) };
    Ok(match function {
        RangeFunction::Absent | RangeFunction::Present => Some(1.0),
        RangeFunction::Avg => Some(mean(window.values())),
        RangeFunction::Changes => Some(changes(points)),
        RangeFunction::Count => Some(points.len() as f64),
        RangeFunction::Delta => window.difference(false, false),
        RangeFunction::Increase => window.difference(true, false),
        RangeFunction::Rate => window.difference(true, true),
        RangeFunction::Idelta => window.last_difference(false),
        RangeFunction::Irate => window.last_difference(true),
        RangeFunction::Deriv => (points.len() > 1).then(|| regression(points, first.0).0),
        RangeFunction::PredictLinear => (points.len() > 1).then(|| {
            let (slope, intercept) = regression(points, at);
            slope * parameter(0) + intercept
        }),
        RangeFunction::DoubleExponentialSmoothing => double_exponential_smoothing(points, parameter(0), parameter(1))?,
        RangeFunction::First => Some(first.1),
        RangeFunction::Last => Some(last.1),
        RangeFunction::Mad => Some(median_deviation(window.values())),
        RangeFunction::Max => Some(extreme(points, |value, most| value > most).1),
        RangeFunction::Min => Some(extreme(points, |value, least| value < least).1),
        RangeFunction::TimeOfMax => Some(seconds(extreme(points, |value, most| value >= most).0)),
        RangeFunction::TimeOfMin => Some(seconds(extreme(points, |value, least| value <= least).0)),
        RangeFunction::TimeOfFirst => Some(seconds(first.0)),
        RangeFunction::TimeOfLast => Some(seconds(last.0)),
        RangeFunction::Quantile => Some(quantile(parameter(0), window.values().collect())),
        RangeFunction::Resets => Some(resets(points)),
        RangeFunction::Stddev => Some(variance(window.values()).sqrt()),
        RangeFunction::Stdvar => Some(variance(window.values())),
        RangeFunction::Sum => Some(sum(window.values())),
    })
}

/// Returns the point that none is beyond; any number is beyond NaN.
fn extreme(points: &[(i64, f64)], is_beyond: impl Fn(f64, f64) -> bool) -> (i64, f64) {
    points.iter().copied().fold((i64::MIN, f64::NAN), |extreme, point| {
        let is_first = extreme.0 == i64::MIN;
        if is_first || is_beyond(point.1, extreme.1) || extreme.1.is_nan() { point } else { extreme }
    })
}
