//! Log records: an event as OTLP has it.

use serde_json::Value;

use crate::event::{Event, Level};
use crate::telemetry::otlp::wire;
use crate::timestamp::Timestamp;

/// The attributes that are not tags.
const ID: &str = "log.record.uid";
const SOURCE: &str = "watchkeeper.source";
const EVENT_TYPE: &str = "watchkeeper.event_type";
const PAYLOAD: &str = "watchkeeper.payload";
const CREATED_BY: &str = "watchkeeper.created_by";
const DEDUP_KEY: &str = "watchkeeper.dedup_key";
const TRACE_ID: &str = "watchkeeper.trace_id";
const OWN: [&str; 7] = [ID, SOURCE, EVENT_TYPE, PAYLOAD, CREATED_BY, DEDUP_KEY, TRACE_ID];

/// Writes a `LogRecord`.
pub(super) fn write(event: &Event) -> Box<[u8]> {
    let mut out = Vec::with_capacity(256);
    wire::fixed64(&mut out, 1, nanos(event.timestamp()));
    if let Some(level) = event.level() {
        wire::number(&mut out, 2, severity(level));
        wire::bytes(&mut out, 3, level.as_str().as_bytes());
    }
    if let Some(message) = event.message() {
        wire::message(&mut out, 5, |out| text(out, message));
    }
    let mut attribute = |key: &str, write: &dyn Fn(&mut Vec<u8>)| {
        wire::message(&mut out, 6, |out| member(out, key, write));
    };
    attribute(ID, &|out| text(out, &event.id().to_string()));
    attribute(SOURCE, &|out| text(out, event.source()));
    attribute(EVENT_TYPE, &|out| text(out, event.event_type().as_str()));
    // Keys are unique by the protocol, and ours say what they say.
    let (tags, hidden): (Vec<_>, Vec<_>) = event.tags().iter().partition(|(key, _)| !OWN.contains(key));
    for (key, tag) in tags {
        attribute(key, &|out| any(out, tag));
    }
    if !event.payload().is_empty() {
        attribute(PAYLOAD, &|out| object(out, event.payload().iter()));
    }
    let trace = event.trace_id().and_then(trace_bytes);
    let unknown_trace = event.trace_id().filter(|_| trace.is_none());
    for (key, value) in [(CREATED_BY, event.created_by()), (DEDUP_KEY, event.dedup_key()), (TRACE_ID, unknown_trace)] {
        if let Some(value) = value {
            attribute(key, &|out| text(out, value));
        }
    }
    wire::number(&mut out, 7, hidden.len() as u64);
    if let Some(trace) = trace {
        wire::bytes(&mut out, 9, &trace);
    }
    wire::fixed64(&mut out, 11, nanos(event.created_at()));
    out.into_boxed_slice()
}

/// The first number of each range that the standard has for a level.
const fn severity(level: Level) -> u64 {
    match level {
        Level::Trace => 1,
        Level::Debug => 5,
        Level::Info => 9,
        Level::Warn => 13,
        Level::Error => 17,
        Level::Critical => 21,
    }
}

/// Nanoseconds since 1970; none before, and enough until the year 2554.
fn nanos(time: Timestamp) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(0).saturating_mul(1_000)
}

/// Reads a trace id of W3C: 32 hexadecimal digits that are not all zero.
fn trace_bytes(trace: &str) -> Option<[u8; 16]> {
    let digits = trace.len() == 32 && trace.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = digits.then(|| u128::from_str_radix(trace, 16).ok()).flatten()?;
    (number != 0).then(|| number.to_be_bytes())
}

/// Writes an `AnyValue` of a text.
fn text(out: &mut Vec<u8>, text: &str) {
    wire::bytes(out, 1, text.as_bytes());
}

/// Writes a `KeyValue`.
fn member(out: &mut Vec<u8>, key: &str, value: impl FnOnce(&mut Vec<u8>)) {
    wire::bytes(out, 1, key.as_bytes());
    wire::message(out, 2, value);
}

/// Writes an `AnyValue` of an object.
fn object<'a>(out: &mut Vec<u8>, members: impl Iterator<Item = (&'a str, &'a Value)>) {
    wire::message(out, 6, |out| {
        for (key, value) in members {
            wire::message(out, 1, |out| member(out, key, |out| any(out, value)));
        }
    });
}

/// Writes an `AnyValue`. Events are no deeper than the sanitiser lets them be.
fn any(out: &mut Vec<u8>, value: &Value) {
    match value {
        // A value that is not set says nothing.
        Value::Null => {}
        Value::String(value) => text(out, value),
        Value::Bool(value) => wire::one_of_number(out, 2, u64::from(*value)),
        Value::Number(value) => match value.as_i64() {
            Some(whole) => wire::one_of_number(out, 3, whole as u64),
            None => wire::fixed64(out, 4, value.as_f64().unwrap_or(f64::NAN).to_bits()),
        },
        Value::Array(values) => wire::message(out, 5, |out| {
            for value in values {
                wire::message(out, 1, |out| any(out, value));
            }
        }),
        Value::Object(members) => object(out, members.iter().map(|(key, value)| (key.as_str(), value))),
    }
}
