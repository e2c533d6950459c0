//! A first look at JSON, before anything is made of it: nesting, members named twice, byte order marks.

use std::borrow::Cow;
use std::ops::Range;

use super::error::{ApiError, Code};
use crate::sanitise::MAX_DEPTH;

/// The deepest nesting of a body: that of an event's payload, within the body's own object.
const MOST_LEVELS: usize = MAX_DEPTH;

/// Refuses what readers of JSON disagree about, and what is nested too deep. What is no JSON at all may pass.
pub(super) fn scan(text: &[u8]) -> Result<(), ApiError> {
    if text.starts_with(b"\xef\xbb\xbf") {
        return Err(refuse("a byte order mark is not allowed"));
    }
    let mut scanner = Scanner { text, at: 0, open: Vec::new(), keys: Vec::new() };
    scanner.run(MOST_LEVELS)
}

/// Finds the items of an array: the text of each. What lies within an item may be no JSON.
pub(super) fn items(text: &[u8]) -> Result<Vec<Range<usize>>, ApiError> {
    let start = text.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(0, |at| at + 1);
    if text.get(start) != Some(&b'[') || end < start + 2 || text[end - 1] != b']' {
        return Err(refuse("the body is no array"));
    }
    let (mut found, mut depth, mut begun, mut at) = (Vec::new(), 0usize, start + 1, start + 1);
    while at < end - 1 {
        match text[at] {
            b'"' => at = end_of_text(text, at),
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.checked_sub(1).ok_or_else(|| refuse("the body is no JSON"))?,
            b',' if depth == 0 => {
                found.push(begun..at);
                begun = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    if depth != 0 {
        return Err(refuse("the body is no JSON"));
    }
    if !found.is_empty() || !text[begun..end - 1].trim_ascii().is_empty() {
        found.push(begun..end - 1);
    }
    Ok(found)
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    /// The objects and arrays that are open: where an object's keys begin, or that it is an array.
    open: Vec<Option<usize>>,
    keys: Vec<Cow<'a, [u8]>>,
}

impl<'a> Scanner<'a> {
    fn run(&mut self, most: usize) -> Result<(), ApiError> {
        // Whether the next text is a member's name.
        let mut names = false;
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'"' => {
                    let end = end_of_text(self.text, self.at);
                    if names {
                        self.keys.push(name(&self.text[self.at..(end + 1).min(self.text.len())]));
                        names = false;
                    }
                    self.at = end;
                }
                b'{' | b'[' => {
                    if self.open.len() >= most {
                        return Err(refuse(format!("at most {most} levels of nesting are allowed")));
                    }
                    names = byte == b'{';
                    self.open.push(names.then_some(self.keys.len()));
                }
                b',' => names = matches!(self.open.last(), Some(Some(_))),
                b'}' | b']' => {
                    names = false;
                    if let Some(Some(first)) = self.open.pop() {
                        self.close(first)?;
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        Ok(())
    }

    /// Ends an object whose keys begin at `first`.
    fn close(&mut self, first: usize) -> Result<(), ApiError> {
        let keys = &mut self.keys[first..];
        keys.sort_unstable();
        if let Some(twice) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
            let key = String::from_utf8_lossy(&twice[0]);
            let key = crate::sanitise::label_value(&key).into_owned();
            return Err(refuse("a member is named twice").field(key));
        }
        self.keys.truncate(first);
        Ok(())
    }
}

/// Finds the quote that ends the text which begins at `start`, or the last byte where there is none.
fn end_of_text(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len().saturating_sub(1).max(start)
}

/// Reads a member's name, so that two ways of writing it are one name.
fn name(quoted: &[u8]) -> Cow<'_, [u8]> {
    if quoted.contains(&b'\\')
        && let Ok(read) = serde_json::from_slice::<String>(quoted)
    {
        return Cow::Owned(read.into_bytes());
    }
    Cow::Borrowed(quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default())
}

fn refuse(message: impl Into<Cow<'static, str>>) -> ApiError {
    ApiError::new(Code::InvalidJson, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_is_named_twice_is_found_however_it_is_written() {
        for text in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"[{"x":{"a":1,"b":[{"a":3}],"a":2}}]"#,
            r#"{"":1,"b":{"":2},"":3}"#,
        ] {
            assert!(scan(text.as_bytes()).is_err(), "{text}");
        }
        for text in [
            r#"{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}"#,
            r#"{"a":"a","b":"a","c":["a","a"]}"#,
            r#"{"a\"":1,"a":2,"A":3,"a\\":4}"#,
            r#"["a","a",{"b":","}]"#,
        ] {
            assert_eq!(scan(text.as_bytes()), Ok(()), "{text}");
        }
    }

    #[test]
    fn nesting_is_refused_early_and_brackets_in_texts_are_none() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(scan(nested(MOST_LEVELS).as_bytes()).is_ok());
        assert!(scan(nested(MOST_LEVELS + 1).as_bytes()).is_err());
        assert!(scan("[".repeat(1_000_000).as_bytes()).is_err());
        assert!(scan(format!("\"{}\"", "[".repeat(200)).as_bytes()).is_ok());
        assert!(scan(b"\xef\xbb\xbf{}").is_err());
    }

    #[test]
    fn no_text_makes_it_panic() {
        for text in ["", "\"", "\"\\", "{\"", "{\"\\", "}", "]]", "{\"a\\u12", "[\"", "{,\"a\"", "\\"] {
            let _ = (scan(text.as_bytes()), items(text.as_bytes()), items(format!("[{text}]").as_bytes()));
        }
    }

    #[test]
    fn the_items_of_an_array_are_found() {
        let found = |text: &str| -> Result<Vec<String>, ApiError> {
            Ok(items(text.as_bytes())?.into_iter().map(|range| text[range].trim().to_owned()).collect())
        };
        assert_eq!(found(r#" [{"a":[1,2]}, "x,]" ,3] "#).unwrap(), [r#"{"a":[1,2]}"#, r#""x,]""#, "3"]);
        assert_eq!(found("[]").unwrap(), Vec::<String>::new());
        assert_eq!(found("[ ]").unwrap(), Vec::<String>::new());
        assert_eq!(found("[1,]").unwrap(), ["1", ""]);
        for text in ["", "{}", "[", "[1", "[]]", "[[]"] {
            assert!(found(text).is_err(), "{text}");
        }
    }
}
