//! Sums, means, variances and quantiles.

use std::cmp::Ordering;

/// A sum that keeps what additions lose, by Kahan and Neumaier.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    pub(super) sum: f64,
    pub(super) lost: f64,
}

/// A mean that is a sum by a count, and goes on step by step when the sum would overflow.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mean {
    sum: Sum,
    count: f64,
    /// Whether `sum` is a mean already.
    stepwise: bool,
}

impl Sum {
    pub(super) fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        if sum.is_infinite() {
            self.lost = 0.0;
        } else if self.sum.abs() >= value.abs() {
            self.lost += (self.sum - sum) + value;
        } else {
            self.lost += (value - sum) + self.sum;
        }
        self.sum = sum;
    }

    pub(super) fn total(&self) -> f64 {
        if self.sum.is_infinite() { self.sum } else { self.sum + self.lost }
    }
}

impl Mean {
    pub(super) fn add(&mut self, value: f64) {
        self.count += 1.0;
        if self.count == 1.0 {
            self.sum.sum = value;
            return;
        }
        if !self.stepwise {
            let mut sum = self.sum;
            sum.add(value);
            if !sum.sum.is_infinite() {
                self.sum = sum;
                return;
            }
            self.stepwise = true;
            self.sum.sum /= self.count - 1.0;
            self.sum.lost /= self.count - 1.0;
        }
        let share = (self.count - 1.0) / self.count;
        self.sum.sum *= share;
        self.sum.lost *= share;
        self.sum.add(value / self.count);
    }

    pub(super) fn mean(&self) -> f64 {
        if self.stepwise {
            self.sum.sum + self.sum.lost
        } else {
            self.sum.sum / self.count + self.sum.lost / self.count
        }
    }
}

pub(super) fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let mut sum = Sum::default();
    values.for_each(|value| sum.add(value));
    sum.total()
}

pub(super) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let mut mean = Mean::default();
    values.for_each(|value| mean.add(value));
    mean.mean()
}

/// Returns the variance of all values, by Welford.
pub(super) fn variance(values: impl Iterator<Item = f64>) -> f64 {
    let (mut count, mut mean, mut squares) = (0.0, Sum::default(), Sum::default());
    for value in values {
        count += 1.0;
        let delta = value - (mean.sum + mean.lost);
        mean.add(delta / count);
        squares.add(delta * (value - (mean.sum + mean.lost)));
    }
    (squares.sum + squares.lost) / count
}

/// Returns the median of the distances from the median.
pub(super) fn median_deviation(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let median = quantile(0.5, values.clone().collect());
    quantile(0.5, values.map(|value| (value - median).abs()).collect())
}

/// Returns a quantile, between two values in proportion; NaN is less than any number.
pub(super) fn quantile(quantile: f64, mut values: Vec<f64>) -> f64 {
    if values.is_empty() || quantile.is_nan() {
        return f64::NAN;
    }
    if quantile < 0.0 {
        return f64::NEG_INFINITY;
    }
    if quantile > 1.0 {
        return f64::INFINITY;
    }
    let rank = quantile * (values.len() - 1) as f64;
    // Not negative, and at most the last.
    let below = rank.floor() as usize;
    let weight = rank - rank.floor();
    let (_, &mut lower, above) = values.select_nth_unstable_by(below, |&a, &b| ascending(a, b));
    let upper = above.iter().copied().min_by(|&a, &b| ascending(a, b)).unwrap_or(lower);
    lower * (1.0 - weight) + upper * weight
}

/// Compares values; NaN comes first.
pub(super) fn ascending(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

/// Returns how often a value differs from the one before; NaN is like NaN.
pub(super) fn changes(points: &[(i64, f64)]) -> f64 {
    let differs = |a: f64, b: f64| a != b && !(a.is_nan() && b.is_nan());
    points.windows(2).filter(|pair| differs(pair[0].1, pair[1].1)).count() as f64
}

/// Returns how often a value is less than the one before.
pub(super) fn resets(points: &[(i64, f64)]) -> f64 {
    points.windows(2).filter(|pair| pair[1].1 < pair[0].1).count() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_keeps_what_is_small_beside_what_is_large() {
        assert_eq!(sum([1e100, 1.0, -1e100, 2.0].into_iter()), 3.0);
        assert_eq!(sum([f64::INFINITY, 1.0].into_iter()), f64::INFINITY);
        assert!(sum([f64::INFINITY, f64::NEG_INFINITY].into_iter()).is_nan());
    }

    #[test]
    fn a_mean_of_what_cannot_be_summed_is_still_right() {
        assert_eq!(mean([f64::MAX, f64::MAX].into_iter()), f64::MAX);
        assert_eq!(mean([1.0, 2.0, 6.0].into_iter()), 3.0);
    }

    #[test]
    fn a_quantile_lies_between_values_in_proportion_and_nan_is_the_least() {
        assert_eq!(quantile(0.5, vec![3.0, 1.0, 2.0, 4.0]), 2.5);
        assert_eq!(quantile(1.0, vec![1.0, f64::NAN]), 1.0);
        assert!(quantile(0.0, vec![1.0, f64::NAN]).is_nan());
        assert_eq!(quantile(2.0, vec![1.0]), f64::INFINITY);
    }
}
