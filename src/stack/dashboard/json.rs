//! JSON that comes out the same in every build.

use serde_json::{Map, Value};

/// Writes JSON with the keys in order, whatever an app's other crates have switched on in `serde_json`.
pub(super) fn write(value: Value) -> String {
    // A tree of values has no key that is not text.
    let mut text = serde_json::to_string_pretty(&sorted(value)).unwrap_or_default();
    text.push('\n');
    text
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        Value::Object(map) => {
            let mut pairs: Vec<_> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(Map::from_iter(pairs))
        }
        other => other,
    }
}

/// A number as a person writes it: 5, not 5.0.
pub(super) fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 { (value as i64).into() } else { value.into() }
}

/// Adds to an object what is there.
pub(super) fn put(object: &mut Value, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object[key] = value.into();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_stand_in_order_at_every_depth() {
        let value = json!({"b": [{"d": 1, "c": number(2.0)}], "a": number(0.05)});
        let text = "{\n  \"a\": 0.05,\n  \"b\": [\n    {\n      \"c\": 2,\n      \"d\": 1\n    }\n  ]\n}\n";
        assert_eq!(write(value), text);
    }
}
