//! JSON made fit for every store: the same limits, whichever store it is.

use std::mem;

use serde_json::{Map, Value};

use super::number::{self, Size};
use super::repair::{Invalid, Repair, Repairs};
use super::{is_control, truncate};

/// The deepest nesting of arrays and objects; the outermost object is the first level.
pub const MAX_DEPTH: usize = 32;
/// The most members of one object.
pub const MAX_KEYS: usize = 256;
/// The longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 128;
/// The longest text, in bytes.
pub const MAX_TEXT_BYTES: usize = 16 * 1024;

/// How much more than twice the bytes of the shortest writing an object may take, spelled out.
const MAX_GROWTH: usize = 512;

/// Goes once over everything in one thing, repairs it, and remembers what was wrong with it.
#[derive(Debug)]
pub(crate) struct Cleaner {
    /// The bytes of JSON that still fit.
    left: usize,
    limit: usize,
    /// What the members of one object take at the least, and as they are kept or spelled out.
    least: usize,
    most: usize,
    repairs: Repairs,
    first: Option<Invalid>,
}

impl Cleaner {
    /// Begins with a thing that may take `limit` bytes as JSON, `fixed` of which are taken already.
    pub(crate) fn new(limit: usize, fixed: usize) -> Self {
        Self { left: limit - fixed, limit, least: 0, most: 0, repairs: Repairs::NONE, first: None }
    }

    /// Returns what was changed so far.
    pub(crate) fn repairs(&self) -> Repairs {
        self.repairs
    }

    /// Returns an error that names the first change, if there was one.
    pub(crate) fn check(self) -> Result<(), Invalid> {
        self.first.map_or(Ok(()), Err)
    }

    pub(crate) fn note(&mut self, field: &'static str, repair: Repair, limit: usize) {
        self.repairs.add(repair);
        self.first.get_or_insert(Invalid { field, repair, limit });
    }

    /// Makes a text fit: no NUL, at most `max` bytes, and no more than there is room for.
    pub(crate) fn text(&mut self, field: &'static str, text: &mut String, max: usize) {
        self.shorten(field, text, max, Repair::TextLength);
        let mut size = quoted(text);
        while size > self.left {
            self.note(field, Repair::Size, self.limit);
            // An escape takes up to six bytes, so one cut may not be enough.
            let over = size - self.left;
            let kept = text.len().saturating_sub(over.div_ceil(6).max(1));
            cut(text, kept);
            if text.is_empty() {
                break;
            }
            size = quoted(text);
        }
        self.take(quoted(text).min(self.left));
    }

    /// Makes a name fit: no control characters, between 1 and `max` bytes; an empty one becomes `unknown`.
    pub(crate) fn name(&mut self, field: &'static str, name: &mut String, max: usize) {
        if name.is_empty() || has_control(name) {
            self.note(field, Repair::Name, max);
            *name = name.chars().map(|c| if is_control(c) { '\u{FFFD}' } else { c }).collect();
            if name.is_empty() {
                name.push_str("unknown");
            }
        }
        self.text(field, name, max);
    }

    /// Keeps a text that identifies somebody or something as it is, or not at all.
    pub(crate) fn identity(&mut self, field: &'static str, identity: &mut Option<String>, max: usize) {
        let Some(text) = identity else { return };
        let size = quoted(text);
        if text.is_empty() || text.len() > max || has_control(text) || size > self.left {
            self.note(field, Repair::Identity, max);
            *identity = None;
        } else {
            self.take(size);
        }
    }

    /// Makes the members of an object fit.
    pub(crate) fn members(&mut self, field: &'static str, members: &mut Vec<(String, Value)>) {
        if members.len() > MAX_KEYS {
            self.note(field, Repair::Keys, MAX_KEYS);
            members.drain(MAX_KEYS..).for_each(|(_, value)| dismantle(value));
        }
        (self.least, self.most) = (0, 0);
        members.retain_mut(|(key, value)| {
            self.shorten(field, key, MAX_KEY_BYTES, Repair::KeyLength);
            self.member(field, key, value, 2)
        });
        // Only numbers take so much more than they need; a few of them do no harm.
        if self.most > 2 * self.least + MAX_GROWTH {
            self.note(field, Repair::Number, self.limit);
            members.iter_mut().for_each(|(_, value)| number::shorten(value));
        }
    }

