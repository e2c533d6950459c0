//! Numbers as every store gives them back.

use serde_json::{Number, Value};

/// The largest exponent of ten, either way, that a number may have.
const MAX_EXPONENT: i32 = 308;

/// What a value takes as JSON.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    /// In bytes, as it is written.
    pub(super) written: usize,
    /// In bytes, as a database spells it out: without an exponent, with a space after each separator.
    pub(super) spelled: usize,
}

/// Returns a number's size, and what to put in its place when stores would not give back the same.
///
/// Databases know no negative zero and write no exponent, so a whole number is one however it was written. Numbers
/// that no float holds, which reach us when another crate turns on `arbitrary_precision`, become text.
pub(super) fn canonical(number: &Number) -> (Size, Option<Value>) {
    if let Some(whole) = number.as_i64() {
        return (whole_size(whole.unsigned_abs(), whole < 0), changed(number, whole.into()));
    }
    if let Some(whole) = number.as_u64() {
        return (whole_size(whole, false), changed(number, whole.into()));
    }
    let float = number.as_f64().filter(|float| float.is_finite());
    let Some(float) = float else { return text(number.to_string()) };
    if float == 0.0 {
        let zero = float.is_sign_negative().then(|| Number::from_f64(0.0).map(Value::Number)).flatten();
        return (Size { written: 3, spelled: 3 }, zero);
    }
    let mut buffer = zmij::Buffer::new();
    let printed = buffer.format_finite(float);
    let Some((digits, exponent)) = printed.split_once('e') else {
        let size = Size { written: printed.len(), spelled: printed.len() };
        return (size, Number::from_f64(float).and_then(|same| changed(number, same)));
    };
    if let Some(whole) = whole(float) {
        return (whole_size(float.abs() as u64, float < 0.0), Some(whole.into()));
    }
    let exponent: i32 = exponent.parse().unwrap_or(i32::MAX);
    if exponent.abs() > MAX_EXPONENT {
        return text(printed.to_owned());
    }
    // Two more for the quotes, should it become text after all.
    let size = Size { written: printed.len() + 2, spelled: digits.len() + exponent.unsigned_abs() as usize + 2 };
    (size, Number::from_f64(float).and_then(|same| changed(number, same)))
}

/// Turns every number that is written with an exponent into text.
pub(super) fn spell_out(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let printed = number.to_string();
            if printed.contains(['e', 'E']) {
                *value = Value::String(printed);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(spell_out),
        Value::Object(members) => members.values_mut().for_each(spell_out),
        _ => {}
    }
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
    let size = Size { written: printed.len() + 2, spelled: printed.len() + 2 };
    (size, Some(Value::String(printed)))
}

fn whole_size(amount: u64, negative: bool) -> Size {
    let digits = amount.checked_ilog10().map_or(1, |log| log as usize + 1) + usize::from(negative);
    Size { written: digits, spelled: digits }
}
