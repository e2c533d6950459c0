//! Whether what came of an evaluation is what must come of it.

use watchkeeper::promql::engine::{LabelSet, Value};

use super::notation::Cell;
use super::script::{Evaluation, Expected, Time};

/// Points of a series: times in milliseconds, and values.
type Points = (LabelSet, Vec<(i64, f64)>);

impl Evaluation {
    /// Compares a result; says what is different.
    pub(crate) fn compare(&self, result: &Value) -> Result<(), String> {
        match (&self.expected, result) {
            (Expected::Failure, _) => Err(format!("it does not fail, but gives {result:?}")),
            (Expected::Scalar(expected), Value::Scalar(value)) if equal(*expected, *value) => Ok(()),
            (Expected::String(expected), Value::String(value)) if expected == value => Ok(()),
            (Expected::Series(expected), Value::Vector(samples)) => {
                let found = samples.iter().map(|sample| (sample.labels.clone(), vec![(sample.at, sample.value)]));
                let at = samples.first().map_or(0, |sample| sample.at);
                compare_points(&points(expected, at, 1), &found.collect::<Vec<_>>(), self.ordered)
            }
            (Expected::Series(expected), Value::Matrix(series)) => {
                let Time::Range { start, step, .. } = self.time else { return Err(format!("a matrix: {result:?}")) };
                let found = series.iter().map(|series| (series.labels.clone(), series.points.clone()));
                compare_points(&points(expected, start, step), &found.collect::<Vec<_>>(), false)
            }
            (Expected::Points { start, step, series: expected }, Value::Matrix(series)) => {
                let found = series.iter().map(|series| (series.labels.clone(), series.points.clone()));
                compare_points(&points(expected, *start, *step), &found.collect::<Vec<_>>(), self.ordered)
            }
            _ => Err(format!("{result:?}, not {:?}", self.expected)),
        }
    }

    /// Compares what an instant evaluation must give with one step of a range.
    pub(crate) fn compare_step(&self, result: &Value, at: i64) -> Result<(), String> {
        let Value::Matrix(series) = result else { return Err(format!("no matrix: {result:?}")) };
        let found: Vec<Points> = series
            .iter()
            .map(|series| {
                (series.labels.clone(), series.points.iter().copied().filter(|point| point.0 == at).collect())
            })
            .filter(|(_, points): &Points| !points.is_empty())
            .collect();
        match &self.expected {
            Expected::Scalar(value) => compare_points(&[(LabelSet::default(), vec![(at, *value)])], &found, false),
            Expected::Series(expected) => compare_points(&points(expected, at, 1), &found, false),
            _ => Ok(()),
        }
    }
}

fn points(series: &[(LabelSet, Vec<Cell>)], start: i64, step: i64) -> Vec<Points> {
    let of_cells = |cells: &[Cell]| {
        let timed = (0..).map(|number| start + number * step).zip(cells);
        timed.filter_map(|(at, cell)| if let Cell::Value(value) = cell { Some((at, *value)) } else { None }).collect()
    };
    series
        .iter()
        .map(|(labels, cells)| (labels.clone(), of_cells(cells)))
        .filter(|(_, points): &Points| !points.is_empty())
        .collect()
}

fn compare_points(expected: &[Points], found: &[Points], ordered: bool) -> Result<(), String> {
    let differs = || format!("found    {found:?}\n        expected {expected:?}");
    if expected.len() != found.len() {
        return Err(differs());
    }
    for (place, (labels, points)) in expected.iter().enumerate() {
        let other = if ordered { Some(&found[place]) } else { found.iter().find(|(other, _)| other == labels) };
        let Some((other_labels, other_points)) = other else { return Err(differs()) };
        let is_equal = labels == other_labels
            && points.len() == other_points.len()
            && points.iter().zip(other_points).all(|(a, b)| a.0 == b.0 && equal(a.1, b.1));
        if !is_equal {
            return Err(differs());
        }
    }
    Ok(())
}

/// Returns whether two values are equal but for a millionth; NaN equals NaN, and nothing but 0 equals 0.
fn equal(a: f64, b: f64) -> bool {
    if a.is_nan() && b.is_nan() || a == b {
        return true;
    }
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < 1e-6 * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < 1e-6
}
