//! The value of a quoted text.

/// Returns the value of a text with its quotes, as Go reads it; bytes that are escaped must make up UTF-8.
///
/// # Errors
///
/// In words, what is wrong with it.
pub(super) fn unquote(text: &str) -> Result<String, String> {
    let wrong = || Err(format!("invalid quoted text {text}"));
    let Some(quote) = text.chars().next().filter(|quote| matches!(quote, '"' | '\'' | '`')) else { return wrong() };
    let Some(inner) = text[1..].strip_suffix(quote) else { return wrong() };
    if quote == '`' {
        return Ok(inner.to_owned());
    }
    let mut value = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c == '\n' || c == quote {
            return wrong();
        }
        if c != '\\' {
            value.extend(c.to_string().as_bytes());
            continue;
        }
        let Some(escaped) = rest.chars().next() else { return wrong() };
        rest = &rest[escaped.len_utf8()..];
        let byte = match escaped {
            'a' => 0x07,
            'b' => 0x08,
            'f' => 0x0c,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 0x0b,
            '\\' => b'\\',
            '"' | '\'' if escaped == quote => escaped as u8,
            'x' | 'u' | 'U' | '0'..='7' => {
                let (radix, digits) = match escaped {
                    'x' => (16, 2),
                    'u' => (16, 4),
                    'U' => (16, 8),
                    _ => (8, 2),
                };
                let taken = rest.get(..digits).filter(|digits| digits.chars().all(|digit| digit.is_digit(radix)));
                let Some(taken) = taken else { return wrong() };
                rest = &rest[digits..];
                let number = u32::from_str_radix(taken, radix).ok();
                let number = if radix == 8 {
                    number.zip(escaped.to_digit(8)).map(|(low, high)| high * 64 + low)
                } else {
                    number
                };
                let byte = number.and_then(|number| u8::try_from(number).ok());
                match (escaped, byte, number.and_then(char::from_u32)) {
                    ('u' | 'U', _, Some(c)) => {
                        value.extend(c.to_string().as_bytes());
                        continue;
                    }
                    ('x' | '0'..='7', Some(byte), _) => byte,
                    _ => return wrong(),
                }
            }
            _ => return wrong(),
        };
        value.push(byte);
    }
    String::from_utf8(value).map_err(|_| format!("the text {text} is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_go_and_bytes_must_make_up_characters() {
        assert_eq!(unquote(r#""a\n\"\x41\101\u00e9""#).unwrap(), "a\n\"AAé");
        assert_eq!(unquote(r#"'\xc3\xa9'"#).unwrap(), "é");
        assert_eq!(unquote(r"`\n`").unwrap(), r"\n");
        assert_eq!(unquote(r#""\xff""#).unwrap_err(), r#"the text "\xff" is not UTF-8"#);
        for wrong in [r#""\q""#, r#""\'""#, "\"", "\"a", r#""\x4""#, "\"\\ué", r#""\ud800""#, r#""\400""#] {
            assert!(unquote(wrong).is_err(), "{wrong}");
        }
    }
}
