//! Values of series at steps of time.

use super::budget::{Budget, Held};
use super::{fault::EvaluationError, label_set::LabelSet, series};

/// The times at which something is evaluated, in milliseconds; there is at least one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steps {
    pub(super) start: i64,
    pub(super) step: i64,
    pub(super) count: usize,
}

/// Values of series at every step of a range. A cell without a value holds the stale marker, which no value is.
#[derive(Debug)]
pub(super) struct Grid {
    pub(super) rows: Vec<Row>,
    steps: usize,
    cells: Vec<f64>,
    held: Vec<Held>,
    /// Room that something beside the cells takes.
    beside: Vec<Held>,
}

/// A series of a grid.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) labels: LabelSet,
    /// Whether the name is not that of the values any more; it is taken off at the end, so that functions of labels can
    /// still read it.
    pub(super) drop_name: bool,
}

impl Steps {
    pub(super) fn time(&self, step: usize) -> i64 {
        // Engine and subqueries make steps of times that can be added.
        self.start + self.step * i64::try_from(step).unwrap_or(0)
    }

    pub(super) fn end(&self) -> i64 {
        self.time(self.count - 1)
    }

    pub(super) fn first_only(self) -> Self {
        Self { count: 1, ..self }
    }
}

impl Grid {
    pub(super) fn new(steps: usize) -> Self {
        Self { rows: Vec::new(), steps, cells: Vec::new(), held: Vec::new(), beside: Vec::new() }
    }

    /// Adds a row without values and returns its number.
    ///
    /// # Errors
    ///
    /// When there are too many series or samples.
    pub(super) fn add(&mut self, row: Row, budget: &Budget) -> Result<usize, EvaluationError> {
        budget.series(self.rows.len() + 1)?;
        self.held.push(budget.hold(self.steps)?);
        budget.work(self.steps / 16 + 1)?;
        self.rows.push(row);
        self.cells.resize(self.rows.len() * self.steps, series::stale());
        Ok(self.rows.len() - 1)
    }

    /// Takes room for something beside the cells, counted in samples.
    ///
    /// # Errors
    ///
    /// When there are too many.
    pub(super) fn hold(&mut self, samples: usize, budget: &Budget) -> Result<(), EvaluationError> {
        self.beside.push(budget.hold(samples)?);
        Ok(())
    }

    /// Takes the last row out again.
    pub(super) fn pop(&mut self) {
        self.rows.pop();
        self.held.pop();
        self.cells.truncate(self.rows.len() * self.steps);
    }

    pub(super) fn row(&self, row: usize) -> &[f64] {
        &self.cells[row * self.steps..][..self.steps]
    }

    pub(super) fn row_mut(&mut self, row: usize) -> &mut [f64] {
        &mut self.cells[row * self.steps..][..self.steps]
    }

    /// Returns a value, if there is one.
    pub(super) fn get(&self, row: usize, step: usize) -> Option<f64> {
        present(self.cells[row * self.steps + step])
    }

    pub(super) fn set(&mut self, row: usize, step: usize, value: f64) {
        self.cells[row * self.steps + step] = value;
    }

    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    /// Returns the values of one step with the numbers of their rows.
    pub(super) fn at(&self, step: usize) -> impl Iterator<Item = (usize, f64)> {
        (0..self.rows.len()).filter_map(move |row| self.get(row, step).map(|value| (row, value)))
    }

    /// Changes every value by itself; a value that becomes none is taken out.
    ///
    /// # Errors
    ///
    /// When time is over.
    pub(super) fn map(
        &mut self,
        budget: &Budget,
        mut change: impl FnMut(usize, f64) -> Option<f64>,
    ) -> Result<(), EvaluationError> {
        for row in 0..self.rows.len() {
            budget.work(self.steps)?;
            for (step, cell) in self.row_mut(row).iter_mut().enumerate() {
                if let Some(value) = present(*cell) {
                    *cell = change(step, value).unwrap_or_else(series::stale);
                }
            }
        }
        Ok(())
    }

    /// Takes out rows that have no values.
    pub(super) fn compact(&mut self) {
        let mut kept = 0;
        for row in 0..self.rows.len() {
            if self.row(row).iter().all(|&cell| series::is_stale(cell)) {
                continue;
            }
            if kept != row {
                self.rows.swap(kept, row);
                self.cells.copy_within(row * self.steps..(row + 1) * self.steps, kept * self.steps);
            }
            kept += 1;
        }
        self.rows.truncate(kept);
        self.cells.truncate(kept * self.steps);
        self.held.truncate(kept);
    }

    /// Puts the rows into another order.
    pub(super) fn reorder(&mut self, order: &[usize]) {
        self.rows = order.iter().map(|&row| self.rows[row].clone()).collect();
        self.cells = order.iter().flat_map(|&row| self.row(row).iter().copied()).collect();
        self.held.truncate(order.len());
    }
}

/// Returns the value of a cell, if it has one.
pub(super) fn present(cell: f64) -> Option<f64> {
    (!series::is_stale(cell)).then_some(cell)
}
