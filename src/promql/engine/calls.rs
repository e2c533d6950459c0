//! Evaluates functions of vectors and numbers.

use super::calendar::Date;
use super::evaluate::{Evaluated, Evaluator};
use super::fault::EvaluationError;
use super::function::Function;
use super::grid::{Grid, Row, Steps};
use super::label_set::LabelSet;
use super::node::Node;
use super::select::{seconds, wanted_labels};

impl Evaluator<'_> {
    pub(super) fn call(
        &self,
        function: Function,
        arguments: &[Node],
        steps: Steps,
    ) -> Result<Evaluated, EvaluationError> {
        let vector = |number: usize| match arguments.get(number) {
            Some(argument) => self.vector(argument, steps),
            None => Ok(Grid::new(steps.count)),
        };
        let scalar = |number: usize| match arguments.get(number) {
            Some(argument) => self.scalar(argument, steps),
            None => Ok(vec![f64::NAN; steps.count]),
        };
        Ok(Evaluated::Vector(match function {
            Function::Pi => return Ok(Evaluated::Scalar(vec![std::f64::consts::PI; steps.count])),
            Function::Start => return Ok(Evaluated::Scalar(vec![seconds(self.start); steps.count])),
            Function::End => return Ok(Evaluated::Scalar(vec![seconds(self.end); steps.count])),
            Function::Range => return Ok(Evaluated::Scalar(vec![seconds(self.end - self.start); steps.count])),
            Function::Step => return Ok(Evaluated::Scalar(vec![seconds(self.step); steps.count])),
            Function::MinOf | Function::MaxOf => {
                let pairs = scalar(0)?.into_iter().zip(scalar(1)?);
                return Ok(Evaluated::Scalar(pairs.map(|(a, b)| one_of(a, b, function == Function::MaxOf)).collect()));
            }
            Function::Time => {
                return Ok(Evaluated::Scalar((0..steps.count).map(|step| seconds(steps.time(step))).collect()));
            }
            Function::Scalar => return Ok(Evaluated::Scalar(only_values(&vector(0)?, self)?)),
            Function::Vector => {
                let values = scalar(0)?;
                self.row(LabelSet::default(), &values)?
            }
            Function::Absent => self.absent(arguments, &vector(0)?)?,
            Function::Math(math) => self.each(vector(0)?, |_, value| Some(math.apply(value)))?,
            Function::Clamp => {
                let (least, most) = (scalar(1)?, scalar(2)?);
                self.clamped(vector(0)?, &least, &most)?
            }
            Function::ClampMin => self.clamped(vector(0)?, &scalar(1)?, &vec![f64::INFINITY; steps.count])?,
            Function::ClampMax => self.clamped(vector(0)?, &vec![f64::NEG_INFINITY; steps.count], &scalar(1)?)?,
            Function::Round => {
                let nearest = if arguments.len() > 1 { scalar(1)? } else { vec![1.0; steps.count] };
                self.each(vector(0)?, |step, value| {
                    // By the inverse, 0.1 is exact enough.
                    let inverse = 1.0 / nearest[step];
                    Some((value * inverse + 0.5).floor() / inverse)
                })?
            }
            Function::Date(part) if arguments.is_empty() => {
                let times =
                    (0..steps.count).map(|step| Date::of_seconds(i128::from(steps.time(step) / 1000)).part(part));
                self.row(LabelSet::default(), &times.collect::<Vec<_>>())?
            }
            Function::Date(part) => self.each(vector(0)?, |_, value| Some(Date::of_number(value).part(part)))?,
            Function::Timestamp => self.timestamp(&arguments[0], steps)?,
            Function::Sort => self.sorted(vector(0)?, false)?,
            Function::SortDesc => self.sorted(vector(0)?, true)?,
            Function::SortByLabel | Function::SortByLabelDesc => {
                let names = arguments.iter().filter_map(|argument| match argument {
                    Node::Text(name) => Some(name.as_str()),
                    _ => None,
                });
                self.sorted_by_labels(vector(0)?, &names.collect::<Vec<_>>(), function == Function::SortByLabelDesc)?
            }
            Function::HistogramQuantile => self.histogram_quantile(&scalar(0)?, &vector(1)?)?,
            Function::HistogramFraction => self.histogram_fraction(&scalar(0)?, &scalar(1)?, &vector(2)?)?,
        }))
    }

    /// Changes every value; what comes out is not what the name says any more.
    fn each(&self, mut grid: Grid, change: impl FnMut(usize, f64) -> Option<f64>) -> Result<Grid, EvaluationError> {
        grid.map(&self.budget, change)?;
        grid.rows.iter_mut().for_each(|row| row.drop_name = true);
        Ok(grid)
    }

    fn clamped(&self, grid: Grid, least: &[f64], most: &[f64]) -> Result<Grid, EvaluationError> {
        let mut grid = self.each(grid, |step, value| {
            let (least, most) = (least[step], most[step]);
            if most < least {
                None
            } else if value.is_nan() || least.is_nan() || most.is_nan() {
                Some(f64::NAN)
            } else {
                Some(value.min(most).max(least))
            }
        })?;
        grid.compact();
        Ok(grid)
    }

    /// Returns when the values were taken: of a selector, the times of its samples, else the time of evaluation.
    fn timestamp(&self, argument: &Node, steps: Steps) -> Result<Grid, EvaluationError> {
        let inner = if let Node::Constant(inner) = argument { inner } else { argument };
        if let Node::Select(selector) = inner {
            let grid = self.present_values(selector, steps, true)?;
            return self.each(grid, |_, value| Some(value));
        }
        let grid = self.vector(argument, steps)?;
        self.each(grid, |step, _| Some(seconds(steps.time(step))))
    }

    /// Returns 1 at the steps at which a vector has no values.
    fn absent(&self, arguments: &[Node], grid: &Grid) -> Result<Grid, EvaluationError> {
        let labels = match arguments.first() {
            Some(Node::Select(selector)) => wanted_labels(&selector.matchers),
            _ => LabelSet::default(),
        };
        let mut absent = Grid::new(grid.steps());
        let row = absent.add(Row { labels, drop_name: false }, &self.budget)?;
        for step in 0..grid.steps() {
            self.budget.work(grid.rows.len() / 8 + 1)?;
            if grid.at(step).next().is_none() {
                absent.set(row, step, 1.0);
            }
        }
        absent.compact();
        Ok(absent)
    }

    fn row(&self, labels: LabelSet, values: &[f64]) -> Result<Grid, EvaluationError> {
        let mut grid = Grid::new(values.len());
        let row = grid.add(Row { labels, drop_name: false }, &self.budget)?;
        grid.row_mut(row).copy_from_slice(values);
        Ok(grid)
    }
}

/// Returns the less or the greater of two numbers; NaN, when one is.
fn one_of(a: f64, b: f64, greater: bool) -> f64 {
    match (a.is_nan() || b.is_nan(), greater) {
        (true, _) => f64::NAN,
        (false, true) => a.max(b),
        (false, false) => a.min(b),
    }
}

/// Returns the value of each step that has exactly one, else NaN.
fn only_values(grid: &Grid, evaluator: &Evaluator<'_>) -> Result<Vec<f64>, EvaluationError> {
    let values = (0..grid.steps()).map(|step| {
        evaluator.budget.work(grid.rows.len() / 8 + 1)?;
        let mut values = grid.at(step);
        Ok(match (values.next(), values.next()) {
            (Some((_, value)), None) => value,
            _ => f64::NAN,
        })
    });
    values.collect()
}
