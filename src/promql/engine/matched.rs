//! Evaluates operations on two vectors, whose series find each other by their labels.

use std::collections::{HashMap, HashSet};

use super::evaluate::Evaluator;
use super::fault::EvaluationError;
use super::grid::{Grid, Row};
use super::label_set::{LabelSet, METRIC_NAME};
use super::node::{Binary, Many, Matching, Operator, has};

/// For every row of both sides, the number of the labels by which it is matched.
struct Signatures {
    left: Vec<usize>,
    right: Vec<usize>,
    count: usize,
}

/// Rows of a result, found by their labels.
struct Results {
    grid: Grid,
    places: HashMap<LabelSet, usize>,
    /// The last step at which a row got a value.
    written: Vec<Option<usize>>,
}

impl Evaluator<'_> {
    /// Evaluates `and`, `or` and `unless`.
    pub(super) fn set(&self, binary: &Binary, left: &Grid, right: &Grid) -> Result<Grid, EvaluationError> {
        let signatures = self.signatures(&binary.matching, left, right)?;
        let mut results = Results::new(left.steps());
        for step in 0..left.steps() {
            self.budget.work(left.rows.len() + right.rows.len() + 1)?;
            let mut present = vec![false; signatures.count];
            if binary.operator == Operator::Or {
                for (row, value) in left.at(step) {
                    present[signatures.left[row]] = true;
                    results.put(&left.rows[row], step, value, self)?;
                }
                for (row, value) in right.at(step) {
                    if !present[signatures.right[row]] {
                        results.put(&right.rows[row], step, value, self)?;
                    }
                }
                continue;
            }
            right.at(step).for_each(|(row, _)| present[signatures.right[row]] = true);
            for (row, value) in left.at(step) {
                if present[signatures.left[row]] == (binary.operator == Operator::And) {
                    results.put(&left.rows[row], step, value, self)?;
                }
            }
        }
        Ok(results.grid)
    }

    /// Evaluates arithmetic and comparisons.
    pub(super) fn matched(&self, binary: &Binary, left: &Grid, right: &Grid) -> Result<Grid, EvaluationError> {
        let Binary { operator, matching, as_bool, .. } = binary;
        let mut signatures = self.signatures(matching, left, right)?;
        // From here on, `one` has one series for each of the other's matches.
        let swapped = matching.many == Many::Right;
        let (many, one) = if swapped { (right, left) } else { (left, right) };
        if swapped {
            std::mem::swap(&mut signatures.left, &mut signatures.right);
        }
        let mut results = Results::new(left.steps());
        let mut labels: HashMap<(usize, usize), LabelSet> = HashMap::new();
        for step in 0..left.steps() {
            self.budget.work(left.rows.len() + right.rows.len() + 1)?;
            let mut of_signature: Vec<Option<(usize, f64)>> = vec![None; signatures.count];
            for (row, value) in one.at(step) {
                if let Some((other, _)) = of_signature[signatures.right[row]].replace((row, value)) {
                    // A side without series has no matches to be wrong.
                    if many.at(step).next().is_none() {
                        break;
                    }
                    return Err(duplicate(matching, &one.rows[row].labels, &one.rows[other].labels));
                }
            }
            let mut matched: HashSet<usize> = HashSet::new();
            let mut grouped: HashSet<(usize, LabelSet)> = HashSet::new();
            for (row, value) in many.at(step) {
                self.budget.work(matching.include.len())?;
                let signature = signatures.left[row];
                let Some((other, one_value)) = of_signature[signature] else { continue };
                // Without labels of the other side, the labels depend on this side alone.
                let key = (row, if matching.include.is_empty() { 0 } else { other });
                let result = labels.entry(key).or_insert_with(|| {
                    result_labels(*operator, matching, &many.rows[row].labels, &one.rows[other].labels)
                });
                let is_new = match matching.many {
                    Many::Neither => matched.insert(signature),
                    _ => grouped.insert((signature, result.clone())),
                };
                if !is_new {
                    return Err(EvaluationError::Matching(multiple(matching).to_owned()));
                }
                let (left_value, right_value) = if swapped { (one_value, value) } else { (value, one_value) };
                let number = operator.number(left_value, right_value);
                let kept = match (operator.is_comparison(), *as_bool) {
                    (true, false) if number == 1.0 => left_value,
                    (true, false) => continue,
                    _ => number,
                };
                let drop_name = *as_bool || many.rows[row].drop_name;
                results.put(&Row { labels: result.clone(), drop_name }, step, kept, self)?;
            }
        }
        Ok(results.grid)
    }

    fn signatures(&self, matching: &Matching, left: &Grid, right: &Grid) -> Result<Signatures, EvaluationError> {
        let mut known: HashMap<LabelSet, usize> = HashMap::new();
        let mut number = |grid: &Grid| {
            let numbers = grid.rows.iter().map(|row| {
                self.budget.work(4)?;
                let count = known.len();
                Ok(*known.entry(signature(matching, &row.labels)).or_insert(count))
            });
            numbers.collect::<Result<Vec<_>, EvaluationError>>()
        };
        let (left, right) = (number(left)?, number(right)?);
        Ok(Signatures { left, right, count: known.len() })
    }
}

impl Results {
    fn new(steps: usize) -> Self {
        Self { grid: Grid::new(steps), places: HashMap::new(), written: Vec::new() }
    }

    fn put(&mut self, row: &Row, step: usize, value: f64, evaluator: &Evaluator<'_>) -> Result<(), EvaluationError> {
        let place = match self.places.get(&row.labels) {
            Some(&place) => place,
            None => {
                let place = self.grid.add(row.clone(), &evaluator.budget)?;
                self.places.insert(row.labels.clone(), place);
                self.written.push(None);
                place
            }
        };
        if self.written[place].replace(step) == Some(step) {
            return Err(EvaluationError::DuplicateSeries { labels: row.labels.clone() });
        }
        self.grid.set(place, step, value);
        Ok(())
    }
}

/// Returns the labels by which a series is matched.
fn signature(matching: &Matching, labels: &LabelSet) -> LabelSet {
    let named = |name: &str| has(&matching.labels, name);
    if matching.on { labels.filtered(named) } else { labels.filtered(|name| name != METRIC_NAME && !named(name)) }
}

/// Returns the labels of a result.
fn result_labels(operator: Operator, matching: &Matching, many: &LabelSet, one: &LabelSet) -> LabelSet {
    let mut labels = if operator.is_comparison() { many.clone() } else { many.without_name() };
    if matching.many == Many::Neither {
        let named = |name: &str| has(&matching.labels, name);
        labels = labels.filtered(|name| named(name) == matching.on);
    }
    for name in &matching.include {
        labels = labels.with(name, one.get(name));
    }
    labels
}

fn duplicate(matching: &Matching, one: &LabelSet, other: &LabelSet) -> EvaluationError {
    let side = if matching.many == Many::Right { "left" } else { "right" };
    let group = signature(matching, one);
    EvaluationError::Matching(format!(
        "found duplicate series for the match group {group} on the {side} hand-side of the operation: [{one}, {other}];\
         many-to-many matching not allowed: matching labels must be unique on one side"
    ))
}

fn multiple(matching: &Matching) -> &'static str {
    match matching.many {
        Many::Neither => "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
        _ => "multiple matches for labels: grouping labels must ensure unique matches",
    }
}
