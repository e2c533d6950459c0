//! The notation of series in the scripts: labels, values that expand, durations.

use watchkeeper::promql::engine::{LabelSet, METRIC_NAME, stale};

/// A value of a series at one step.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell {
    Nothing,
    Value(f64),
    /// What is not supported: a native histogram, or a notation of something experimental.
    Unsupported,
}

/// Reads a duration such as `1m30s`, or a number of seconds, as milliseconds.
pub(crate) fn duration(text: &str) -> i64 {
    if let Ok(seconds) = text.parse::<f64>() {
        return (seconds * 1000.0).round() as i64;
    }
    let mut rest = text.trim_start_matches('-');
    let mut sum = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or_else(|| panic!("no duration: {text}"));
        let count: i64 = rest[..digits].parse().unwrap_or_else(|_| panic!("no duration: {text}"));
        rest = &rest[digits..];
        let units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];
        let (unit, length) =
            units.iter().find(|(unit, _)| rest.starts_with(unit)).unwrap_or_else(|| panic!("no duration: {text}"));
        rest = &rest[unit.len()..];
        sum += count * length;
    }
    if text.starts_with('-') { -sum } else { sum }
}

/// Reads the labels at the start of a line and returns what follows them.
pub(crate) fn labels(line: &str) -> (LabelSet, &str) {
    let name_end = line.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).unwrap_or(line.len());
    let mut found = Vec::new();
    if name_end > 0 {
        found.push((METRIC_NAME.to_owned(), line[..name_end].to_owned()));
    }
    let Some(mut rest) = line[name_end..].strip_prefix('{') else {
        return (LabelSet::new(found), &line[name_end..]);
    };
    loop {
        rest = rest.trim_start_matches([' ', ',', '\t']);
        if let Some(after) = rest.strip_prefix('}') {
            return (LabelSet::new(found), after);
        }
        let name;
        (name, rest) = if rest.starts_with(['"', '\'', '`']) {
            quoted(rest)
        } else {
            let end = rest.find(['=', ' ']).unwrap_or_else(|| panic!("no label: {line}"));
            (rest[..end].to_owned(), &rest[end..])
        };
        rest = rest.trim_start();
        match rest.strip_prefix('=') {
            None => found.push((METRIC_NAME.to_owned(), name)),
            Some(after) => {
                let value;
                (value, rest) = quoted(after.trim_start());
                found.push((name, value));
            }
        }
    }
}

/// Reads a quoted text and returns what follows it.
pub(crate) fn quoted(text: &str) -> (String, &str) {
    let quote = text.chars().next().unwrap_or(' ');
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            _ if c == quote => {
                let whole = &text[..=at];
                let value = promql_parser::util::unquote_string(whole).unwrap_or_else(|_| panic!("no text: {whole}"));
                return (value, &text[at + 1..]);
            }
            _ => {}
        }
    }
    panic!("no text: {text}");
}

/// Expands values such as `1+2x3 _ stale {{…}}`; of what cannot be read, all that a script could look at is unsupported.
pub(crate) fn cells(text: &str) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let mut times = 0;
        let mut step = 0.0;
        let first;
        if let Some(after) = rest.strip_prefix("{{") {
            first = Cell::Unsupported;
            rest = after_histogram(after);
            if let Some(after) = rest.strip_prefix("+{{").or_else(|| rest.strip_prefix("-{{")) {
                rest = after_histogram(after);
            }
        } else if let Some(after) = rest.strip_prefix('_') {
            (first, rest) = (Cell::Nothing, after);
        } else if let Some(after) = rest.strip_prefix("stale") {
            (first, rest) = (Cell::Value(stale()), after);
        } else {
            let Some((value, after)) = number(rest) else { return vec![Cell::Unsupported; 1000] };
            (first, rest) = (Cell::Value(value), after);
            if rest.starts_with(['+', '-']) {
                let Some((by, after)) = number(rest) else { return vec![Cell::Unsupported; 1000] };
                (step, rest) = (by, after);
            }
        }
        if let Some(after) = rest.strip_prefix('x') {
            let end = after.find(char::is_whitespace).unwrap_or(after.len());
            let Ok(count) = after[..end].parse::<usize>() else { return vec![Cell::Unsupported; 1000] };
            times = count;
            rest = &after[end..];
            // A gap is repeated as often as it says, a value once more.
            times = times.saturating_sub(usize::from(matches!(first, Cell::Nothing)));
        }
        let mut value = first;
        cells.push(value);
        for _ in 0..times {
            if let Cell::Value(value) = &mut value {
                *value += step;
            }
            cells.push(value);
        }
        if !(rest.is_empty() || rest.starts_with(char::is_whitespace)) {
            return vec![Cell::Unsupported; 1000];
        }
        rest = rest.trim_start();
    }
    cells
}

fn after_histogram(text: &str) -> &str {
    text.split_once("}}").unwrap_or_else(|| panic!("no end: {text}")).1
}

/// Reads a number and returns what follows it; `x` ends one, so there is no hexadecimal.
fn number(text: &str) -> Option<(f64, &str)> {
    let bytes = text.as_bytes();
    let mut end = usize::from(text.starts_with(['+', '-']));
    let word = text[end..].get(..3).filter(|word| word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("nan"));
    if word.is_some() {
        end += 3;
    } else {
        while let Some(byte) = bytes.get(end) {
            let is_sign_of_exponent = matches!(byte, b'+' | b'-') && matches!(bytes[end - 1], b'e' | b'E');
            if !(byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E') || is_sign_of_exponent) {
                break;
            }
            end += 1;
        }
    }
    Some((text[..end].parse().ok()?, &text[end..]))
}
