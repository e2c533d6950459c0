//! What may leave the process: bounded text without control characters and without secrets, bounded JSON.

mod json;
mod number;
mod repair;
mod secret;

use std::borrow::Cow;

pub(crate) use json::Cleaner;
pub use json::{MAX_DEPTH, MAX_KEY_BYTES, MAX_KEYS, MAX_TEXT_BYTES};
pub(crate) use number::restore;
pub use repair::{Invalid, Repair, Repairs};
pub use secret::{is_secret_name, redact};

/// The longest label value, in bytes; a longer one is cut at a character boundary.
pub const MAX_LABEL_VALUE_BYTES: usize = 128;

/// Cuts `text` to at most `max` bytes without splitting a character.
///
/// ```
/// assert_eq!(watchkeeper::sanitise::truncate("naïve", 3), "na");
/// ```
pub fn truncate(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Makes a label value fit to be exported: at most [`MAX_LABEL_VALUE_BYTES`], control characters as `U+FFFD`.
pub fn label_value(value: &str) -> Cow<'_, str> {
    let value = truncate(value, MAX_LABEL_VALUE_BYTES);
    if value.chars().any(is_control) {
        // A replacement is wider than what it replaces, so the cut comes again.
        let clean: String = value.chars().map(|c| if is_control(c) { '\u{FFFD}' } else { c }).collect();
        return Cow::Owned(truncate(&clean, MAX_LABEL_VALUE_BYTES).to_owned());
    }
    Cow::Borrowed(value)
}

/// Makes a help text fit to be exported: control characters as `U+FFFD`, except for the ends of its lines.
pub(crate) fn help(text: &str) -> String {
    text.chars().map(|c| if c != '\n' && is_control(c) { '\u{FFFD}' } else { c }).collect()
}

/// Tells whether a character could steer a terminal or break a line: C0, DEL, C1, and the Unicode line and
/// paragraph separators.
pub fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_value_is_cut_at_a_character() {
        let long = "é".repeat(100);
        assert_eq!(label_value(&long).len(), 128);
        assert_eq!(label_value(&"x".repeat(127).replace("xx", "é")).chars().last(), Some('x'));
    }

    #[test]
    fn a_label_value_holds_no_control_character() {
        assert_eq!(label_value("a\nb\u{9b}c"), "a\u{FFFD}b\u{FFFD}c");
        assert!(label_value(&"\0".repeat(128)).len() <= MAX_LABEL_VALUE_BYTES);
    }
}
