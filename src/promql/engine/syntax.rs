//! What is checked before an expression is read: that reading it is cheap and safe, and that it is supported.
//!
//! The parser compiles regular expressions without a bound, panics at a duration that no float of seconds can be, and
//! recurses as deep as an expression goes. So patterns are compiled here and replaced by their numbers, and the rest is
//! refused.

use promql_parser::util::{escape_string, parse_str_radix};
use regex::Regex;

use super::token::{Token, TokenKind, tokens};
use super::{error::QueryError, literal::unquote, pattern, query::Query};

/// The longest range or offset, in seconds: 100 years.
const LONGEST_SECONDS: f64 = 100.0 * 365.0 * 86400.0;

/// An expression that may be read.
#[derive(Debug)]
pub(super) struct Checked<'a> {
    pub(super) tokens: Vec<Token<'a>>,
    /// The expression with a number in the place of each pattern.
    pub(super) text: String,
    /// The patterns, by their numbers.
    pub(super) patterns: Vec<(Regex, String)>,
}

/// Checks an expression.
///
/// # Errors
///
/// When it is too large, or when something in it is wrong or not supported.
pub(super) fn check(expression: &str) -> Result<Checked<'_>, QueryError> {
    too_large(
        expression.len() - expression.len().min(Query::MOST_BYTES),
        "bytes",
        expression.len(),
        Query::MOST_BYTES,
    )?;
    let tokens = tokens(expression);
    check_levels(&tokens)?;
    check_support(&tokens)?;
    check_durations(&tokens)?;
    let mut patterns = Vec::new();
    let mut text = String::with_capacity(expression.len());
    let mut copied = 0;
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.kind == TokenKind::Text) {
        let position = token.position;
        let value = unquote(token.text).map_err(|reason| QueryError::Syntax { position, reason })?;
        text.push_str(&expression[copied..position]);
        copied = position + token.text.len();
        let operator = at.checked_sub(1).map_or("", |before| tokens[before].text);
        if operator != "=~" && operator != "!~" {
            // The parser takes an escaped byte for a character.
            text.extend(["\"", &escape_string(&value), "\""]);
            continue;
        }
        if patterns.len() == Query::MOST_PATTERNS {
            return Err(QueryError::TooLarge {
                position,
                what: "regular expressions:",
                found: patterns.len() + 1,
                limit: Query::MOST_PATTERNS,
            });
        }
        let regex = pattern::compile(&value).map_err(|reason| QueryError::Regex {
            position,
            pattern: value.clone(),
            reason,
        })?;
        // The parser asks whether a matcher fits the empty value; whether it really does is checked later.
        text.push_str(&format!("\"{}{}\"", patterns.len(), if operator == "!~" { "|" } else { "" }));
        patterns.push((regex, value));
    }
    text.push_str(&expression[copied..]);
    Ok(Checked { tokens, text, patterns })
}

fn too_large(over: usize, what: &'static str, found: usize, limit: usize) -> Result<(), QueryError> {
    if over == 0 { Ok(()) } else { Err(QueryError::TooLarge { position: limit, what, found, limit }) }
}

/// Checks how deep the tree can become: no deeper than brackets and operators that are open at one place.
fn check_levels(tokens: &[Token<'_>]) -> Result<(), QueryError> {
    let mut open = vec![0];
    let mut levels = 0;
    let mut in_braces = false;
    for token in tokens {
        match token.text {
            "{" => in_braces = true,
            "}" => in_braces = false,
            _ if in_braces || token.kind == TokenKind::Text => {}
            "(" => {
                open.push(1);
                levels += 1;
            }
            ")" if open.len() > 1 => levels -= open.pop().unwrap_or(0),
            "," => {
                if let Some(here) = open.last_mut() {
                    levels -= *here;
                    *here = usize::from(*here > 0);
                    levels += *here;
                }
            }
            _ if is_level(token) => {
                if let Some(here) = open.last_mut() {
                    *here += 1;
                    levels += 1;
                }
            }
            _ => {}
        }
        if levels > Query::MOST_LEVELS {
            return Err(QueryError::TooLarge {
                position: token.position,
                what: "levels:",
                found: levels,
                limit: Query::MOST_LEVELS,
            });
        }
    }
    Ok(())
}

/// Returns whether what this word belongs to may hold all that stands before it.
fn is_level(token: &Token<'_>) -> bool {
    const MARKS: [&str; 13] = ["+", "-", "*", "/", "%", "^", "==", "!=", "<", ">", "<=", ">=", "["];
    MARKS.contains(&token.text) || ["and", "or", "unless", "atan2"].iter().any(|word| token.is(word))
}

/// Refuses syntax that is experimental in Prometheus or needs native histograms.
fn check_support(tokens: &[Token<'_>]) -> Result<(), QueryError> {
    let mut in_brackets = false;
    for (at, token) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1);
        let refused = |name: &str, reason| {
            Err(QueryError::Unsupported { position: token.position, name: name.to_owned(), reason })
        };
        if token.is("[") || token.is("]") {
            in_brackets = token.is("[");
        } else if in_brackets && token.kind != TokenKind::Number && !token.is(":") && is_arithmetic(token) {
            return refused(token.text, "arithmetic of durations is experimental");
        } else if token.is("offset") && is_computed(&tokens[at + 1..]) {
            return refused("offset", "arithmetic of durations is experimental");
        } else if ["fill", "fill_left", "fill_right"].iter().any(|word| token.is(word))
            && next.is_some_and(|next| next.is("("))
        {
            return refused(token.text, "filling in of missing series is experimental");
        } else if (token.is("smoothed") || token.is("anchored"))
            && at.checked_sub(1).is_some_and(|before| ends_selector(&tokens[before]))
        {
            return refused(token.text, "it is experimental");
        } else if (token.is("<") || token.is(">"))
            && next.is_some_and(|next| next.is("/") && next.position == token.position + 1)
        {
            return refused(if token.is("<") { "</" } else { ">/" }, "it is for native histograms");
        }
    }
    Ok(())
}

