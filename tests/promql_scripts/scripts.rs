//! Runs Prometheus' own scripts; with `WATCHKEEPER_TEST_PROMQL_REFUSED` set, what was refused is listed.

use std::fs;
use std::path::{Path, PathBuf};

use watchkeeper::promql::engine::{Engine, EvaluationError, Limits, Query, QueryError, SourceError, Value};

use super::script::{Command, Evaluation, Expected, Time, read};
use super::stored::Stored;

/// What became of one evaluation.
enum Outcome {
    Passed,
    /// It needs what we say we do not have.
    Refused(String),
    Failed(String),
}

#[test]
fn every_evaluation_of_prometheus_own_scripts_gives_what_prometheus_gives_or_is_refused_as_unsupported() {
    let folder = std::env::var_os("WATCHKEEPER_TEST_PROMQL")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/promql"), PathBuf::from);
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("no PromQL scripts at {}: nothing is tried", folder.display());
        return;
    };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "test"));
    files.sort();
    assert!(!files.is_empty(), "no scripts in {}", folder.display());
    let (mut refused, mut failures) = (Vec::new(), Vec::new());
    let mut all = [0; 3];
    println!("{:<28} {:>7} {:>8} {:>7}", "file", "passed", "refused", "failed");
    for file in files {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let counts = run(&name, &fs::read_to_string(&file).expect("a script"), &mut refused, &mut failures);
        println!("{name:<28} {:>7} {:>8} {:>7}", counts[0], counts[1], counts[2]);
        all.iter_mut().zip(counts).for_each(|(all, count)| *all += count);
    }
    println!("{:<28} {:>7} {:>8} {:>7}", "all", all[0], all[1], all[2]);
    if std::env::var_os("WATCHKEEPER_TEST_PROMQL_REFUSED").is_some() {
        println!("{}", refused.join("\n"));
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// Runs a script; returns how many passed, were refused and failed.
fn run(name: &str, text: &str, refused: &mut Vec<String>, failures: &mut Vec<String>) -> [usize; 3] {
    let mut stored = Stored::default();
    let mut counts = [0; 3];
    for command in read(text) {
        match command {
            Command::Clear => stored.clear(),
            Command::Load { step, series, native_twins } => {
                for (labels, cells) in &series {
                    stored.load(labels, cells, step);
                    if native_twins {
                        stored.load_native_twin(labels, cells, step);
                    }
                }
            }
            Command::Evaluate(evaluation) => match evaluate(&evaluation, &stored) {
                Outcome::Passed => counts[0] += 1,
                Outcome::Refused(reason) => {
                    counts[1] += 1;
                    refused.push(format!("{name}:{}: {}: {reason}", evaluation.line, evaluation.expression));
                }
                Outcome::Failed(reason) => {
                    counts[2] += 1;
                    failures.push(format!("{name}:{}: {}\n        {reason}", evaluation.line, evaluation.expression));
                }
            },
        }
    }
    counts
}

fn evaluate(evaluation: &Evaluation, stored: &Stored) -> Outcome {
    let query = match Query::parse(&evaluation.expression) {
        Ok(query) => query,
        Err(QueryError::Unsupported { name, .. }) => return Outcome::Refused(name),
        Err(_) if matches!(evaluation.expected, Expected::Failure) => return Outcome::Passed,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    let engine = Engine::new(Limits::default());
    let result = match evaluation.time {
        Time::Instant(at) => engine.instant(&query, stored, at),
        Time::Range { start, end, step } => engine.range(&query, stored, start, end, step),
    };
    if let Some(refused) = judge(&result) {
        return refused;
    }
    let compared = match result {
        Err(_) if matches!(evaluation.expected, Expected::Failure) => return Outcome::Passed,
        Err(error) => Err(error.to_string()),
        Ok(result) => evaluation.compare(&result).and_then(|()| as_range(evaluation, &query, &engine, stored)),
    };
    compared.map_or_else(Outcome::Failed, |()| Outcome::Passed)
}

fn judge(result: &Result<Value, EvaluationError>) -> Option<Outcome> {
    match result {
        Err(error @ EvaluationError::Source(SourceError::NativeHistogram { .. })) => {
            Some(Outcome::Refused(error.to_string()))
        }
        _ => None,
    }
}

/// An instant evaluation must give the same as the middle step of a range around it, as Prometheus tries it too.
fn as_range(evaluation: &Evaluation, query: &Query, engine: &Engine, stored: &Stored) -> Result<(), String> {
    let Time::Instant(at) = evaluation.time else { return Ok(()) };
    let of_the_range = ["@", "start()", "end()", "range()", "step()"].iter().any(|part| query.text().contains(part));
    if !matches!(evaluation.expected, Expected::Series(_) | Expected::Scalar(_)) || of_the_range {
        return Ok(());
    }
    match engine.range(query, stored, at - 60_000, at + 60_000, 60_000) {
        Err(EvaluationError::Source(SourceError::NativeHistogram { .. })) => Ok(()),
        Err(error) => Err(format!("as a range: {error}")),
        Ok(result) => evaluation.compare_step(&result, at).map_err(|reason| format!("as a range: {reason}")),
    }
}
