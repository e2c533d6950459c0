//! What values look like: the one description that bodies are checked by and OpenAPI is rendered from.

use serde_json::{Map, Value, json};

use super::error::{ApiError, Code};
use crate::id::Id;
use crate::sanitise::{MAX_KEY_BYTES, MAX_KEYS, MAX_TEXT_BYTES};
use crate::timestamp::Timestamp;

/// What a value looks like.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Schema {
    /// Text of at most so many bytes, without NUL.
    Text(usize),
    /// Text of 1 to so many bytes, without control characters.
    Name(usize),
    /// Text of 1 to so many bytes that matches a pattern, which OpenAPI shows and a check of ours decides.
    Matching(usize, &'static str, fn(&str) -> bool),
    /// One of these texts.
    Named(fn() -> Vec<&'static str>),
    /// A time in RFC 3339.
    Time,
    /// An id.
    Id,
    /// A whole number.
    Whole(u64, u64),
    /// A number.
    Number,
    /// A sample's value: a number, or the name of one that JSON has none for.
    SampleValue,
    /// A log filter of at most so many bytes; whether it is one, the handler finds out.
    LogFilter(usize),
    /// True or false.
    Flag,
    /// A JSON object within the limits of events.
    Fields,
    /// A JSON object of texts: names that are names of labels.
    Labels,
    /// An object with these fields and no other.
    Object(&'static Object),
    /// A list.
    List(&'static Schema),
    /// One or the other.
    OneOf(&'static Schema, &'static Schema),
    /// Anything.
    Any,
}

/// An object with a name of its own.
#[derive(Debug)]
pub(crate) struct Object {
    /// Its name among the components of OpenAPI.
    pub(crate) name: &'static str,
    /// Its fields.
    pub(crate) fields: &'static [Field],
}

/// One field of an object.
#[derive(Debug)]
pub(crate) struct Field {
    name: &'static str,
    schema: Schema,
    need: Need,
    about: &'static str,
}

/// Whether a field has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Required,
    /// It may be left out; null is the same as that.
    Optional,
    /// It may be left out; null is a value of its own.
    Clearable,
    /// It is always there, and may be null.
    Nullable,
}

impl Field {
    /// A field that has to be there.
    pub(crate) const fn required(name: &'static str, schema: Schema, about: &'static str) -> Self {
        Self { name, schema, need: Need::Required, about }
    }

    /// A field that may be left out or null, which is the same.
    pub(crate) const fn optional(name: &'static str, schema: Schema, about: &'static str) -> Self {
        Self { name, schema, need: Need::Optional, about }
    }

    /// A field of a change that may be left out; null takes away what is there.
    pub(crate) const fn clearable(name: &'static str, schema: Schema, about: &'static str) -> Self {
        Self { name, schema, need: Need::Clearable, about }
    }

    /// A field of an answer that is always there, and may be null.
    pub(crate) const fn nullable(name: &'static str, schema: Schema, about: &'static str) -> Self {
        Self { name, schema, need: Need::Nullable, about }
    }
}

impl Object {
    /// Checks a body: every field is known, there if it has to be, and of its schema. Fields that are null are taken out.
    pub(super) fn check(&self, value: &mut Value) -> Result<(), ApiError> {
        let Value::Object(members) = value else {
            return Err(ApiError::new(Code::InvalidField, "a JSON object is needed"));
        };
        let known = |name: &str| self.fields.iter().any(|field| field.name == name);
        if let Some(unknown) = members.keys().find(|name| !known(name)) {
            let names: Vec<_> = self.fields.iter().map(|field| field.name).collect();
            let unknown = crate::sanitise::label_value(unknown).into_owned();
            let message = format!("no such field; accepted: {}", names.join(", "));
            return Err(ApiError::new(Code::InvalidField, message).field(unknown));
        }
        for field in self.fields {
            if let (Schema::Whole(..), Some(value)) = (field.schema, members.get_mut(field.name)) {
                as_whole(value);
            }
            match members.get(field.name) {
                None if matches!(field.need, Need::Optional | Need::Clearable) => {}
                None => return Err(ApiError::new(Code::InvalidField, "the field is missing").field(field.name)),
                Some(Value::Null) if field.need == Need::Optional => {
                    members.remove(field.name);
                }
                Some(Value::Null) if matches!(field.need, Need::Nullable | Need::Clearable) => {}
                Some(value) => field
                    .schema
                    .check(value)
                    .map_err(|wrong| ApiError::new(Code::InvalidField, wrong).field(field.name))?,
            }
        }
        Ok(())
    }
}

impl Schema {
    /// Checks a value; what is wrong is a sentence that says what is accepted.
    pub(super) fn check(&self, value: &Value) -> Result<(), String> {
        let wrong = |accepted: &str| Err(format!("accepted: {accepted}"));
        let text = value.as_str();
        match *self {
            Self::Text(most) => match text {
                Some(text) if text.len() <= most && !text.contains('\0') => Ok(()),
                _ => wrong(&format!("a text of at most {most} bytes, without the character NUL")),
            },
            Self::Name(most) => match text {
                Some(text)
                    if !text.is_empty() && text.len() <= most && !text.chars().any(crate::sanitise::is_control) =>
                {
                    Ok(())
                }
                _ => wrong(&format!("a text of 1 to {most} bytes, without control characters")),
            },
            Self::Matching(most, pattern, matches) => match text {
                Some(text) if !text.is_empty() && text.len() <= most && matches(text) => Ok(()),
                _ => wrong(&format!("a text of 1 to {most} bytes that matches {pattern}")),
            },
            Self::Named(names) => match text {
                Some(text) if names().contains(&text) => Ok(()),
                _ => wrong(&names().join(", ")),
            },
            Self::Time if text.is_some_and(|text| is_rfc3339(text) && text.parse::<Timestamp>().is_ok()) => Ok(()),
            Self::Time => wrong("a time in RFC 3339, such as 2026-11-24T14:02:00Z"),
            Self::Id if text.is_some_and(|text| text.parse::<Id>().is_ok()) => Ok(()),
            Self::Id => wrong("an id, such as 019ab5c2-7d40-7004-8000-00001f2e3d4c"),
            Self::Whole(least, most) => match value.as_u64() {
                Some(number) if (least..=most).contains(&number) => Ok(()),
                _ => wrong(&format!("a whole number from {least} to {most}")),
            },
            Self::Number if value.is_number() => Ok(()),
            Self::Number => wrong("a number"),
            Self::SampleValue if value.is_number() || matches!(text, Some("NaN" | "+Inf" | "-Inf")) => Ok(()),
            Self::SampleValue => wrong("a number, or one of NaN, +Inf, -Inf as text"),
            Self::LogFilter(most) if text.is_some_and(|text| (1..=most).contains(&text.len())) => Ok(()),
            Self::LogFilter(most) => wrong(&format!("a text of 1 to {most} bytes")),
            Self::Flag if value.is_boolean() => Ok(()),
            Self::Flag => wrong("true, false"),
            Self::Fields if value.is_object() => Ok(()),
            Self::Fields => wrong("a JSON object"),
            Self::Labels => match value.as_object() {
                Some(labels) if labels.values().all(Value::is_string) => Ok(()),
                _ => wrong("a JSON object whose values are texts"),
            },
            Self::Object(object) => object.check(&mut value.clone()).map_err(|error| match error.field {
                Some(field) => format!("{field}: {}", error.message),
                None => error.message.into_owned(),
            }),
            Self::List(of) => match value.as_array() {
                Some(items) => items.iter().try_for_each(|item| of.check(item)),
                None => wrong("a list"),
            },
            Self::OneOf(one, other) => one.check(value).or_else(|_| other.check(value)),
            Self::Any => Ok(()),
        }
    }

    /// Renders it for OpenAPI, and puts the objects that it names into `components`.
    pub(super) fn render(&self, components: &mut Map<String, Value>) -> Value {
        const NO_NUL: &str = r"^[^\u0000]*$";
        const NO_CONTROL: &str = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]+$";
        match *self {
            Self::Text(most) => json!({ "type": "string", "maxLength": most, "pattern": NO_NUL }),
            Self::Name(most) => json!({ "type": "string", "minLength": 1, "maxLength": most, "pattern": NO_CONTROL }),
            Self::Matching(most, pattern, _) => {
                json!({ "type": "string", "minLength": 1, "maxLength": most, "pattern": pattern })
            }
            Self::Named(names) => json!({ "type": "string", "enum": names() }),
            Self::Time => json!({ "type": "string", "format": "date-time" }),
            Self::Id => json!({ "type": "string", "format": "uuid" }),
            Self::Whole(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
            Self::Number => json!({ "type": "number" }),
            Self::SampleValue => {
                json!({ "anyOf": [{ "type": "number" }, { "type": "string", "enum": ["NaN", "+Inf", "-Inf"] }] })
            }
            Self::LogFilter(most) => {
                json!({ "type": "string", "minLength": 1, "maxLength": most, "format": "log-filter" })
            }
            Self::Flag => json!({ "type": "boolean" }),
            Self::Fields => {
                components.entry("Json").or_insert_with(|| {
                    let this = json!({ "$ref": "#/components/schemas/Json" });
                    let text = json!({ "type": "string", "maxLength": MAX_TEXT_BYTES, "pattern": NO_NUL });
                    json!({ "anyOf": [{ "type": ["boolean", "null"] }, { "type": "number" }, text,
                        { "type": "array", "items": this },
                        { "type": "object", "additionalProperties": this, "maxProperties": MAX_KEYS,
                          "propertyNames": { "maxLength": MAX_KEY_BYTES, "pattern": NO_NUL } }] })
                });
                json!({ "type": "object", "maxProperties": MAX_KEYS,
                    "additionalProperties": { "$ref": "#/components/schemas/Json" },
                    "propertyNames": { "maxLength": MAX_KEY_BYTES, "pattern": NO_NUL } })
            }
            Self::Labels => json!({ "type": "object", "maxProperties": crate::sample::MAX_LABELS,
                "propertyNames": { "maxLength": crate::sample::MAX_NAME_BYTES, "pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$" },
                "additionalProperties": { "type": "string", "maxLength": crate::sanitise::MAX_LABEL_VALUE_BYTES,
                    "pattern": r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$" } }),
            Self::Object(object) => {
                if !components.contains_key(object.name) {
                    // Taken before its fields are rendered, so that an object may hold its like.
                    components.insert(object.name.to_owned(), Value::Null);
                    let rendered = object.render(components);
                    components.insert(object.name.to_owned(), rendered);
                }
                json!({ "$ref": format!("#/components/schemas/{}", object.name) })
            }
            Self::List(of) => json!({ "type": "array", "items": of.render(components) }),
            Self::OneOf(one, other) => json!({ "anyOf": [one.render(components), other.render(components)] }),
            Self::Any => json!({}),
        }
    }
}

impl Object {
    fn render(&self, components: &mut Map<String, Value>) -> Value {
        let mut properties = Map::new();
        for field in self.fields {
            let mut rendered = field.schema.render(components);
            if field.need != Need::Required {
                rendered = or_null(rendered);
            }
            rendered["description"] = field.about.into();
            properties.insert(field.name.to_owned(), rendered);
        }
        let required: Vec<_> = {
            let needed = |field: &&Field| matches!(field.need, Need::Required | Need::Nullable);
            self.fields.iter().filter(needed).map(|field| field.name).collect()
        };
        let mut object = json!({ "type": "object", "additionalProperties": false, "properties": properties });
        if !required.is_empty() {
            object["required"] = required.into();
        }
        object
    }
}

/// Makes a whole number of one that is written with a fraction of nothing, such as `3.0`.
fn as_whole(value: &mut Value) {
    const EXACT: f64 = (1_u64 << 53) as f64;
    if let Some(float) =
        value.as_f64().filter(|float| value.is_f64() && float.fract() == 0.0 && (0.0..=EXACT).contains(float))
    {
        *value = (float as u64).into();
    }
}

/// Allows null beside what a schema allows.
fn or_null(mut schema: Value) -> Value {
    match (schema.get("type").cloned(), schema.get("enum").cloned()) {
        (Some(kind), None) => {
            schema["type"] = json!([kind, "null"]);
            schema
        }
        _ => json!({ "anyOf": [schema, { "type": "null" }] }),
    }
}

/// Tells whether a text has the form of RFC 3339; which of those times there are, others decide.
fn is_rfc3339(text: &str) -> bool {
    let bytes = text.as_bytes();
    let form = b"0000-00-00T00:00:00";
    let Some((date, rest)) = bytes.split_at_checked(form.len()) else { return false };
    let as_form = date.iter().zip(form).all(|(byte, form)| match form {
        b'0' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't'),
        other => byte == other,
    });
    let rest = match rest {
        [b'.', rest @ ..] => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 {
                return false;
            }
            &rest[digits..]
        }
        rest => rest,
    };
    let zone = match rest {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => [h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit()),
        _ => false,
    };
    as_form && zone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_one_of_rfc_3339_and_nothing_near_it() {
        for text in ["2026-11-24T14:02:00Z", "2026-11-24t14:02:00.5z", "2026-11-24T14:02:00.123456789+05:30"] {
            assert!(Schema::Time.check(&json!(text)).is_ok(), "{text}");
        }
        for text in [
            "2026-11-24 14:02:00Z",
            "2026-11-24T14:02Z",
            "20261124T140200Z",
            "2026-11-24T14:02:00",
            "now",
            "2026-11-24T14:02:00.Z",
            "2026-13-24T14:02:00Z",
            "2026-11-24T14:02:00+0530",
            "2026-11-24T14:02:00Z[UTC]",
        ] {
            assert!(Schema::Time.check(&json!(text)).is_err(), "{text}");
        }
    }
}
