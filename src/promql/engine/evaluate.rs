//! Evaluates a tree, node by node, each at all steps.

use super::budget::Budget;
use super::fault::EvaluationError;
use super::grid::{Grid, Row, Steps};
use super::node::Node;
use super::series;
use super::source::SeriesSource;

/// One evaluation of a query.
pub(super) struct Evaluator<'a> {
    pub(super) source: &'a dyn SeriesSource,
    pub(super) budget: Budget,
    /// The time that `start()` is.
    pub(super) start: i64,
    /// The time that `end()` is.
    pub(super) end: i64,
    /// The distance of its steps; 0 for an evaluation at one time.
    pub(super) step: i64,
}

/// What a node results in, at all steps.
#[derive(Debug)]
pub(super) enum Evaluated {
    /// A number for each step.
    Scalar(Vec<f64>),
    String(String),
    Vector(Grid),
}

impl Evaluator<'_> {
    pub(super) fn evaluate(&self, node: &Node, steps: Steps) -> Result<Evaluated, EvaluationError> {
        self.budget.work(steps.count)?;
        Ok(match node {
            Node::Number(number) => Evaluated::Scalar(vec![*number; steps.count]),
            Node::Text(text) => Evaluated::String(text.clone()),
            Node::Select(selector) => Evaluated::Vector(self.present_values(selector, steps, false)?),
            Node::Constant(inner) => self.spread(self.evaluate(inner, steps.first_only())?, steps)?,
            Node::Negate(inner) => match self.evaluate(inner, steps)? {
                Evaluated::Scalar(values) => Evaluated::Scalar(values.into_iter().map(|value| -value).collect()),
                Evaluated::Vector(mut grid) => {
                    grid.map(&self.budget, |_, value| Some(-value))?;
                    grid.rows.iter_mut().for_each(|row| row.drop_name = true);
                    Evaluated::Vector(grid)
                }
                text @ Evaluated::String(_) => text,
            },
            Node::OverRange { function, range, parameters } => {
                Evaluated::Vector(self.over_range(*function, range, parameters, steps)?)
            }
            Node::Call { function, arguments } => self.call(*function, arguments, steps)?,
            Node::Relabel { vector, rule } => Evaluated::Vector(self.relabel(self.vector(vector, steps)?, rule)?),
            Node::Aggregate { operator, parameter, grouping, vector } => {
                Evaluated::Vector(self.aggregate(operator, parameter.as_deref(), grouping, vector, steps)?)
            }
            Node::Binary(binary) => self.binary(binary, steps)?,
            // Only the root is one by itself, and the engine takes care of that.
            Node::Range(_) => return Err(EvaluationError::Range { reason: "a range vector has no value at a time" }),
        })
    }

    /// Evaluates a node that is an instant vector.
    pub(super) fn vector(&self, node: &Node, steps: Steps) -> Result<Grid, EvaluationError> {
        match self.evaluate(node, steps)? {
            Evaluated::Vector(grid) => Ok(grid),
            _ => Ok(Grid::new(steps.count)),
        }
    }

    /// Evaluates a node that is a scalar.
    pub(super) fn scalar(&self, node: &Node, steps: Steps) -> Result<Vec<f64>, EvaluationError> {
        match self.evaluate(node, steps)? {
            Evaluated::Scalar(values) => Ok(values),
            _ => Ok(vec![f64::NAN; steps.count]),
        }
    }

    /// Repeats what was evaluated once at all steps.
    fn spread(&self, once: Evaluated, steps: Steps) -> Result<Evaluated, EvaluationError> {
        Ok(match once {
            _ if steps.count == 1 => once,
            Evaluated::Scalar(values) => {
                Evaluated::Scalar(vec![values.first().copied().unwrap_or(f64::NAN); steps.count])
            }
            Evaluated::Vector(grid) => {
                let mut spread = Grid::new(steps.count);
                for (number, Row { labels, drop_name }) in grid.rows.iter().enumerate() {
                    let row = spread.add(Row { labels: labels.clone(), drop_name: *drop_name }, &self.budget)?;
                    spread.row_mut(row).fill(grid.get(number, 0).unwrap_or_else(series::stale));
                }
                Evaluated::Vector(spread)
            }
            text @ Evaluated::String(_) => text,
        })
    }
}
