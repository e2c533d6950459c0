//! Text on its way into a log line: no value can end the line or steer a terminal.

use std::fmt::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::sanitise::is_control;

/// Appends `text` with every control character as `\n`, `\r`, `\t` or `\uXXXX`, and with `"` and `\` behind a
/// backslash where the text stands in `quotes`.
pub(super) fn escape(out: &mut String, text: &str, quotes: bool) {
    if is_plain(text.as_bytes()) {
        out.push_str(text);
    } else {
        escape_odd(out, text, quotes);
    }
}

/// Does the rare work apart, so that plain text does not pay for its registers.
#[cold]
#[inline(never)]
fn escape_odd(out: &mut String, text: &str, quotes: bool) {
    let bytes = text.as_bytes();
    let (mut done, mut at) = (0, 0);
    while at < bytes.len() {
        let byte = bytes[at];
        if PLAIN[usize::from(byte)] {
            at += 1;
            continue;
        }
        // Of what is no plain ASCII most is neither a control character nor in need of a backslash.
        let c = if byte < 0x80 { char::from(byte) } else { text[at..].chars().next().unwrap_or_default() };
        let start = at;
        at += c.len_utf8();
        let quote = matches!(c, '"' | '\\');
        if quote && !quotes || !quote && !is_control(c) {
            continue;
        }
        out.push_str(&text[done..start]);
        done = at;
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ => push_unicode_escape(out, c),
        }
    }
    out.push_str(&text[done..]);
}

/// Tells, eight bytes at a time, whether a text is printable ASCII without `"` and `\`: most text is, and goes out as
/// it is.
fn is_plain(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    words.iter().all(|word| is_plain_word(u64::from_le_bytes(*word))) && rest.iter().all(|b| PLAIN[usize::from(*b)])
}

const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0x20;
    while byte < 0x7f {
        plain[byte as usize] = byte != b'"' && byte != b'\\';
        byte += 1;
    }
    plain
};

fn is_plain_word(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = ONES << 7;
    // A byte below `n` borrows, which shows in its top bit; a byte that equals `c` is below 1 once `c` is taken out.
    let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word;
    let equals = |c: u8| below(word ^ (ONES * u64::from(c)), 1);
    (word | below(word, 0x20) | equals(b'"') | equals(b'\\') | equals(0x7f)) & TOPS == 0
}

fn push_unicode_escape(out: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        out.push_str("\\u");
        for shift in [12, 8, 4, 0] {
            out.push(char::from(b"0123456789abcdef"[usize::from(*unit >> shift & 0xf)]));
        }
    }
}

/// Appends what `value` prints, escaped; a failing `Debug` leaves what it wrote so far.
pub(super) fn escape_debug(out: &mut String, value: &dyn fmt::Debug, quotes: bool) {
    let start = out.len();
    print(out, |out| write!(out, "{value:?}"));
    if !is_plain(&out.as_bytes()[start..]) {
        let text = out.split_off(start);
        escape_odd(out, &text, quotes);
    }
}

/// Lets a value of the app's print itself; one that panics says so in the line, and the line goes on.
pub(super) fn print(out: &mut String, value: impl FnOnce(&mut String) -> fmt::Result) {
    if catch_unwind(AssertUnwindSafe(|| value(out))).is_err() {
        out.push_str("(it panicked)");
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
    fn every_byte_is_judged_alike_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            let plain = matches!(byte, 0x20..0x7f) && byte != b'"' && byte != b'\\';
            for at in 0..20 {
                let mut text = [b'x'; 20];
                text[at] = byte;
                assert_eq!(is_plain(&text), plain, "{byte:#x} at {at}");
            }
        }
    }

    #[test]
    fn quotes_are_escaped_only_within_quotes() {
        assert_eq!(escaped("say \"C:\\\"\n", true), r#"say \"C:\\\"\n"#);
        assert_eq!(escaped("say \"C:\\\"\n", false), r#"say "C:\"\n"#);
    }
}
