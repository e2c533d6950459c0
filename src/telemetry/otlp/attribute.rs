//! Attributes: what is said about a span, an event or a service, each key once and within bounds.

use super::wire;
use crate::sanitise::truncate;

/// The most attributes of a span or an event; further ones are counted in it as dropped.
pub(super) const MOST: usize = 128;
/// The longest text of an attribute, in bytes; a longer one is cut at a character.
pub(super) const LONGEST: usize = 4_096;

/// What an attribute says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Box<str>),
}

impl Value {
    /// Takes a text, cut to the longest that an attribute holds.
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(truncate(text, LONGEST).into())
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

/// Attributes by key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attributes {
    list: Vec<(&'static str, Value)>,
    dropped: u32,
}

impl Attributes {
    /// Sets an attribute; the later value wins.
    pub(crate) fn set(&mut self, key: &'static str, value: Value) {
        let full = self.list.len() == MOST;
        match self.list.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None if full => self.dropped = self.dropped.saturating_add(1),
            None => self.list.push((key, value)),
        }
    }

    /// Sets all of the others.
    pub(super) fn merge(&mut self, others: Self) {
        self.dropped = self.dropped.saturating_add(others.dropped);
        for (key, value) in others.list {
            self.set(key, value);
        }
    }

    /// Writes the attributes as one field and the count of dropped ones as another.
    pub(super) fn write(&self, out: &mut Vec<u8>, field: u32, dropped: u32) {
        for (key, value) in &self.list {
            write(out, field, key, value);
        }
        wire::number(out, dropped, self.dropped.into());
    }
}

/// Writes one attribute: a `KeyValue` with an `AnyValue`.
pub(super) fn write(out: &mut Vec<u8>, field: u32, key: &str, value: &Value) {
    wire::message(out, field, |out| {
        wire::bytes(out, 1, key.as_bytes());
        wire::message(out, 2, |out| match value {
            Value::Text(text) => wire::bytes(out, 1, text.as_bytes()),
            Value::Bool(value) => wire::one_of_number(out, 2, u64::from(*value)),
            Value::Int(value) => wire::one_of_number(out, 3, *value as u64),
            Value::Double(value) => wire::fixed64(out, 4, value.to_bits()),
        });
    });
}
