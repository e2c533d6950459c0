//! Evaluates quantiles and shares of classic histograms: series of cumulative buckets with a label `le`.

use std::collections::HashMap;

use super::evaluate::Evaluator;
use super::fault::EvaluationError;
use super::grid::{Grid, Row};
use super::label_set::LabelSet;

/// The label of a bucket's upper bound.
const BOUND: &str = "le";
/// By which share of their sum a count may differ from the one before through rounding alone.
const ROUNDING: f64 = 1e-12;

/// A bucket: its upper bound, and how many observations are at most that.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    bound: f64,
    count: f64,
}

impl Evaluator<'_> {
    pub(super) fn histogram_quantile(&self, quantiles: &[f64], input: &Grid) -> Result<Grid, EvaluationError> {
        self.of_histograms(input, |step, buckets| quantile(quantiles[step], buckets))
    }

    pub(super) fn histogram_fraction(
        &self,
        lower: &[f64],
        upper: &[f64],
        input: &Grid,
    ) -> Result<Grid, EvaluationError> {
        self.of_histograms(input, |step, buckets| fraction(lower[step], upper[step], buckets))
    }

    /// Evaluates every histogram, which is the series that differ in their bound alone.
    fn of_histograms(&self, input: &Grid, value: impl Fn(usize, Vec<Bucket>) -> f64) -> Result<Grid, EvaluationError> {
        let mut grid = Grid::new(input.steps());
        let mut places: HashMap<LabelSet, usize> = HashMap::new();
        let mut members: Vec<Vec<(f64, usize)>> = Vec::new();
        for (number, row) in input.rows.iter().enumerate() {
            // What has no bound is no bucket.
            let Ok(bound) = row.labels.get(BOUND).parse::<f64>() else { continue };
            let labels = row.labels.filtered(|name| name != BOUND);
            let place = match places.get(&labels) {
                Some(&place) => place,
                None => {
                    let place = grid.add(Row { labels: labels.clone(), drop_name: true }, &self.budget)?;
                    places.insert(labels, place);
                    members.push(Vec::new());
                    place
                }
            };
            members[place].push((bound, number));
        }
        for (place, members) in members.iter_mut().enumerate() {
            members.sort_by(|a, b| a.0.total_cmp(&b.0));
            for step in 0..input.steps() {
                self.budget.work(members.len() + 1)?;
                let buckets = members
                    .iter()
                    .filter_map(|&(bound, row)| input.get(row, step).map(|count| Bucket { bound, count }));
                let buckets: Vec<Bucket> = buckets.collect();
                if !buckets.is_empty() {
                    grid.set(place, step, value(step, buckets));
                }
            }
        }
        grid.compact();
        Ok(grid)
    }
}

/// Returns a quantile, taking the observations of a bucket as spread evenly. Buckets are in the order of their bounds.
fn quantile(quantile: f64, buckets: Vec<Bucket>) -> f64 {
    if quantile.is_nan() {
        return f64::NAN;
    }
    if quantile < 0.0 {
        return f64::NEG_INFINITY;
    }
    if quantile > 1.0 {
        return f64::INFINITY;
    }
    let Some(mut buckets) = coalesced(buckets) else { return f64::NAN };
    smooth(&mut buckets);
    let last = buckets.len() - 1;
    let observations = buckets[last].count;
    if last == 0 || observations == 0.0 {
        return f64::NAN;
    }
    let rank = quantile * observations;
    // Where the number of observations is NaN, so is the rank, and no bucket reaches it.
    let found = buckets[..last].iter().position(|bucket| bucket.count >= rank).unwrap_or(last);
    let bucket = buckets[found];
    if found == last {
        return buckets[last - 1].bound;
    }
    if found == 0 {
        return if bucket.bound <= 0.0 { bucket.bound } else { bucket.bound * (rank / bucket.count) };
    }
    let below = buckets[found - 1];
    below.bound + (bucket.bound - below.bound) * ((rank - below.count) / (bucket.count - below.count))
}

/// Returns the share of observations between two values. Buckets are in the order of their bounds.
fn fraction(lower: f64, upper: f64, buckets: Vec<Bucket>) -> f64 {
    let Some(buckets) = coalesced(buckets) else { return f64::NAN };
    let count = buckets.last().map_or(f64::NAN, |bucket| bucket.count);
    if count == 0.0 || count.is_nan() || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    (rank_of(upper, &buckets, count) - rank_of(lower, &buckets, count)) / count
}

/// Returns how many observations are at most a value.
fn rank_of(value: f64, buckets: &[Bucket], count: f64) -> f64 {
    let mut rank: f64 = 0.0;
    let mut start = if buckets[0].bound > 0.0 { 0.0 } else { f64::NEG_INFINITY };
    for bucket in buckets {
        if start >= value {
            return rank.min(count);
        }
        if bucket.bound > value {
            // Nothing is known of where in an endless bucket its observations are.
            let within = if start.is_infinite() {
                bucket.count
            } else {
                rank + (bucket.count - rank) * (value - start) / (bucket.bound - start)
            };
            return within.min(count);
        }
        (rank, start) = (bucket.count, bucket.bound);
    }
    count
}

/// Adds up buckets of the same bound; nothing, when the last has one, since then the number of observations is unknown.
fn coalesced(buckets: Vec<Bucket>) -> Option<Vec<Bucket>> {
    let mut coalesced: Vec<Bucket> = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        match coalesced.last_mut() {
            Some(last) if last.bound == bucket.bound => last.count += bucket.count,
            _ => coalesced.push(bucket),
        }
    }
    (coalesced.last()?.bound == f64::INFINITY).then_some(coalesced)
}

/// Takes out what rounding makes of equal counts, and lets no count be less than the one before.
fn smooth(buckets: &mut [Bucket]) {
    let mut before = buckets[0].count;
    for bucket in &mut buckets[1..] {
        let count = bucket.count;
        let is_rounding = (count - before).abs() / (count.abs() + before.abs()) < ROUNDING;
        if is_rounding || count < before || (count.is_nan() && before.is_nan()) {
            bucket.count = before;
        } else {
            before = count;
        }
    }
}
