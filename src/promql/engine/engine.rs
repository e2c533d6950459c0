//! Evaluates queries.

use std::collections::HashMap;

use super::budget::Budget;
use super::evaluate::{Evaluated, Evaluator};
use super::grid::{Grid, Steps, present};
use super::node::Node;
use super::read::MOST_TIME;
use super::{
    fault::EvaluationError, label_set::LabelSet, limits::Limits, query::Query, series::Series, source::SeriesSource,
    value::Sample, value::Value, value_type::ValueType,
};

/// Evaluates queries over a source of series, each within [`Limits`].
///
/// It holds nothing but its limits, so that any number of threads may use it. A call does its work on the calling
/// thread; it belongs on one that may be busy until the deadline.
#[derive(Debug, Clone, Default)]
pub struct Engine {
    limits: Limits,
}

impl Engine {
    /// Returns an engine with these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits }
    }

    /// Returns the limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Returns the value of a query at one time, in milliseconds since 1970.
    ///
    /// # Errors
    ///
    /// When a limit is met, when series cannot be matched or would not be told apart, or when the source has none.
    pub fn instant(&self, query: &Query, source: &dyn SeriesSource, at: i64) -> Result<Value, EvaluationError> {
        let steps = Steps { start: at, step: 1, count: 1 };
        let evaluator = self.evaluator(source, steps)?;
        let value = match &*query.root {
            Node::Range(range) => {
                let points = evaluator.range_points(range, steps)?;
                let named = points.series.into_iter().map(|(series, drop_name)| Series {
                    labels: if drop_name { series.labels.without_name() } else { series.labels },
                    points: series.points,
                });
                Value::Matrix(named.collect())
            }
            root => match evaluator.evaluate(root, steps)? {
                Evaluated::Scalar(values) => Value::Scalar(values.first().copied().unwrap_or(f64::NAN)),
                Evaluated::String(text) => Value::String(text),
                Evaluated::Vector(grid) => Value::Vector(
                    named(grid, &evaluator.budget)?
                        .into_iter()
                        .filter_map(|(labels, cells)| Some(Sample { labels, at, value: present(*cells.first()?)? }))
                        .collect(),
                ),
            },
        };
        self.bounded(value)
    }

    /// Returns the values of a query at times from `start` to `end`, `step` apart, all in milliseconds.
    ///
    /// # Errors
    ///
    /// As [`Engine::instant`], and when the range is none, has too many steps, or the query is no vector and no scalar.
    pub fn range(
        &self,
        query: &Query,
        source: &dyn SeriesSource,
        start: i64,
        end: i64,
        step: i64,
    ) -> Result<Value, EvaluationError> {
        let invalid = |reason| Err(EvaluationError::Range { reason });
        if !matches!(query.value_type(), ValueType::Vector | ValueType::Scalar) {
            return invalid("only a scalar or an instant vector has a value at every step");
        }
        if step <= 0 {
            return invalid("zero or negative query resolution step widths are not accepted");
        }
        if end < start {
            return invalid("end timestamp must not be before start time");
        }
        let count = (end.abs_diff(start) / step.unsigned_abs()).saturating_add(1);
        if count > self.limits.steps as u64 {
            return Err(EvaluationError::TooManySteps { steps: count, limit: self.limits.steps });
        }
        let steps = Steps { start, step, count: usize::try_from(count).unwrap_or(usize::MAX) };
        // `@ end()` is the end that was asked for, even if it is no step.
        let evaluator = Evaluator { end, step, ..self.evaluator(source, steps)? };
        let rows = match evaluator.evaluate(&query.root, steps)? {
            Evaluated::Scalar(values) => vec![(LabelSet::default(), values)],
            Evaluated::String(_) => Vec::new(),
            Evaluated::Vector(grid) => named(grid, &evaluator.budget)?,
        };
        let series = rows.into_iter().map(|(labels, cells)| {
            let points = cells.iter().enumerate();
            let points = points.filter_map(|(step, &cell)| Some((steps.time(step), present(cell)?))).collect();
            Series { labels, points }
        });
        let mut series: Vec<Series> = series.filter(|series| !series.points.is_empty()).collect();
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        self.bounded(Value::Matrix(series))
    }

    fn evaluator<'a>(&self, source: &'a dyn SeriesSource, steps: Steps) -> Result<Evaluator<'a>, EvaluationError> {
        if steps.start.abs() > MOST_TIME || steps.start.abs_diff(steps.end()) > MOST_TIME.unsigned_abs() {
            return Err(EvaluationError::Range { reason: "times are out of bounds" });
        }
        Ok(Evaluator { source, budget: Budget::new(self.limits), start: steps.start, end: steps.end(), step: 0 })
    }

    fn bounded(&self, value: Value) -> Result<Value, EvaluationError> {
        let samples = match &value {
            Value::Vector(samples) => samples.len(),
            Value::Matrix(series) => series.iter().map(|series| series.points.len()).sum(),
            Value::Scalar(_) | Value::String(_) => 1,
        };
        if samples > self.limits.result {
            return Err(EvaluationError::ResultTooLarge { limit: self.limits.result });
        }
        Ok(value)
    }
}

/// Takes the names off that are to be dropped, and puts series together that are one then.
fn named(grid: Grid, budget: &Budget) -> Result<Vec<(LabelSet, Vec<f64>)>, EvaluationError> {
    let mut places: HashMap<LabelSet, usize> = HashMap::with_capacity(grid.rows.len());
    let mut named: Vec<(LabelSet, Vec<f64>)> = Vec::with_capacity(grid.rows.len());
    for (number, row) in grid.rows.iter().enumerate() {
        budget.work(grid.steps() + 1)?;
        let cells = grid.row(number);
        let labels = if row.drop_name { row.labels.without_name() } else { row.labels.clone() };
        let Some(&place) = places.get(&labels) else {
            places.insert(labels.clone(), named.len());
            named.push((labels, cells.to_vec()));
            continue;
        };
        for (kept, &cell) in named[place].1.iter_mut().zip(cells) {
            match (present(*kept), present(cell)) {
                (Some(_), Some(_)) => return Err(EvaluationError::DuplicateSeries { labels }),
                (None, Some(value)) => *kept = value,
                _ => {}
            }
        }
    }
    Ok(named)
}
