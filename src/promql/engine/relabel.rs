//! Evaluates functions of labels.

use std::collections::HashMap;

use super::evaluate::Evaluator;
use super::fault::EvaluationError;
use super::grid::{Grid, Row, present};
use super::label_set::METRIC_NAME;
use super::node::Relabel;

/// The most bytes of a label's value that is made here.
const MOST_VALUE_BYTES: usize = 4096;

impl Evaluator<'_> {
    pub(super) fn relabel(&self, mut grid: Grid, rule: &Relabel) -> Result<Grid, EvaluationError> {
        for number in 0..grid.rows.len() {
            // A pattern may take as long as its size times that of the value.
            self.budget.look()?;
            let row = &mut grid.rows[number];
            let (target, value) = match rule {
                Relabel::Replace { target, replacement, source, pattern } => {
                    let Some(found) = pattern.captures(row.labels.get(source)) else { continue };
                    let mut value = String::new();
                    found.expand(replacement, &mut value);
                    (target, value)
                }
                Relabel::Join { target, separator, sources } => {
                    let values: Vec<&str> = sources.iter().map(|source| row.labels.get(source)).collect();
                    (target, values.join(separator))
                }
            };
            if value.len() > MOST_VALUE_BYTES {
                let found = value.len();
                return Err(EvaluationError::Parameter(format!(
                    "label `{target}` would have {found} bytes, at most {MOST_VALUE_BYTES} are made"
                )));
            }
            row.set(target, &value);
            grid.hold(value.len() / 16, &self.budget)?;
        }
        self.merged(grid)
    }

    /// Puts series together that have become one.
    fn merged(&self, grid: Grid) -> Result<Grid, EvaluationError> {
        let mut places = HashMap::with_capacity(grid.rows.len());
        if grid.rows.iter().all(|row| places.insert(row.labels.clone(), 0).is_none()) {
            return Ok(grid);
        }
        places.clear();
        let mut merged = Grid::new(grid.steps());
        for (number, row) in grid.rows.iter().enumerate() {
            let place = match places.get(&row.labels) {
                Some(&place) => place,
                None => {
                    let place = merged.add(row.clone(), &self.budget)?;
                    places.insert(row.labels.clone(), place);
                    place
                }
            };
            self.budget.work(grid.steps() + 1)?;
            for (kept, &cell) in merged.row_mut(place).iter_mut().zip(grid.row(number)) {
                match (present(*kept), present(cell)) {
                    (Some(_), Some(_)) => {
                        return Err(EvaluationError::DuplicateSeries { labels: row.labels.clone() });
                    }
                    (None, Some(value)) => *kept = value,
                    _ => {}
                }
            }
        }
        Ok(merged)
    }
}

impl Row {
    /// Sets a label; a name that is set stays.
    fn set(&mut self, target: &str, value: &str) {
        self.labels = self.labels.with(target, value);
        self.drop_name &= target != METRIC_NAME;
    }
}
