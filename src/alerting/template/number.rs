//! Numbers as Go and Prometheus write them.

/// The number with as few digits as read back as the same, as Go's `%v` has it.
pub(super) fn shortest(number: f64) -> String {
    general(number, None)
}

/// The number as Go's `%g` has it: with so many significant digits, or as few as read back.
pub(super) fn general(number: f64, precision: Option<usize>) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    // `d.ddde±x`, rounded as asked.
    let scientific = match precision {
        Some(digits) => format!("{number:.*e}", digits.max(1) - 1),
        None => format!("{number:e}"),
    };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let mut digits = mantissa.replace('.', "");
    digits.truncate(digits.trim_end_matches('0').len().max(1));
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    // From which exponent on Go writes one.
    let most = match precision {
        Some(digits) => {
            let digits = i32::try_from(digits.max(1)).unwrap_or(i32::MAX);
            if digits > count && count > exponent { count } else { digits }
        }
        None => 6,
    };
    if exponent < -4 || exponent >= most {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let mark = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{first}{point}{rest}e{mark}{:02}", exponent.abs());
    }
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    if exponent < 0 {
        return format!("{sign}0.{}{digits}", zeros(-exponent - 1));
    }
    let whole = usize::try_from(exponent + 1).unwrap_or(0);
    if digits.len() <= whole {
        return format!("{sign}{digits}{}", zeros(exponent + 1 - count));
    }
    format!("{sign}{}.{}", &digits[..whole], &digits[whole..])
}

fn four(number: f64) -> String {
    general(number, Some(4))
}

const ABOVE: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const ABOVE_1024: [&str; 8] = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
const BELOW: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];

fn large(mut number: f64, step: f64, prefixes: [&'static str; 8]) -> String {
    let mut prefix = "";
    for next in prefixes {
        if number.abs() < step {
            break;
        }
        (prefix, number) = (next, number / step);
    }
    format!("{}{prefix}", four(number))
}

fn small(mut number: f64) -> String {
    let mut prefix = "";
    for next in BELOW {
        if number.abs() >= 1.0 {
            break;
        }
        (prefix, number) = (next, number * 1000.0);
    }
    format!("{}{prefix}", four(number))
}

pub(super) fn humanize(number: f64) -> String {
    match number {
        number if number == 0.0 || !number.is_finite() => four(number),
        number if number.abs() >= 1.0 => large(number, 1000.0, ABOVE),
        number => small(number),
    }
}

pub(super) fn humanize_1024(number: f64) -> String {
    if number.abs() <= 1.0 || !number.is_finite() { four(number) } else { large(number, 1024.0, ABOVE_1024) }
}

pub(super) fn humanize_percentage(number: f64) -> String {
    format!("{}%", four(number * 100.0))
}

pub(super) fn humanize_duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return four(seconds);
    }
    if seconds == 0.0 {
        return "0s".to_owned();
    }
    if seconds.abs() < 1.0 {
        return format!("{}s", small(seconds));
    }
    let sign = if seconds < 0.0 { "-" } else { "" };
    let seconds = seconds.abs();
    let whole = seconds as i64;
    let (second, minute, hour, day) = (whole % 60, whole / 60 % 60, whole / 3600 % 24, whole / 86_400);
    match (day, hour, minute) {
        (0, 0, 0) => format!("{sign}{}s", four(seconds)),
        (0, 0, _) => format!("{sign}{minute}m {second}s"),
        (0, _, _) => format!("{sign}{hour}h {minute}m {second}s"),
        _ => format!("{sign}{day}d {hour}h {minute}m {second}s"),
    }
}

/// Seconds since 1970 as Go writes a time, such as `2015-12-02 15:04:05.123 +0000 UTC`.
pub(super) fn humanize_timestamp(seconds: f64) -> String {
    if !seconds.is_finite() {
        return four(seconds);
    }
    let millis = (seconds * 1000.0).round() as i64;
    let Ok(time) = jiff::Timestamp::from_millisecond(millis) else { return four(seconds) };
    let text = time.to_string();
    format!("{} +0000 UTC", text.trim_end_matches('Z').replace('T', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        for (number, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (-2.5, "-2.5"),
            (0.05, "0.05"),
            (100_000.0, "100000"),
            (1e6, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (1e21, "1e+21"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (f64::INFINITY, "+Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(shortest(number), text, "{number}");
        }
        for (number, text) in [(0.123_456, "0.1235"), (12_345.0, "1.234e+04"), (100.0, "100"), (1000.0, "1000")] {
            assert_eq!(four(number), text, "{number}");
        }
    }
}
