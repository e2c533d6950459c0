//! Evaluates aggregations.

use std::collections::HashMap;

use super::evaluate::Evaluator;
use super::fault::EvaluationError;
use super::grid::{Grid, Row, Steps};
use super::label_set::{LabelSet, METRIC_NAME};
use super::node::{Aggregator, Grouping, Node, has};
use super::statistic::{Mean, Sum, quantile};

/// For every row of a vector, the number of its group, and the labels of the groups.
pub(super) struct Groups {
    pub(super) of_row: Vec<usize>,
    pub(super) labels: Vec<LabelSet>,
}

/// What is known of a group at one step.
#[derive(Clone, Default)]
struct Group {
    count: f64,
    /// The least, the greatest, or the sum of squared distances from the mean.
    value: f64,
    sum: Sum,
    mean: Mean,
    running_mean: f64,
    values: Vec<f64>,
    drop_name: bool,
}

impl Evaluator<'_> {
    pub(super) fn aggregate(
        &self,
        operator: &Aggregator,
        parameter: Option<&Node>,
        grouping: &Grouping,
        vector: &Node,
        steps: Steps,
    ) -> Result<Grid, EvaluationError> {
        let parameters = parameter.map(|parameter| self.scalar(parameter, steps)).transpose()?.unwrap_or_default();
        let input = self.vector(vector, steps)?;
        match operator {
            Aggregator::CountValues(label) => self.count_values(label, grouping, &input),
            Aggregator::TopK | Aggregator::BottomK | Aggregator::LimitK => {
                self.ranked(operator, &parameters, grouping, &input)
            }
            _ => self.summarised(operator, &parameters, grouping, &input),
        }
    }

    /// Finds the groups of a vector's rows.
    pub(super) fn groups(&self, grouping: &Grouping, input: &Grid) -> Result<Groups, EvaluationError> {
        let mut known: HashMap<LabelSet, usize> = HashMap::new();
        let mut groups = Groups { of_row: Vec::with_capacity(input.rows.len()), labels: Vec::new() };
        for row in &input.rows {
            self.budget.work(4)?;
            let labels = grouping.labels_of(&row.labels);
            let group = *known.entry(labels).or_insert_with_key(|labels| {
                groups.labels.push(labels.clone());
                groups.labels.len() - 1
            });
            groups.of_row.push(group);
        }
        Ok(groups)
    }

    /// Makes one value of each group.
    fn summarised(
        &self,
        operator: &Aggregator,
        parameters: &[f64],
        grouping: &Grouping,
        input: &Grid,
    ) -> Result<Grid, EvaluationError> {
        let groups = self.groups(grouping, input)?;
        let mut grid = Grid::new(input.steps());
        for labels in &groups.labels {
            grid.add(Row { labels: labels.clone(), drop_name: false }, &self.budget)?;
        }
        let mut now = vec![Group::default(); groups.labels.len()];
        for step in 0..input.steps() {
            self.budget.work(input.rows.len() + now.len() + 1)?;
            now.iter_mut().for_each(Group::clear);
            for (row, value) in input.at(step) {
                let group = &mut now[groups.of_row[row]];
                group.add(operator, value);
                group.drop_name |= input.rows[row].drop_name;
            }
            for (row, group) in now.iter_mut().enumerate().filter(|(_, group)| group.count > 0.0) {
                grid.rows[row].drop_name = group.drop_name;
                let parameter = parameters.get(step).copied().unwrap_or(f64::NAN);
                let value = group.value(operator, parameter);
                grid.set(row, step, value);
            }
        }
        grid.compact();
        Ok(grid)
    }

    /// Counts how often each value comes in a group.
    fn count_values(&self, label: &str, grouping: &Grouping, input: &Grid) -> Result<Grid, EvaluationError> {
        let mut grouping = grouping.clone();
        if !grouping.without {
            grouping.labels.push(label.into());
            grouping.labels.sort();
        }
        let mut places: HashMap<LabelSet, usize> = HashMap::new();
        let mut grid = Grid::new(input.steps());
        for step in 0..input.steps() {
            for (row, value) in input.at(step) {
                self.budget.work(16)?;
                let labels = grouping.labels_of(&input.rows[row].labels.with(label, &number_text(value)));
                let place = match places.get(&labels) {
                    Some(&place) => place,
                    None => {
                        let place = grid.add(Row { labels: labels.clone(), drop_name: false }, &self.budget)?;
                        places.insert(labels, place);
                        place
                    }
                };
                let count = grid.get(place, step).unwrap_or(0.0);
                grid.set(place, step, count + 1.0);
            }
        }
        Ok(grid)
    }
}

impl Grouping {
    /// Returns the labels of the group that a series is in.
    fn labels_of(&self, labels: &LabelSet) -> LabelSet {
        let named = |name: &str| has(&self.labels, name);
        if self.without {
            labels.filtered(|name| name != METRIC_NAME && !named(name))
        } else if self.labels.is_empty() {
            LabelSet::default()
        } else {
            labels.filtered(named)
        }
    }
}

impl Group {
    fn clear(&mut self) {
        let mut values = std::mem::take(&mut self.values);
        values.clear();
        *self = Self { values, ..Self::default() };
    }

    fn add(&mut self, operator: &Aggregator, value: f64) {
        self.count += 1.0;
        let is_first = self.count == 1.0;
        match operator {
            Aggregator::Sum if is_first => self.sum.sum = value,
            Aggregator::Sum => self.sum.add(value),
            Aggregator::Avg => self.mean.add(value),
            Aggregator::Min if is_first || self.value > value || self.value.is_nan() => self.value = value,
            Aggregator::Max if is_first || self.value < value || self.value.is_nan() => self.value = value,
            Aggregator::Quantile => self.values.push(value),
            Aggregator::Stddev | Aggregator::Stdvar if is_first => {
                self.running_mean = value;
                self.value = if value.is_finite() { 0.0 } else { f64::NAN };
            }
            Aggregator::Stddev | Aggregator::Stdvar => {
                let delta = value - self.running_mean;
                self.running_mean += delta / self.count;
                self.value += delta * (value - self.running_mean);
            }
            _ => {}
        }
    }

    fn value(&mut self, operator: &Aggregator, parameter: f64) -> f64 {
        match operator {
            Aggregator::Sum => self.sum.sum + self.sum.lost,
            Aggregator::Avg => self.mean.mean(),
            Aggregator::Count => self.count,
            Aggregator::Group => 1.0,
            Aggregator::Stdvar => self.value / self.count,
            Aggregator::Stddev => (self.value / self.count).sqrt(),
            Aggregator::Quantile => quantile(parameter, std::mem::take(&mut self.values)),
            _ => self.value,
        }
    }
}

/// Writes a number in full, without an exponent.
fn number_text(value: f64) -> String {
    match value {
        _ if value.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        _ => value.to_string(),
    }
}
