//! Medians and their spread.

use std::fmt;

/// The median of a set of figures, with the quartiles around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    pub median: f64,
    pub lower: f64,
    pub upper: f64,
}

impl Figure {
    /// The median and quartiles of `figures`.
    pub fn of(mut figures: Vec<f64>) -> Self {
        assert!(!figures.is_empty());
        figures.sort_by(f64::total_cmp);
        let at = |share: f64| figures[((figures.len() - 1) as f64 * share).round() as usize];
        Self { median: at(0.5), lower: at(0.25), upper: at(0.75) }
    }

    /// The median and quartiles of the differences `figures - base`, round by round.
    pub fn of_differences(figures: &[f64], base: &[f64]) -> Self {
        Self::of(figures.iter().zip(base).map(|(figure, base)| figure - base).collect())
    }
}

/// The median of `figures`, and the interval that holds the true one in 19 of 20 cases, whatever the distribution.
///
/// The interval goes from one figure to another: those whose ranks are 0.98 √n away from the middle.
pub fn median_with_interval(mut figures: Vec<f64>) -> (f64, f64, f64) {
    figures.sort_by(f64::total_cmp);
    let count = figures.len() as f64;
    let from = (count / 2.0 - 0.98 * count.sqrt()).floor().max(0.0) as usize;
    let to = figures.len() - 1 - from;
    (Figure::of(figures.clone()).median, figures[from], figures[to])
}

/// As `85 (80 … 91)`.
impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Adding zero turns "-0" into "0".
        let [median, lower, upper] = [self.median, self.lower, self.upper].map(|figure| figure.round() + 0.0);
        write!(f, "{median} ({lower} … {upper})")
    }
}

/// `figure` with three significant digits, as `0.126`, `4.2` or `147,569`.
pub fn short(figure: f64) -> String {
    match figure.abs() {
        size if size < 1.0 => format!("{figure:.3}"),
        size if size < 10.0 => format!("{figure:.2}"),
        size if size < 100.0 => format!("{figure:.1}"),
        _ => grouped(figure.round() as i64),
    }
}

/// `count` with its thousands apart, as `147,569`.
pub fn grouped(count: i64) -> String {
    let digits = count.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if count < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_round_that_was_interrupted_does_not_move_the_median_of_the_differences() {
        let base = [100.0, 200.0, 100.0, 100.0, 100.0];
        let row = [110.0, 210.0, 9_000.0, 110.0, 111.0];
        assert_eq!(Figure::of_differences(&row, &base).to_string(), "10 (10 … 11)");
    }

    #[test]
    fn the_interval_of_a_median_narrows_with_the_number_of_rounds() {
        let (median, low, high) = median_with_interval((0..101).map(f64::from).collect());
        assert_eq!((median, low, high), (50.0, 40.0, 60.0));
        assert_eq!(median_with_interval(vec![3.0, 1.0]), (3.0, 1.0, 3.0));
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!(
            [grouped(0), grouped(999), grouped(-1_000), grouped(1_234_567)],
            ["0", "999", "-1,000", "1,234,567"]
        );
        assert_eq!([short(0.1261), short(4.2), short(49.0), short(147_569.0)], ["0.126", "4.20", "49.0", "147,569"]);
    }
}
