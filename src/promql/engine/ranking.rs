//! Evaluates what keeps the first few series of each group, and what sorts.

use std::cmp::Ordering;

use super::aggregate::Groups;
use super::evaluate::Evaluator;
use super::fault::EvaluationError;
use super::grid::Grid;
use super::node::{Aggregator, Grouping};
use super::statistic::ascending;

impl Evaluator<'_> {
    /// Keeps the greatest, the least or any few series of each group, at each step for itself.
    pub(super) fn ranked(
        &self,
        operator: &Aggregator,
        counts: &[f64],
        grouping: &Grouping,
        input: &Grid,
    ) -> Result<Grid, EvaluationError> {
        let mut grid = Grid::new(input.steps());
        // As Prometheus has it, NaN comes after a look at the greatest, which no NaN is.
        if counts.iter().copied().fold(f64::NEG_INFINITY, f64::max) < 1.0 && !counts.iter().any(|count| count.is_nan())
        {
            return Ok(grid);
        }
        check_counts(counts)?;
        let Groups { of_row, labels } = self.groups(grouping, input)?;
        let mut places: Vec<Option<usize>> = vec![None; input.rows.len()];
        for step in 0..input.steps() {
            // At least 1 and at most the number of rows.
            let most =
                counts.get(step).map_or(0, |&count| if count < 1.0 { 0 } else { count as usize }).min(input.rows.len());
            let mut groups: Vec<Ranks> = labels.iter().map(|_| Ranks::default()).collect();
            for (row, value) in input.at(step) {
                self.budget.work(8)?;
                groups[of_row[row]].offer(operator, most, row, value);
            }
            for mut ranks in groups {
                self.budget.work(ranks.heap.len() * 8)?;
                if *operator != Aggregator::LimitK {
                    ranks.heap.sort_by(|&(_, a), &(_, b)| last_is_nan(a, b, *operator == Aggregator::TopK));
                }
                for (row, value) in ranks.heap {
                    let place = match places[row] {
                        Some(place) => place,
                        None => grid.add(input.rows[row].clone(), &self.budget)?,
                    };
                    places[row] = Some(place);
                    grid.set(place, step, value);
                }
            }
        }
        Ok(grid)
    }

    /// Sorts by the value at the first step; of a range, the order is lost in the end.
    pub(super) fn sorted(&self, mut grid: Grid, descending: bool) -> Result<Grid, EvaluationError> {
        self.budget.work(grid.rows.len() * 4)?;
        let mut order: Vec<usize> = (0..grid.rows.len()).collect();
        let value = |row: usize| grid.get(row, 0).unwrap_or(f64::NAN);
        order.sort_by(|&a, &b| last_is_nan(value(a), value(b), descending));
        grid.reorder(&order);
        Ok(grid)
    }

    /// Sorts by labels, in which numbers count as numbers; what is equal in them, by all labels.
    pub(super) fn sorted_by_labels(
        &self,
        mut grid: Grid,
        names: &[&str],
        descending: bool,
    ) -> Result<Grid, EvaluationError> {
        self.budget.work(grid.rows.len() * 64)?;
        let mut order: Vec<usize> = (0..grid.rows.len()).collect();
        order.sort_by(|&a, &b| {
            let (a, b) = (&grid.rows[a].labels, &grid.rows[b].labels);
            let by_names = names.iter().map(|name| natural(a.get(name), b.get(name)));
            let order = by_names.fold(Ordering::Equal, Ordering::then).then_with(|| a.cmp(b));
            if descending { order.reverse() } else { order }
        });
        grid.reorder(&order);
        Ok(grid)
    }
}

/// The first few rows of a group, as a heap with the last of them at its top.
#[derive(Default)]
struct Ranks {
    heap: Vec<(usize, f64)>,
}

impl Ranks {
    fn offer(&mut self, operator: &Aggregator, most: usize, row: usize, value: f64) {
        if most == 0 {
            return;
        }
        // Whether `a` gives way before `b`.
        let is_before = |a: f64, b: f64| match operator {
            Aggregator::TopK => a.is_nan() || a < b,
            _ => a.is_nan() || a > b,
        };
        if self.heap.len() < most {
            self.heap.push((row, value));
            if *operator != Aggregator::LimitK {
                self.rise(is_before);
            }
            return;
        }
        let top = self.heap[0].1;
        let is_better = match operator {
            Aggregator::TopK => top < value || (top.is_nan() && !value.is_nan()),
            Aggregator::BottomK => top > value || (top.is_nan() && !value.is_nan()),
            _ => false,
        };
        if is_better {
            self.heap[0] = (row, value);
            self.sink(is_before);
        }
    }

    fn rise(&mut self, is_before: impl Fn(f64, f64) -> bool) {
        let mut child = self.heap.len() - 1;
        while child > 0 {
            let parent = (child - 1) / 2;
            if !is_before(self.heap[child].1, self.heap[parent].1) {
                break;
            }
            self.heap.swap(child, parent);
            child = parent;
        }
    }

    fn sink(&mut self, is_before: impl Fn(f64, f64) -> bool) {
        let mut parent = 0;
        loop {
            let mut child = 2 * parent + 1;
            if child >= self.heap.len() {
                break;
            }
            if child + 1 < self.heap.len() && is_before(self.heap[child + 1].1, self.heap[child].1) {
                child += 1;
            }
            if !is_before(self.heap[child].1, self.heap[parent].1) {
                break;
            }
            self.heap.swap(child, parent);
            parent = child;
        }
    }
}

/// Compares values so that NaN is last in both directions.
fn last_is_nan(a: f64, b: f64, descending: bool) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) if descending => ascending(b, a),
        (false, false) => ascending(a, b),
        (a, b) => a.cmp(&b),
    }
}

fn check_counts(counts: &[f64]) -> Result<(), EvaluationError> {
    let wrong = |reason: String| Err(EvaluationError::Parameter(reason));
    // Where whole numbers of 64 bits end.
    const MOST: f64 = 9_223_372_036_854_775_808.0;
    for &count in counts {
        if count.is_nan() {
            return wrong("Parameter value is NaN".to_owned());
        }
        if count <= -MOST {
            return wrong(format!("Scalar value {count} underflows int64"));
        }
        if count >= MOST {
            return wrong(format!("Scalar value {count} overflows int64"));
        }
    }
    Ok(())
}

/// Compares texts piece by piece, runs of digits by their number.
fn natural(mut a: &str, mut b: &str) -> Ordering {
    let piece = |text: &str| -> usize {
        let is_number = text.starts_with(|c: char| c.is_ascii_digit());
        text.find(|c: char| c.is_ascii_digit() != is_number).unwrap_or(text.len())
    };
    while !a.is_empty() && !b.is_empty() {
        let (first, second) = (&a[..piece(a)], &b[..piece(b)]);
        let by_number = first.parse::<u128>().ok().zip(second.parse::<u128>().ok()).map(|(a, b)| a.cmp(&b));
        let order = by_number.unwrap_or(Ordering::Equal).then_with(|| first.cmp(second));
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (&a[first.len()..], &b[second.len()..]);
    }
    a.len().cmp(&b.len())
}
