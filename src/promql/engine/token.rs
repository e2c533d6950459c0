//! The words of an expression and where they stand.

/// A word of an expression.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind,
    pub(super) text: &'a str,
    /// In bytes from the start of the expression.
    pub(super) position: usize,
}

/// What a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A name or a keyword.
    Name,
    /// A number or a duration.
    Number,
    /// A text with its quotes.
    Text,
    /// An operator, a bracket, or anything else.
    Mark,
}

impl Token<'_> {
    pub(super) fn is(&self, text: &str) -> bool {
        self.kind != TokenKind::Text && self.text.eq_ignore_ascii_case(text)
    }
}

/// Takes an expression apart, without its spaces and comments. Anything can be taken apart.
pub(super) fn tokens(expression: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut position = 0;
    while let Some(first) = expression[position..].chars().next() {
        let rest = &expression[position..];
        let (kind, length) = match first {
            '#' => {
                position += rest.find(['\n', '\r']).unwrap_or(rest.len());
                continue;
            }
            _ if first.is_ascii_whitespace() => {
                position += 1;
                continue;
            }
            '"' | '\'' | '`' => (TokenKind::Text, text_length(rest, first)),
            _ if first.is_ascii_digit() || first == '.' => (TokenKind::Number, number_length(rest)),
            _ if first.is_ascii_alphabetic() || first == '_' || (first == ':' && !in_brackets(&found)) => {
                let inside = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
                (TokenKind::Name, rest.find(|c| !inside(c)).unwrap_or(rest.len()))
            }
            _ => (TokenKind::Mark, mark_length(rest, first)),
        };
        found.push(Token { kind, text: &rest[..length], position });
        position += length;
    }
    found
}

/// Returns whether a bracket of a range is open.
fn in_brackets(found: &[Token<'_>]) -> bool {
    found.iter().rev().find(|token| token.is("[") || token.is("]")).is_some_and(|token| token.is("["))
}

fn text_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn number_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let hex = rest.starts_with("0x") || rest.starts_with("0X");
    let mut length = 0;
    while length < bytes.len() {
        let is_sign_of_exponent = matches!(bytes[length], b'+' | b'-')
            && !hex
            && length > 0
            && matches!(bytes[length - 1], b'e' | b'E')
            && bytes.get(length + 1).is_some_and(u8::is_ascii_digit);
        if !(bytes[length].is_ascii_alphanumeric() || matches!(bytes[length], b'.' | b'_') || is_sign_of_exponent) {
            break;
        }
        length += 1;
    }
    length
}

fn mark_length(rest: &str, first: char) -> usize {
    const LONG: [&str; 6] = ["==", "!=", "=~", "!~", "<=", ">="];
    if LONG.iter().any(|mark| rest.starts_with(mark)) { 2 } else { first.len_utf8() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(expression: &str) -> Vec<&str> {
        tokens(expression).iter().map(|token| token.text).collect()
    }

    #[test]
    fn words_numbers_texts_and_marks_are_told_apart() {
        assert_eq!(
            texts("sum(a:b{c=~'x\\'y'}[5m:1m] offset -1e+3) # no"),
            ["sum", "(", "a:b", "{", "c", "=~", "'x\\'y'", "}", "[", "5m", ":", "1m", "]", "offset", "-", "1e+3", ")"]
        );
        assert_eq!(texts("0x1e+5"), ["0x1e", "+", "5"]);
        assert_eq!(texts("ä`\\`b"), ["ä", "`\\`", "b"]);
    }
}
