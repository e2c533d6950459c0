//! How much memory a value takes, about.

use serde_json::Value;

/// The bytes that the allocator takes for an allocation: its own note beside it, in steps of 16, at least 32.
pub(crate) const fn allocation(bytes: usize) -> usize {
    match bytes {
        0 => 0,
        1..=24 => 32,
        _ => (bytes + 8).next_multiple_of(16),
    }
}

/// The bytes behind a text.
pub(crate) fn text(text: &String) -> usize {
    allocation(text.capacity())
}

/// The bytes behind a text that need not be there.
pub(crate) fn maybe(text: &Option<String>) -> usize {
    text.as_ref().map_or(0, self::text)
}

/// The bytes of a B-tree of so many entries: nodes hold up to eleven, and are at least half full.
pub(crate) const fn tree(entries: usize, entry_bytes: usize) -> usize {
    entries.div_ceil(6) * allocation(11 * entry_bytes + 16)
}

/// The bytes behind a value.
pub(crate) fn json(value: &Value) -> usize {
    match value {
        Value::String(text) => self::text(text),
        Value::Array(items) => {
            allocation(items.capacity() * size_of::<Value>()) + items.iter().map(json).sum::<usize>()
        }
        Value::Object(members) => {
            let inner: usize = members.iter().map(|(key, value)| text(key) + json(value)).sum();
            tree(members.len(), size_of::<(String, Value)>()) + inner
        }
        _ => 0,
    }
}
