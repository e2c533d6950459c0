//! A script: commands, one after the other.

use watchkeeper::promql::engine::LabelSet;

use super::notation::{Cell, cells, duration, labels, quoted};

/// A command of a script.
#[derive(Debug)]
pub(crate) enum Command {
    Clear,
    /// Lines of series, a step in milliseconds, and whether classic histograms are native ones too.
    Load {
        step: i64,
        series: Vec<(LabelSet, Vec<Cell>)>,
        native_twins: bool,
    },
    Evaluate(Evaluation),
}

/// An evaluation and what must come of it.
#[derive(Debug)]
pub(crate) struct Evaluation {
    pub(crate) line: usize,
    pub(crate) expression: String,
    pub(crate) time: Time,
    pub(crate) ordered: bool,
    pub(crate) expected: Expected,
}

/// When it is evaluated, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Time {
    Instant(i64),
    Range { start: i64, end: i64, step: i64 },
}

/// What must come of an evaluation.
#[derive(Debug)]
pub(crate) enum Expected {
    Failure,
    Scalar(f64),
    String(String),
    /// Values of series at the steps of the evaluation.
    Series(Vec<(LabelSet, Vec<Cell>)>),
    /// Points of series, from a time on, a step apart.
    Points {
        start: i64,
        step: i64,
        series: Vec<(LabelSet, Vec<Cell>)>,
    },
}

/// Reads a script.
pub(crate) fn read(text: &str) -> Vec<Command> {
    let mut commands = Vec::new();
    let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim())).peekable();
    while let Some((number, line)) = lines.next() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut body = Vec::new();
        // What belongs to a command ends at an empty line.
        while let Some((_, line)) = lines.next_if(|(_, line)| !line.is_empty() && !is_command(line)) {
            if !line.starts_with('#') {
                body.push(line);
            }
        }
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        commands.push(match word {
            "clear" => Command::Clear,
            "load" | "load_with_nhcb" => Command::Load {
                step: duration(rest.trim()),
                series: body.iter().map(|line| series(line)).collect(),
                native_twins: word != "load",
            },
            _ if word.starts_with("eval") => Command::Evaluate(evaluation(number, word, rest.trim(), &body)),
            _ => panic!("line {number}: what is `{word}`?"),
        });
    }
    commands
}

fn is_command(line: &str) -> bool {
    let word = line.split_whitespace().next().unwrap_or_default();
    word == "clear" || word == "load" || word == "load_with_nhcb" || word.starts_with("eval")
}

fn series(line: &str) -> (LabelSet, Vec<Cell>) {
    let (labels, values) = labels(line);
    (labels, cells(values))
}

fn evaluation(line: usize, word: &str, rest: &str, body: &[&str]) -> Evaluation {
    let mut words = rest;
    let mut next = || {
        let (word, after) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
        words = after.trim_start();
        word
    };
    let time = match next() {
        "instant" => {
            assert_eq!(next(), "at", "line {line}");
            Time::Instant(duration(next()))
        }
        "range" => {
            let [_, start, _, end, _, step] = [next(), next(), next(), next(), next(), next()];
            Time::Range { start: duration(start), end: duration(end), step: duration(step) }
        }
        other => panic!("line {line}: what is `{other}`?"),
    };
    let expression = words.to_owned();
    let mut ordered = word == "eval_ordered";
    let mut expected = if word == "eval_fail" { Expected::Failure } else { Expected::Series(Vec::new()) };
    for text in body {
        if let Some(expectation) = text.strip_prefix("expect ") {
            let words: Vec<&str> = expectation.split_whitespace().collect();
            match words.as_slice() {
                ["fail", ..] => expected = Expected::Failure,
                ["ordered"] => ordered = true,
                ["string", ..] => expected = Expected::String(quoted(expectation["string".len()..].trim()).0),
                ["range", "vector", "from", start, "to", _, "step", step] => {
                    expected = Expected::Points { start: duration(start), step: duration(step), series: Vec::new() };
                }
                // Annotations are not given.
                ["warn" | "no_warn" | "info" | "no_info", ..] => {}
                _ => panic!("line {line}: what is `{text}`?"),
            }
        } else if text.starts_with("expected_fail") {
            expected = Expected::Failure;
        } else if let (Expected::Series(found), Ok(number)) = (&expected, text.parse::<f64>()) {
            assert!(found.is_empty(), "line {line}");
            expected = Expected::Scalar(number);
        } else {
            match &mut expected {
                Expected::Series(found) | Expected::Points { series: found, .. } => found.push(series(text)),
                other => panic!("line {line}: {other:?}, and then `{text}`?"),
            }
        }
    }
    Evaluation { line, expression, time, ordered, expected }
}
