//! Reads a scrape in the text format, as far as the tables need it.

/// How many lines are samples, neither comment nor blank.
pub fn samples(text: &str) -> usize {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count()
}

/// The sum of all series of `name`.
pub fn sum(text: &str, name: &str) -> f64 {
    text.lines()
        .filter_map(|line| line.strip_prefix(name))
        .filter(|rest| rest.starts_with(['{', ' ']))
        .filter_map(|rest| rest.rsplit_once(' '))
        .map(|(_, value)| value.parse::<f64>().unwrap_or_else(|_| panic!("{name}: {value} is no number")))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_summed_without_its_namesakes() {
        let text = "# TYPE a counter\na{path=\"/x y\"} 2\na{path=\"/z\"} 3\na_b 100\n\na 1\n";
        assert_eq!((sum(text, "a"), samples(text)), (6.0, 4));
    }
}
