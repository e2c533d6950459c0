//! Numbers as every store gives them back.

use serde_json::{Number, Value};

/// The largest exponent of ten, either way, that a number may have.
const MAX_EXPONENT: i32 = 308;

/// What a value takes as JSON, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    /// At the least, in the shortest way to write it.
    pub(super) least: usize,
    /// As it is kept.
    pub(super) kept: usize,
    /// As a database spells it out: without an exponent, with a space after each separator.
    pub(super) spelled: usize,
}

impl Size {
    pub(super) const fn of(bytes: usize) -> Self {
        Self { least: bytes, kept: bytes, spelled: bytes }
    }
}

/// Returns a number's size, and what to put in its place when stores would not give back the same.
///
/// Databases know no negative zero and write no exponent, so a whole number is one however it was written. Numbers
/// that no float holds, which reach us when another crate turns on `arbitrary_precision`, become text.
pub(super) fn canonical(number: &Number) -> (Size, Option<Value>) {
    if let Some(whole) = number.as_i64() {
        return (Size::of(digits(whole.unsigned_abs()) + usize::from(whole < 0)), changed(number, whole.into()));
    }
    if let Some(whole) = number.as_u64() {
        return (Size::of(digits(whole)), changed(number, whole.into()));
    }
    let float = number.as_f64().filter(|float| float.is_finite());
    let Some(float) = float else { return text(number.to_string()) };
    if float == 0.0 {
        // Comparison does not tell the zeros apart.
        let zero = float.is_sign_negative().then(|| Number::from_f64(0.0)).flatten();
        return (Size::of(3), zero.map(Value::Number));
    }
    let mut buffer = zmij::Buffer::new();
    let printed = buffer.format_finite(float);
    let (significant, exponent) = scientific(printed);
    if exponent.abs() > MAX_EXPONENT {
        return text(printed.to_owned());
    }
    let sign = usize::from(float < 0.0);
    let least = shortest(significant, exponent) + sign;
    if !printed.contains('e') {
        let size = Size { least: least.min(printed.len()), kept: printed.len(), spelled: printed.len() };
        return (size, Number::from_f64(float).and_then(|same| changed(number, same)));
    }
    if let Some(whole) = whole(float) {
        let bytes = digits(float.abs() as u64) + sign;
        return (Size { least, kept: bytes, spelled: bytes }, Some(whole.into()));
    }
    // With a point among the digits, before them, or without one.
    let above = usize::try_from(exponent).map_or(0, |above| above + 1);
    let spelled =
        if above > 0 { above.max(significant + 1) } else { significant + exponent.unsigned_abs() as usize + 1 };
    // Two more for the quotes, should it become text.
    let size = Size { least, kept: printed.len() + 2, spelled: spelled + sign };
    (size, Number::from_f64(float).and_then(|same| changed(number, same)))
}

/// Gives every number the form in which it is kept, for what a database wrote in its own.
pub(crate) fn restore(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let (_, Some(better @ Value::Number(_))) = canonical(number) {
                *value = better;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(restore),
        Value::Object(members) => members.values_mut().for_each(restore),
        _ => {}
    }
}

/// Turns every number that is much shorter with an exponent into text.
pub(super) fn shorten(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let (size, _) = canonical(number);
            let float = number.as_f64().unwrap_or(0.0);
            let short = format!("{float:e}");
            // A whole number that no float holds cannot be written shorter.
            let holds = number.is_f64() || number.as_i128() == Some(float as i128);
            if holds && size.kept.max(size.spelled) > short.len() + 2 {
                *value = Value::String(short);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(members) => members.values_mut().for_each(shorten),
        _ => {}
    }
}

/// Returns how many digits of a printed float are significant, and its exponent of ten.
fn scientific(printed: &str) -> (usize, i32) {
    let (mantissa, exponent) = printed.split_once('e').unwrap_or((printed, "0"));
    let mantissa = mantissa.trim_start_matches('-');
    let exponent: i32 = exponent.parse().unwrap_or(i32::MAX);
    let before = mantissa.find('.').unwrap_or(mantissa.len());
    let first = mantissa.find(|c: char| c != '0' && c != '.').unwrap_or(0);
    let last = mantissa.rfind(|c: char| c != '0' && c != '.').unwrap_or(0);
    let point = usize::from(first < before && before < last);
    let moved = if first < before { before - first - 1 } else { first - before };
    let moved = i32::try_from(moved).unwrap_or(i32::MAX);
    (last + 1 - first - point, exponent.saturating_add(if first < before { moved } else { -moved }))
}

/// The bytes of the digits, `e` and the exponent of the last digit.
fn shortest(significant: usize, exponent: i32) -> usize {
    let exponent = i64::from(exponent) + 1 - significant as i64;
    if exponent == 0 {
        return significant;
    }
    significant + 1 + digits(exponent.unsigned_abs()) + usize::from(exponent < 0)
}

/// A float that is written with an exponent although it is a whole number of 64 bits.
fn whole(float: f64) -> Option<Number> {
    // The bounds are the first floats that no longer fit.
    const TOP: f64 = 18_446_744_073_709_551_616.0;
    const BOTTOM: f64 = -9_223_372_036_854_775_808.0;
    if float.fract() != 0.0 || !(BOTTOM..TOP).contains(&float) {
        return None;
    }
    Some(if float < 0.0 { (float as i64).into() } else { (float as u64).into() })
}

fn changed(old: &Number, new: Number) -> Option<Value> {
    (*old != new).then_some(Value::Number(new))
}

fn text(printed: String) -> (Size, Option<Value>) {
    (Size::of(printed.len() + 2), Some(Value::String(printed)))
}

fn digits(amount: u64) -> usize {
    amount.checked_ilog10().map_or(1, |log| log as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_of(text: &str) -> (Size, String) {
        let number: Number = serde_json::from_str(text).unwrap();
        let (size, better) = canonical(&number);
        (size, better.unwrap_or(Value::Number(number)).to_string())
    }

    #[test]
    fn a_number_is_kept_as_a_database_gives_it_back() {
        for (told, kept) in [
            ("0", "0"),
            ("-0.0", "0.0"),
            ("-7", "-7"),
            ("1.0", "1.0"),
            ("100000.0", "100000.0"),
            ("1e16", "10000000000000000"),
            ("-1.5e16", "-15000000000000000"),
            ("18446744073709551615", "18446744073709551615"),
            ("1e20", "100000000000000000000.0"),
            ("0.30000000000000004", "0.30000000000000004"),
            ("5e-324", "\"5e-324\""),
            ("1e308", "1e308"),
        ] {
            let kept: Value = serde_json::from_str(kept).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&made_of(told).1).unwrap(), kept, "{told}");
        }
    }

    #[test]
    fn a_size_is_known_in_every_notation() {
        for (told, least, kept, spelled) in [
            ("123", 3, 3, 3),
            ("-1", 2, 2, 2),
            ("1e5", 3, 8, 8),
            ("1.5e5", 4, 8, 8),
            ("123.25", 6, 6, 6),
            ("-0.001", 5, 6, 6),
            ("1e16", 4, 17, 17),
            ("1e22", 4, 7, 23),
            ("-1.25e-7", 7, 10, 12),
            ("1e308", 5, 8, 309),
        ] {
            let size = made_of(told).0;
            assert_eq!((size.least, size.kept, size.spelled), (least, kept, spelled), "{told}");
        }
    }
}
