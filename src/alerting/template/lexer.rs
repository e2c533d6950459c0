//! The words of an action.

use super::TemplateError;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A keyword or the name of a function.
    Word(String),
    /// `.`, or `.a.b` as the names.
    Fields(Vec<String>),
    /// `$name`; the name is empty for `$`.
    Variable(String),
    Text(String),
    Int(i64),
    Number(f64),
    Pipe,
    Comma,
    Open,
    Close,
    /// `:=`
    Declare,
    /// `=`
    Assign,
}

/// A token, the byte at which it begins, and whether white space is before it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) at: usize,
    pub(super) apart: bool,
}

pub(super) fn error(at: usize, reason: impl Into<String>) -> TemplateError {
    TemplateError { at, reason: reason.into() }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Splits what is between the braces of an action, which begins at byte `base` of the template.
pub(super) fn tokens(action: &str, base: usize) -> Result<Vec<Placed>, TemplateError> {
    let mut found = Vec::new();
    let (mut rest, mut apart) = (action, true);
    while let Some(first) = rest.chars().next() {
        let at = base + action.len() - rest.len();
        if first.is_whitespace() {
            (rest, apart) = (&rest[first.len_utf8()..], true);
            continue;
        }
        let second = rest[first.len_utf8()..].chars().next();
        let (token, length) = match first {
            '|' => (Token::Pipe, 1),
            ',' => (Token::Comma, 1),
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ':' if second == Some('=') => (Token::Declare, 2),
            '=' => (Token::Assign, 1),
            '$' => {
                let length = 1 + word_length(&rest[1..]);
                (Token::Variable(rest[1..length].to_owned()), length)
            }
            '.' if !second.is_some_and(|c| c.is_ascii_digit()) => fields(rest),
            '"' | '`' => text(rest, at)?,
            '-' | '+' | '0'..='9' | '.' => number(rest, at)?,
            c if is_word(c) => {
                let length = word_length(rest);
                (Token::Word(rest[..length].to_owned()), length)
            }
            other => return Err(error(at, format!("`{other}` is not understood here"))),
        };
        found.push(Placed { token, at, apart });
        (rest, apart) = (&rest[length..], false);
    }
    Ok(found)
}

fn word_length(text: &str) -> usize {
    text.find(|c| !is_word(c)).unwrap_or(text.len())
}

fn fields(text: &str) -> (Token, usize) {
    let (mut names, mut length) = (Vec::new(), 0);
    while text[length..].starts_with('.') {
        let name = word_length(&text[length + 1..]);
        if name == 0 {
            break;
        }
        names.push(text[length + 1..length + 1 + name].to_owned());
        length += 1 + name;
    }
    (Token::Fields(names), length.max(1))
}

fn text(source: &str, at: usize) -> Result<(Token, usize), TemplateError> {
    let quote = source.as_bytes()[0] as char;
    let mut read = String::new();
    let mut chars = source[1..].char_indices();
    while let Some((index, c)) = chars.next() {
        match c {
            c if c == quote => return Ok((Token::Text(read), index + 2)),
            '\\' if quote == '"' => read.push(match chars.next() {
                Some((_, 'n')) => '\n',
                Some((_, 't')) => '\t',
                Some((_, 'r')) => '\r',
                Some((_, c @ ('"' | '\\' | '\''))) => c,
                _ => return Err(error(at + index, "an escape that is not known")),
            }),
            '\n' if quote == '"' => break,
            c => read.push(c),
        }
    }
    Err(error(at, "a text that does not end"))
}

fn number(source: &str, at: usize) -> Result<(Token, usize), TemplateError> {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
    let sign = usize::from(source.starts_with(['-', '+']));
    let mut length = sign + source[sign..].find(|c| !part(c)).unwrap_or(source.len() - sign);
    // The sign of an exponent.
    if source[..length].ends_with(['e', 'E']) && source[length..].starts_with(['-', '+']) {
        length += 1 + source[length + 1..].find(|c: char| !c.is_ascii_digit()).unwrap_or(source.len() - length - 1);
    }
    let digits = source[..length].replace('_', "");
    if let Ok(whole) = digits.parse() {
        return Ok((Token::Int(whole), length));
    }
    let hex = digits.strip_prefix("0x").and_then(|hex| i64::from_str_radix(hex, 16).ok());
    match (hex, digits.parse::<f64>()) {
        (Some(whole), _) => Ok((Token::Int(whole), length)),
        (None, Ok(number)) => Ok((Token::Number(number), length)),
        (None, Err(_)) => Err(error(at, format!("`{}` is no number", &source[..length]))),
    }
}