    /// Makes a value fit; false when there is no room for it.
    fn value(&mut self, field: &'static str, value: &mut Value, depth: usize) -> bool {
        match value {
            Value::Null | Value::Bool(_) => self.fits(field, 5),
            Value::Number(number) => {
                let (size, better) = number::canonical(number);
                if let Some(better) = better {
                    if better.is_string() {
                        self.note(field, Repair::Number, self.limit);
                    }
                    *value = better;
                    if let Value::String(text) = value {
                        self.shorten(field, text, MAX_TEXT_BYTES, Repair::TextLength);
                        return self.fits(field, text.len() + 2);
                    }
                }
                self.fits_as(field, size)
            }
            Value::String(text) => {
                self.shorten(field, text, MAX_TEXT_BYTES, Repair::TextLength);
                let size = quoted(text);
                self.fits(field, size)
            }
            Value::Array(_) | Value::Object(_) if depth > MAX_DEPTH => {
                self.note(field, Repair::Depth, MAX_DEPTH);
                dismantle(mem::take(value));
                self.fits(field, 4)
            }
            Value::Array(items) => {
                if !self.fits(field, 2) {
                    return false;
                }
                items.retain_mut(|item| {
                    let separator = Size { spelled: 2, ..Size::of(1) };
                    self.placed(field, separator, item, depth + 1)
                });
                true
            }
            Value::Object(members) => {
                if !self.fits(field, 2) {
                    return false;
                }
                self.nested(field, members, depth);
                true
            }
        }
    }

    fn nested(&mut self, field: &'static str, members: &mut Map<String, Value>, depth: usize) {
        if members.len() > MAX_KEYS || members.keys().any(|key| key.len() > MAX_KEY_BYTES || key.contains('\0')) {
            if members.len() > MAX_KEYS {
                self.note(field, Repair::Keys, MAX_KEYS);
            }
            for (place, (mut key, value)) in mem::take(members).into_iter().enumerate() {
                if place >= MAX_KEYS {
                    dismantle(value);
                    continue;
                }
                self.shorten(field, &mut key, MAX_KEY_BYTES, Repair::KeyLength);
                if let Some(other) = members.insert(key, value) {
                    dismantle(other);
                }
            }
        }
        members.retain(|key, value| self.member(field, key, value, depth + 1));
    }

    /// Replaces NUL and cuts to `max` bytes.
    fn shorten(&mut self, field: &'static str, text: &mut String, max: usize, repair: Repair) {
        if text.len() > max {
            self.note(field, repair, max);
            cut(text, max);
        }
        if text.as_bytes().contains(&0) {
            self.note(field, Repair::Characters, max);
            *text = text.replace('\0', "\u{FFFD}");
            // A replacement is wider than what it replaces, so the cut comes again.
            cut(text, max);
        }
    }

    fn member(&mut self, field: &'static str, key: &str, value: &mut Value, depth: usize) -> bool {
        let key = quoted(key);
        self.placed(field, Size { spelled: key + 4, ..Size::of(key + 2) }, value, depth)
    }

    /// Makes a value fit after what stands before it; false when there is no room for both.
    fn placed(&mut self, field: &'static str, before: Size, value: &mut Value, depth: usize) -> bool {
        let placed = self.fits_as(field, before) && self.value(field, value, depth);
        if !placed {
            dismantle(mem::take(value));
        }
        placed
    }

    fn fits(&mut self, field: &'static str, size: usize) -> bool {
        self.fits_as(field, Size::of(size))
    }

    fn fits_as(&mut self, field: &'static str, size: Size) -> bool {
        if size.kept > self.left {
            self.note(field, Repair::Size, self.limit);
            return false;
        }
        self.take(size.kept);
        self.least += size.least;
        self.most += size.kept.max(size.spelled);
        true
    }

    fn take(&mut self, size: usize) {
        self.left -= size;
    }
}

fn cut(text: &mut String, max: usize) {
    text.truncate(truncate(text, max).len());
    text.shrink_to_fit();
}

/// The bytes that a text takes as JSON, at most.
fn quoted(text: &str) -> usize {
    // Counted apart, so that each is a loop over many bytes at a time.
    let long = text.bytes().filter(|byte| *byte < 0x20).count();
    let short = text.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count();
    text.len() + 2 + 5 * long + short
}

/// Tells whether a text holds a control character.
fn has_control(text: &str) -> bool {
    // Nothing below 0x80 but these, and most texts have nothing else.
    let suspicious = |byte: u8| !(0x20..0x7f).contains(&byte);
    text.bytes().any(suspicious) && text.chars().any(is_control)
}

/// Drops a value without recursion, however deep it is.
fn dismantle(value: Value) {
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        match value {
            Value::Array(items) => rest.extend(items),
            Value::Object(members) => rest.extend(members.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
}
