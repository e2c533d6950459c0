//! Lines for people: time, level, target, message, fields, file and line.

use std::fmt::{Debug, Write};

use tracing::{Event, Level};

use super::escape::{escape, print};
use super::fields::{FieldWriter, Masks, MessageWriter, Owner};
use super::notice;
use super::style::Style;
use super::trail::Trail;
use crate::sanitise::is_control;

/// `2026-11-21T08:00:00.000Z  INFO target: message key=value request_id=… at src/main.rs:12`
pub(super) struct Human;

impl Style for Human {
    const SEPARATOR: char = ' ';
    const ASSIGN: char = '=';
    const QUOTED_MESSAGE: bool = false;
    const OWN_SPAN_KEYS: &'static [&'static str] = &[];
    const OTHER_SPAN_KEY: &'static str = "";
    const LINE_START: &'static str = "";

    fn key(out: &mut String, name: &str) {
        Self::text(out, name);
    }

    fn text(out: &mut String, text: &str) {
        if is_one_word(text) {
            return out.push_str(text);
        }
        out.push('"');
        escape(out, text, true);
        out.push('"');
    }

    fn float(out: &mut String, value: f64) {
        out.push_str(zmij::Buffer::new().format(value));
    }

    fn debug(out: &mut String, value: &dyn Debug) {
        let start = out.len();
        print(out, |out| write!(out, "{value:?}"));
        if !is_one_word(&out[start..]) && !is_quoted(&out[start..]) {
            let text = out.split_off(start);
            Self::text(out, &text);
        }
    }

    fn span(trail: &mut String, _name: &str, fields: &str) -> (usize, usize) {
        if !trail.is_empty() && !fields.is_empty() {
            trail.push(' ');
        }
        let start = trail.len();
        trail.push_str(fields);
        (start, start)
    }

    fn line(out: &mut String, event: &Event<'_>, trail: &Trail, masks: &mut Masks<'_>, _constants: &str) {
        let metadata = event.metadata();
        out.push_str(match *metadata.level() {
            Level::ERROR => " ERROR ",
            Level::WARN => "  WARN ",
            Level::INFO => "  INFO ",
            Level::DEBUG => " DEBUG ",
            Level::TRACE => " TRACE ",
        });
        escape(out, metadata.target(), false);
        out.push_str(": ");
        event.record(&mut MessageWriter::<Self>::new(out, masks));
        // A line with fields alone has no second space in the place of its message.
        if !out.ends_with(' ') {
            out.push(' ');
        }
        let fields = out.len();
        event.record(&mut FieldWriter::<Self>::new(out, metadata.fields(), Owner::Event, masks));
        if out.len() > fields {
            out.push(' ');
        }
        out.push_str(&trail.text);
        if !trail.text.is_empty() {
            out.push(' ');
        }
        out.push_str("at ");
        escape(out, metadata.file().unwrap_or("?"), false);
        if let Some(line) = metadata.line() {
            out.push(':');
            out.push_str(itoa::Buffer::new().format(line));
        }
    }

    fn notice(out: &mut String, message: &str, numbers: &[(&str, u64)]) {
        let _ = write!(out, "  WARN {}: ", notice::TARGET);
        escape(out, message, false);
        for (name, number) in numbers {
            let _ = write!(out, " {name}={number}");
        }
    }
}

/// Tells whether a text can stand without quotes and still be told from what is around it.
fn is_one_word(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || is_control(c) || matches!(c, '"' | '=' | '\\');
    let plain = |b: u8| matches!(b, b'!' | b'#'..=b'<' | b'>'..=b'[' | b']'..=b'~');
    !text.is_empty() && (text.bytes().all(plain) || !text.chars().any(odd))
}

/// Tells whether a text stands in quotes already, as `Debug` prints strings.
fn is_quoted(text: &str) -> bool {
    let Some(inside) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else { return false };
    let mut escaped = false;
    for c in inside.chars() {
        if is_control(c) || (c == '"' && !escaped) {
            return false;
        }
        escaped = c == '\\' && !escaped;
    }
    !escaped
}

#[cfg(test)]
mod tests {
    use super::super::written::logged;
    use super::*;
    use tracing::{error, info, info_span, warn};

    #[test]
    fn a_human_line_stands_whole() {
        let line = line!() + 3;
        let lines = logged::<Human>(|| {
            let _request = info_span!("request", request_id = %"r-1", user = "Ann Lee").entered();
            info!(target: "shop", cents = 1999, card = ?"visa", note = "a=b", "paid {}", "twice\n");
            error!(target: "shop", "");
            warn!(target: "shop", parent: None, cents = 5);
        });
        let at = |after| format!("at {}:{}", file!(), line + after);
        let spans = r#"request_id=r-1 user="Ann Lee""#;
        assert_eq!(
            lines,
            [
                format!(
                    r#"2026-11-21T08:00:00.000Z  INFO shop: paid twice\n cents=1999 card="visa" note="a=b" {spans} {}"#,
                    at(0)
                ),
                format!("2026-11-21T08:00:00.000Z ERROR shop: {spans} {}", at(1)),
                format!("2026-11-21T08:00:00.000Z  WARN shop: cents=5 {}", at(2)),
            ]
        );
    }
}
