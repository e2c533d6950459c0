//! JSON lines: one object a line, for log shippers and `jq`.

use std::fmt::{Debug, Write};

use tracing::Event;

use super::escape::{escape, escape_debug};
use super::fields::{FieldWriter, Masks, MessageWriter, Owner};
use super::notice;
use super::style::Style;
use super::trail::Trail;

/// One JSON object a line.
pub(super) struct Json;

impl Style for Json {
    const SEPARATOR: char = ',';
    const ASSIGN: char = ':';
    const QUOTED_MESSAGE: bool = true;
    const OWN_SPAN_KEYS: &'static [&'static str] = &["name"];
    const OTHER_SPAN_KEY: &'static str = "fields.name";
    const LINE_START: &'static str = r#"{"timestamp":""#;

    fn key(out: &mut String, name: &str) {
        Self::text(out, name);
    }

    fn text(out: &mut String, text: &str) {
        out.push('"');
        escape(out, text, true);
        out.push('"');
    }

    fn float(out: &mut String, value: f64) {
        // JSON has no other word for NaN and the infinities.
        match value.is_finite() {
            true => out.push_str(zmij::Buffer::new().format_finite(value)),
            false => out.push_str("null"),
        }
    }

    fn debug(out: &mut String, value: &dyn Debug) {
        out.push('"');
        escape_debug(out, value, true);
        out.push('"');
    }

    fn span(trail: &mut String, name: &str, fields: &str) -> (usize, usize) {
        if !trail.is_empty() {
            trail.push(',');
        }
        let start = trail.len();
        trail.push_str(r#"{"name":"#);
        Self::text(trail, name);
        if !fields.is_empty() {
            trail.push(',');
        }
        let fields_start = trail.len();
        trail.push_str(fields);
        trail.push('}');
        (start, fields_start)
    }

    fn line(out: &mut String, event: &Event<'_>, trail: &Trail, masks: &mut Masks<'_>, _constants: &str) {
        let metadata = event.metadata();
        out.push_str(r#"","level":""#);
        out.push_str(metadata.level().as_str());
        out.push_str(r#"","target":""#);
        escape(out, metadata.target(), true);
        out.push_str(r#"","message":""#);
        event.record(&mut MessageWriter::<Self>::new(out, masks));
        out.push('"');
        for (name, value) in trail.ids() {
            push_id(out, name, value);
        }
        out.push_str(r#","fields":{"#);
        event.record(&mut FieldWriter::<Self>::new(out, metadata.fields(), Owner::Event, masks));
        out.push('}');
        if let Some(file) = metadata.file() {
            out.push_str(r#","file":"#);
            Self::text(out, file);
        }
        if let Some(line) = metadata.line() {
            out.push_str(r#","line":"#);
            out.push_str(itoa::Buffer::new().format(line));
        }
        if !trail.text.is_empty() {
            out.push_str(r#","span":"#);
            out.push_str(&trail.text[trail.current.clone()]);
            out.push_str(r#","spans":["#);
            out.push_str(&trail.text);
            out.push(']');
        }
        out.push('}');
    }

    fn notice(out: &mut String, message: &str, numbers: &[(&str, u64)]) {
        let _ = write!(out, r#"","level":"WARN","target":"{}","message":""#, notice::TARGET);
        escape(out, message, true);
        out.push_str(r#"","fields":{"#);
        push_numbers(out, numbers);
        out.push_str("}}");
    }
}

/// Writes numbers as pairs.
pub(super) fn push_numbers(out: &mut String, numbers: &[(&str, u64)]) {
    for (at, (name, number)) in numbers.iter().enumerate() {
        let comma = if at > 0 { "," } else { "" };
        let _ = write!(out, r#"{comma}"{name}":{number}"#);
    }
}

/// Writes an id at the top of the object: always a string, so that an index needs one type for it.
pub(super) fn push_id(out: &mut String, name: &str, value: &str) {
    let quote = if value.starts_with('"') { "" } else { "\"" };
    for part in [",\"", name, "\":", quote, value, quote] {
        out.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use super::super::written::{json, logged};
    use super::*;
    use tracing::{info, info_span};

    #[test]
    fn a_json_line_stands_whole() {
        let line = line!() + 3;
        let lines = logged::<Json>(|| {
            let _request = info_span!("request", request_id = %"r-1", user_id = 7).entered();
            info!(target: "shop", cents = 1999, ratio = 0.5, ok = true, card = ?Some("visa"), "paid {}", "twice");
        });
        let span = r#"{"name":"request","request_id":"r-1","user_id":7}"#;
        assert_eq!(
            lines,
            [format!(
                r#"{{"timestamp":"2026-11-21T08:00:00.000Z","level":"INFO","target":"shop","message":"paid twice","request_id":"r-1","fields":{{"cents":1999,"ratio":0.5,"ok":true,"card":"Some(\"visa\")"}},"file":"{}","line":{line},"span":{span},"spans":[{span}]}}"#,
                file!()
            )]
        );
    }

    #[test]
    fn spans_are_listed_from_the_root_and_the_inner_id_wins() {
        let value = json(|| {
            let _outer = info_span!("outer", request_id = "r-1", trace_id = 12).entered();
            let _middle = info_span!("middle").entered();
            let _inner = info_span!("inner", request_id = "r-2", span_id = "s").entered();
            info!("x");
        });
        assert_eq!(
            value["spans"],
            serde_json::json!([
                { "name": "outer", "request_id": "r-1", "trace_id": 12 },
                { "name": "middle" },
                { "name": "inner", "request_id": "r-2", "span_id": "s" },
            ])
        );
        assert_eq!(value["span"], value["spans"][2]);
        assert_eq!(
            (&value["request_id"], &value["trace_id"], &value["span_id"]),
            (&"r-2".into(), &"12".into(), &"s".into())
        );
    }

    #[test]
    fn no_key_comes_twice() {
        let value = json(|| {
            let _span =
                info_span!("checkout", name = "Ann", a = 1, a = 2, request_id = "old", request_id = "new").entered();
            info!(level = "mine", b = 1, b = "two", r#type = "t", "quote\"d" = 1, timestamp = 5, "x");
        });
        assert_eq!(
            value["span"],
            serde_json::json!({ "name": "checkout", "fields.name": "Ann", "a": 2, "request_id": "new" })
        );
        assert_eq!(
            value["fields"],
            serde_json::json!({ "level": "mine", "b": "two", "type": "t", "quote\"d": 1, "timestamp": 5 })
        );
        assert_eq!((&value["level"], &value["request_id"]), (&"INFO".into(), &"new".into()));
    }

    #[test]
    fn every_kind_of_number_is_valid_json() {
        let value = json(|| {
            let (nan, infinite) = (f64::NAN, f64::NEG_INFINITY);
            info!(
                nan,
                infinite,
                whole = 3.0,
                tiny = 1e-300,
                big = u64::MAX,
                low = i64::MIN,
                wide = u128::MAX,
                narrow = 5i128
            );
        });
        assert_eq!(
            value["fields"],
            serde_json::json!({
                "nan": null, "infinite": null, "whole": 3.0, "tiny": 1e-300, "big": u64::MAX, "low": i64::MIN,
                "wide": u128::MAX.to_string(), "narrow": 5,
            })
        );
        assert_eq!(value["message"], "");
    }
}
