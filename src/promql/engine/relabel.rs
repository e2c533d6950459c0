//! Evaluates functions of labels.

use super::evaluate::Evaluator;
use super::fault::EvaluationError;
use super::grid::{Grid, Row, present};
use super::label_set::METRIC_NAME;
use super::node::Relabel;
use std::collections::HashMap;

impl Evaluator<'_> {
    pub(super) fn relabel(&self, mut grid: Grid, rule: &Relabel) -> Result<Grid, EvaluationError> {
        for row in &mut grid.rows {
            // A pattern may take as long as its size times that of the value.
            self.budget.work(256)?;
            match rule {
                Relabel::Replace { target, replacement, source, pattern } => {
                    let Some(found) = pattern.captures(row.labels.get(source)) else { continue };
                    let mut value = String::new();
                    found.expand(replacement, &mut value);
                    row.set(target, &value);
                }
                Relabel::Join { target, separator, sources } => {
                    let values: Vec<&str> = sources.iter().map(|source| row.labels.get(source)).collect();
                    let value = values.join(separator);
                    row.set(target, &value);
                }
            }
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