/// Returns whether a selector, its range or its shift may end here.
fn ends_selector(token: &Token<'_>) -> bool {
    const OPERATORS: [&str; 11] =
        ["and", "or", "unless", "atan2", "bool", "on", "ignoring", "group_left", "group_right", "by", "without"];
    match token.kind {
        TokenKind::Mark => matches!(token.text, "]" | "}" | ")"),
        TokenKind::Name => !OPERATORS.iter().any(|operator| token.is(operator)),
        TokenKind::Number | TokenKind::Text => true,
    }
}

/// Returns whether an offset is computed instead of told.
fn is_computed(after: &[Token<'_>]) -> bool {
    let signs = after.iter().take_while(|token| token.is("+") || token.is("-")).count();
    let is_call =
        |token: &Token<'_>| token.kind == TokenKind::Name && after.get(signs + 1).is_some_and(|next| next.is("("));
    after.get(signs).is_some_and(|token| token.is("(") || is_call(token))
}

fn is_arithmetic(token: &Token<'_>) -> bool {
    matches!(token.text, "+" | "-" | "*" | "/" | "%" | "^" | "(") || token.kind == TokenKind::Name
}

/// Checks ranges, steps and offsets.
fn check_durations(tokens: &[Token<'_>]) -> Result<(), QueryError> {
    let mut in_brackets = false;
    for (at, token) in tokens.iter().enumerate() {
        if token.is("[") || token.is("]") {
            in_brackets = token.is("[");
        }
        let before = |back: usize| at.checked_sub(back).and_then(|at| tokens.get(at));
        let after_sign = before(1).is_some_and(|token| token.is("+") || token.is("-"));
        let is_offset = before(if after_sign { 2 } else { 1 }).is_some_and(|token| token.is("offset"));
        let is_number = token.kind == TokenKind::Number || token.is("inf") || token.is("nan");
        if is_number && (in_brackets || is_offset) {
            let wrong = |reason: &str| QueryError::Meaning {
                position: token.position,
                reason: format!("{reason}: {:?}", token.text),
            };
            let seconds = seconds(token.text).ok_or_else(|| wrong("not a valid duration string"))?;
            if !(seconds.is_finite() && seconds <= LONGEST_SECONDS) {
                return Err(wrong("duration out of range"));
            }
            if in_brackets && seconds < 0.001 {
                return Err(wrong("duration must be greater than 0"));
            }
        }
    }
    Ok(())
}

/// Returns the seconds of a duration as `1h30m` or as a number.
fn seconds(text: &str) -> Option<f64> {
    // An `x` must be that of `0x`, or the parser panics.
    let is_hex = text.starts_with("0x") || text.starts_with("0X");
    if (is_hex || !text.contains(['x', 'X']))
        && let Ok(number) = parse_str_radix(text)
    {
        return Some(number);
    }
    const UNITS: [(&str, f64); 7] = [
        ("ms", 0.001),
        ("y", 365.0 * 86400.0),
        ("w", 7.0 * 86400.0),
        ("d", 86400.0),
        ("h", 3600.0),
        ("m", 60.0),
        ("s", 1.0),
    ];
    let mut rest = text;
    let mut sum = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: u32 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let (unit, seconds) = UNITS.iter().find(|(unit, _)| rest.starts_with(unit))?;
        rest = &rest[unit.len()..];
        sum += f64::from(count) * seconds;
    }
    Some(sum)
}
