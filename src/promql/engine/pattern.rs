//! Regular expressions as PromQL means them: of Go's syntax, matching the whole text, with bounds on their size.

use regex::{Regex, RegexBuilder};

/// The most bytes that a compiled expression takes; `[a-z]{1,1000}` fits, `\pL{1,1000}` does not.
const MOST_BYTES: usize = 1 << 17;
/// The most bytes of what is remembered while matching.
const MOST_CACHE: usize = 1 << 19;

/// Compiles an expression that must match a whole text; `.` matches line breaks too.
///
/// # Errors
///
/// In words, what is wrong with it.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(&format!("^(?s:{})$", from_go(pattern)))
        .size_limit(MOST_BYTES)
        .dfa_size_limit(MOST_CACHE)
        .nest_limit(50)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => format!("it compiles to more than {MOST_BYTES} bytes"),
            // The last line says what is wrong; those before draw an arrow at it.
            error => {
                let text = error.to_string();
                text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
            }
        })
}

/// Writes an expression of Go's syntax so that it means the same here: classes are ASCII, a brace that counts nothing
/// is a brace, and within a class only `-`, `^`, `\` and named classes are special.
fn from_go(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    let mut in_class = false;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        match c {
            '\\' => {
                let escaped = rest[1..].chars().next();
                taken += escaped.map_or(0, char::len_utf8);
                match escaped {
                    Some('d') => text.push_str("[0-9]"),
                    Some('D') => text.push_str("[^0-9]"),
                    Some('w') => text.push_str("[0-9A-Za-z_]"),
                    Some('W') => text.push_str("[^0-9A-Za-z_]"),
                    Some('s') => text.push_str(r"[\t\n\x0c\r ]"),
                    Some('S') => text.push_str(r"[^\t\n\x0c\r ]"),
                    Some('b') if !in_class => text.push_str(r"(?-u:\b)"),
                    Some('B') if !in_class => text.push_str(r"(?-u:\B)"),
                    Some('Q') if !in_class => {
                        let quoted = &rest[2..];
                        let end = quoted.find("\\E").unwrap_or(quoted.len());
                        text.push_str(&regex::escape(&quoted[..end]));
                        taken = (2 + end + 2).min(rest.len());
                    }
                    _ => text.push_str(&rest[..taken]),
                }
            }
            '[' if in_class => {
                if let Some(end) = rest.strip_prefix("[:").and_then(|named| named.find(":]")) {
                    taken = 2 + end + 2;
                    text.push_str(&rest[..taken]);
                } else {
                    text.push_str(r"\[");
                }
            }
            '[' => {
                in_class = true;
                // A bracket that comes first is a member of the class.
                for first in ["[^]", "[]", "[^", "["] {
                    if rest.starts_with(first) {
                        taken = first.len();
                        text.push_str(first.trim_end_matches(']'));
                        text.push_str(if first.ends_with(']') { r"\]" } else { "" });
                        break;
                    }
                }
            }
            ']' if in_class => {
                in_class = false;
                text.push(']');
            }
            '&' | '~' if in_class => text.extend(['\\', c]),
            '{' if !in_class && !counts(rest) => text.push_str(r"\{"),
            _ => text.push(c),
        }
        rest = &rest[taken..];
    }
    text
}

/// Returns whether the brace that stands here counts: `{2}`, `{2,}`, `{2,3}`.
fn counts(rest: &str) -> bool {
    let Some((inside, _)) = rest[1..].split_once('}') else { return false };
    let (least, most) = inside.split_once(',').unwrap_or((inside, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !least.is_empty() && digits(least) && digits(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        compile(pattern).unwrap().is_match(text)
    }

    #[test]
    fn an_expression_matches_the_whole_text_and_a_dot_a_line_break() {
        assert!(!matches("a", "ab"));
        assert!(matches("a|ab", "ab"));
        assert!(matches("a.b", "a\nb"));
        assert!(matches("", ""));
    }

    #[test]
    fn classes_and_braces_mean_what_they_mean_to_go() {
        assert!(!matches(r"\d", "٣"));
        assert!(!matches(r"\w", "é"));
        assert!(matches(r"[\d.]+", "1.2"));
        assert!(matches("a{b}c", "a{b}c"));
        assert!(matches("a{2}", "aa"));
        assert!(matches("[[a]", "["));
        assert!(matches("[]a]", "]"));
        assert!(matches("[^]a]", "b"));
        assert!(matches("[a&&b]+", "&a"));
        assert!(matches("[[:alpha:]]+", "ab"));
        assert!(matches(r"\Qa.b\E", "a.b"));
        assert!(!matches(r"\Qa.b\E", "axb"));
    }

    #[test]
    fn what_is_wrong_or_too_large_is_said() {
        assert_eq!(compile("(").unwrap_err(), "unclosed group");
        assert_eq!(compile(r"(\pL{1000}){1000}").unwrap_err(), "it compiles to more than 131072 bytes");
    }
}
