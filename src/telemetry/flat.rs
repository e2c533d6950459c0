//! Written fields, read back: finding, replacing and joining the `key value` pairs of a flat text.

use std::ops::Range;

use super::style::Style;

/// The span fields that are lifted to the top of a line.
pub(super) const IDS: [&str; 3] = ["request_id", "trace_id", "span_id"];

/// Where the trace's id stands among [`IDS`].
pub(super) const TRACE_ID: usize = 1;
/// Where the span's id stands among [`IDS`].
pub(super) const SPAN_ID: usize = 2;

/// Where the values of [`IDS`] stand in a text.
pub(super) type Ids = [Option<Range<usize>>; IDS.len()];

/// Walks over the pairs of a text that a [`FieldWriter`](super::fields::FieldWriter) wrote.
fn pairs<S: Style>(text: &str) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        if at >= text.len() {
            return None;
        }
        let key = at..token_end::<S>(text, at);
        let value_start = (key.end + 1).min(text.len());
        let value = value_start..token_end::<S>(text, value_start);
        at = value.end + 1;
        Some((key, value))
    })
}

/// Finds the end of a word: at its closing quote where it is quoted, else before the next separator.
fn token_end<S: Style>(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = start;
    if bytes.get(at) == Some(&b'"') {
        at += 1;
        while at < bytes.len() && bytes[at] != b'"' {
            at += if bytes[at] == b'\\' { 2 } else { 1 };
        }
        return (at + 1).min(text.len());
    }
    let ends = |c: char| c == S::SEPARATOR || c == S::ASSIGN;
    text[start..].find(ends).map_or(text.len(), |length| start + length)
}

/// Takes the pair with this written key out of the part of `text` that begins at `start`.
pub(super) fn remove<S: Style>(text: &mut String, start: usize, key: &str) {
    let found = pairs::<S>(&text[start..]).find(|(at, _)| text[start..][at.clone()] == *key);
    if let Some((key, value)) = found {
        let (mut from, mut to) = (start + key.start, start + value.end);
        // One separator goes with it: the one behind it or, for the last pair, the one before it.
        if to < text.len() {
            to += 1;
        } else if from > start {
            from -= 1;
        }
        text.drain(from..to);
    }
}

/// Finds the ids in a text of fields.
pub(super) fn find_ids<S: Style>(text: &str) -> Ids {
    let mut ids = Ids::default();
    for (key, value) in pairs::<S>(text) {
        let name = text[key].trim_matches('"');
        if let Some(id) = IDS.iter().position(|id| *id == name) {
            ids[id] = Some(value);
        }
    }
    ids
}

/// Adds the pairs of `later` to `text`, each in the place of an earlier one with its key.
pub(super) fn merge<S: Style>(text: &mut String, later: &str) {
    for (key, _) in pairs::<S>(later) {
        remove::<S>(text, 0, &later[key]);
    }
    if !text.is_empty() && !later.is_empty() {
        text.push(S::SEPARATOR);
    }
    text.push_str(later);
}

#[cfg(test)]
mod tests {
    use super::super::human::Human;
    use super::super::json::Json;
    use super::*;

    #[test]
    fn a_later_value_takes_the_place_of_the_earlier() {
        let mut text = String::from(r#""a":1,"b":"x,\"y\":","c":null"#);
        merge::<Json>(&mut text, r#""b":2,"d":true"#);
        assert_eq!(text, r#""a":1,"c":null,"b":2,"d":true"#);
        merge::<Json>(&mut text, r#""d":false"#);
        assert_eq!(text, r#""a":1,"c":null,"b":2,"d":false"#);

        let mut text = String::from(r#"a=1 b="x y=\"z\"" c=é"#);
        merge::<Human>(&mut text, "a=2 b=3");
        assert_eq!(text, "c=é a=2 b=3");
    }

    #[test]
    fn the_only_pair_can_be_replaced() {
        let mut text = String::from(r#""a":"\\""#);
        merge::<Json>(&mut text, r#""a":1"#);
        assert_eq!(text, r#""a":1"#);
    }

    #[test]
    fn ids_are_found_as_keys_only() {
        let text = r#""x":"request_id","request_id":"r-1","span_id":7"#;
        let ids = find_ids::<Json>(text).map(|id| id.map(|at| &text[at]));
        assert_eq!(ids, [Some("\"r-1\""), None, Some("7")]);
    }
}
