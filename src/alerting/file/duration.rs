//! Prometheus' durations, such as `1h30m`.

use std::time::Duration;

const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 24 * 3_600_000),
    ("w", 7 * 24 * 3_600_000),
    ("d", 24 * 3_600_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// Reads a duration: whole numbers with units that fall from `y` to `ms`, or `0`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let (mut rest, mut units, mut millis) = (text, &UNITS[..], 0_u64);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = units.iter().position(|(unit, _)| *unit == &rest[..end])?;
        millis = millis.checked_add(number.checked_mul(units[unit].1)?)?;
        (rest, units) = (&rest[end..], &units[unit + 1..]);
    }
    (!text.is_empty()).then_some(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_prometheus() {
        for (text, millis) in
            [("0", 0), ("0s", 0), ("5m", 300_000), ("1h30m", 5_400_000), ("1d", 86_400_000), ("7ms", 7)]
        {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "5", "m", "5 m", "1.5h", "30m1h", "1h1h", "-5m", "99999999999999999999y", "5min"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
