//! Evaluates operations on two sides.

use super::evaluate::{Evaluated, Evaluator};
use super::fault::EvaluationError;
use super::grid::{Grid, Steps};
use super::node::{Binary, Operator};

impl Evaluator<'_> {
    pub(super) fn binary(&self, binary: &Binary, steps: Steps) -> Result<Evaluated, EvaluationError> {
        let left = self.evaluate(&binary.left, steps)?;
        let right = self.evaluate(&binary.right, steps)?;
        Ok(match (left, right) {
            (Evaluated::Scalar(left), Evaluated::Scalar(right)) => Evaluated::Scalar(
                left.into_iter().zip(right).map(|(left, right)| binary.operator.number(left, right)).collect(),
            ),
            (Evaluated::Vector(grid), Evaluated::Scalar(numbers)) => {
                Evaluated::Vector(self.with_number(binary, grid, &numbers, false)?)
            }
            (Evaluated::Scalar(numbers), Evaluated::Vector(grid)) => {
                Evaluated::Vector(self.with_number(binary, grid, &numbers, true)?)
            }
            (Evaluated::Vector(left), Evaluated::Vector(right)) if binary.operator.is_set() => {
                Evaluated::Vector(self.set(binary, &left, &right)?)
            }
            (Evaluated::Vector(left), Evaluated::Vector(right)) => {
                Evaluated::Vector(self.matched(binary, &left, &right)?)
            }
            // A query is not made with texts here.
            _ => Evaluated::Vector(Grid::new(steps.count)),
        })
    }

    /// Evaluates an operation of a vector and a number at each step.
    fn with_number(
        &self,
        binary: &Binary,
        mut grid: Grid,
        numbers: &[f64],
        number_first: bool,
    ) -> Result<Grid, EvaluationError> {
        let operator = binary.operator;
        let compares = operator.is_comparison();
        grid.map(&self.budget, |step, value| {
            let number = numbers.get(step).copied().unwrap_or(f64::NAN);
            let (left, right) = if number_first { (number, value) } else { (value, number) };
            let result = operator.number(left, right);
            match (compares, binary.as_bool) {
                // What is kept is the vector's value, whichever side it is on.
                (true, false) => (result == 1.0).then_some(value),
                _ => Some(result),
            }
        })?;
        if !compares || binary.as_bool {
            grid.rows.iter_mut().for_each(|row| row.drop_name = true);
        }
        grid.compact();
        Ok(grid)
    }
}

impl Operator {
    /// Returns the result for two numbers; of a comparison, 0 or 1.
    pub(super) fn number(self, left: f64, right: f64) -> f64 {
        let truth = |holds: bool| f64::from(u8::from(holds));
        match self {
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Divide => left / right,
            Self::Modulo => left % right,
            Self::Power => left.powf(right),
            Self::Atan2 => left.atan2(right),
            Self::Equal => truth(left == right),
            Self::NotEqual => truth(left != right),
            Self::Greater => truth(left > right),
            Self::Less => truth(left < right),
            Self::GreaterOrEqual => truth(left >= right),
            Self::LessOrEqual => truth(left <= right),
            Self::And | Self::Or | Self::Unless => f64::NAN,
        }
    }
}
