//! The line through points, and smoothing along it.

use super::fault::EvaluationError;
use super::{select::seconds, statistic::Sum};

/// Returns the slope per second and the value at a time of the line with the least squares.
pub(super) fn regression(points: &[(i64, f64)], at: i64) -> (f64, f64) {
    let first = points.first().map_or(f64::NAN, |point| point.1);
    if points.iter().skip(1).all(|point| point.1 == first) {
        return if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) };
    }
    let [mut x_sum, mut y_sum, mut xy_sum, mut xx_sum] = [Sum::default(); 4];
    for &(time, y) in points {
        let x = seconds(time - at);
        x_sum.add(x);
        y_sum.add(y);
        xy_sum.add(x * y);
        xx_sum.add(x * x);
    }
    let [x, y, xy, xx] = [x_sum, y_sum, xy_sum, xx_sum].map(|sum| sum.sum + sum.lost);
    let count = points.len() as f64;
    let slope = (xy - x * y / count) / (xx - x * x / count);
    (slope, y / count - slope * x / count)
}

/// Returns the last value, smoothed together with its trend; nothing from fewer than two points.
///
/// # Errors
///
/// When a factor is not between 0 and 1.
pub(super) fn double_exponential_smoothing(
    points: &[(i64, f64)],
    smoothing: f64,
    trending: f64,
) -> Result<Option<f64>, EvaluationError> {
    for (name, factor) in [("smoothing", smoothing), ("trend", trending)] {
        if factor <= 0.0 || factor >= 1.0 {
            let symbol = if name == "smoothing" { "sf" } else { "tf" };
            return Err(EvaluationError::Parameter(format!(
                "invalid {name} factor. Expected: 0 < {symbol} < 1, got: {factor:.6}"
            )));
        }
    }
    let [first, second, ..] = points else { return Ok(None) };
    let mut smoothed = first.1;
    let mut trend = second.1 - first.1;
    let mut before = None;
    for &(_, value) in &points[1..] {
        if let Some(before) = before {
            trend = trending * (smoothed - before) + (1.0 - trending) * trend;
        }
        let next = smoothing * value + (1.0 - smoothing) * (smoothed + trend);
        before = Some(smoothed);
        smoothed = next;
    }
    Ok(Some(smoothed))
}
