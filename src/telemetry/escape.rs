//! Text on its way into a log line: no value can end the line or steer a terminal.

use std::fmt::{self, Write};

use crate::sanitise::is_control;

/// Appends `text` with every control character as `\n`, `\r`, `\t` or `\uXXXX`, and with `"` and `\` behind a
/// backslash where the text stands in `quotes`.
pub(super) fn escape(out: &mut String, text: &str, quotes: bool) {
    // Most text is plain; without an early exit this check runs over many bytes at once.
    if !text.bytes().fold(false, |odd, b| odd | !(0x20..0x7f).contains(&b) | (b == b'"') | (b == b'\\')) {
        out.push_str(text);
        return;
    }
    let mut done = 0;
    for (at, c) in text.char_indices() {
        let quoted = quotes && matches!(c, '"' | '\\');
        if !quoted && !is_control(c) {
            continue;
        }
        out.push_str(&text[done..at]);
        done = at + c.len_utf8();
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ => push_unicode_escape(out, c),
        }
    }
    out.push_str(&text[done..]);
}

fn push_unicode_escape(out: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        out.push_str("\\u");
        for shift in [12, 8, 4, 0] {
            out.push(char::from(b"0123456789abcdef"[usize::from(*unit >> shift & 0xf)]));
        }
    }
}

/// Appends what `value` prints, escaped piece by piece; a failing `Debug` leaves what it wrote so far.
pub(super) fn escape_debug(out: &mut String, value: &dyn fmt::Debug, quotes: bool) {
    let _ = write!(Escaping { out, quotes }, "{value:?}");
}

struct Escaping<'a> {
    out: &'a mut String,
    quotes: bool,
}

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(self.out, text, self.quotes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str, quotes: bool) -> String {
        let mut out = String::new();
        escape(&mut out, text, quotes);
        out
    }

    #[test]
    fn a_control_character_becomes_visible() {
        assert_eq!(escaped("a\nb\u{1b}[31m\u{9b}\u{2028}\u{7f}é", true), r"a\nb\u001b[31m\u009b\u2028\u007fé");
    }

    #[test]
    fn quotes_are_escaped_only_within_quotes() {
        assert_eq!(escaped("say \"C:\\\"\n", true), r#"say \"C:\\\"\n"#);
        assert_eq!(escaped("say \"C:\\\"\n", false), r#"say "C:\"\n"#);
    }
}
