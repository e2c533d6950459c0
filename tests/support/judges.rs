//! Programs of others that judge a text: promtool, prometheus_client's parsers, jq.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread;

use serde::Deserialize;
use serde_json::Value;

use super::process::program;

/// The forms in which metrics are exposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' own text, version 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

/// A scrape, as prometheus_client reads it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scrape {
    /// All families, by name.
    pub families: BTreeMap<String, Family>,
    /// All samples; equal scrapes have equal lists, whatever their order was.
    pub samples: Vec<ScrapedSample>,
}

/// What a scrape says of a metric.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    #[serde(rename = "type")]
    pub kind: String,
    pub help: String,
    pub unit: String,
}

/// One line of a scrape.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScrapedSample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    /// As Python writes the number, so that NaN and infinities compare.
    pub value: String,
    pub exemplar: Option<Exemplar>,
}

/// What an exemplar says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exemplar {
    pub labels: BTreeMap<String, String>,
    pub value: String,
    pub timestamp: Option<f64>,
}

/// Fails unless `promtool check metrics` accepts a scrape in Prometheus' text format without a word.
#[track_caller]
pub fn assert_promtool_has_no_complaint(scrape: &str) {
    let output = feed(program("promtool", "prometheus").args(["check", "metrics"]), scrape);
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.is_empty(), "promtool check metrics: {}\n{said}", output.status);
}

/// Reads a scrape with the parser that prometheus_client has for the format.
#[track_caller]
pub fn parse_scrape(format: Format, scrape: &str) -> Scrape {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/parse_scrape.py");
    let format = if format == Format::Text { "text" } else { "openmetrics" };
    let output = feed(Command::new(python()).args([script, format]), scrape);
    assert!(output.status.success(), "{format}: {}\n{scrape}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("parse_scrape.py writes a Scrape")
}

/// Reads many scrapes in one process; each is answered by what was understood, or by what was wrong with it.
#[track_caller]
pub fn parse_scrapes<'a>(scrapes: impl IntoIterator<Item = (Format, &'a str)>) -> Vec<Result<Scrape, String>> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Answer {
        Wrong { error: String },
        Read(Scrape),
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/parse_scrape.py");
    let mut asked = String::new();
    let mut count = 0;
    for (format, scrape) in scrapes {
        let format = if format == Format::Text { "text" } else { "openmetrics" };
        asked += &serde_json::json!({"format": format, "scrape": scrape}).to_string();
        asked.push('\n');
        count += 1;
    }
    let output = feed(Command::new(python()).args([script, "batch"]), &asked);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers = String::from_utf8(output.stdout).expect("Python writes ASCII");
    let answers: Vec<_> = answers
        .lines()
        .map(|line| match serde_json::from_str(line).expect("parse_scrape.py writes a Scrape or an error") {
            Answer::Wrong { error } => Err(error),
            Answer::Read(scrape) => Ok(scrape),
        })
        .collect();
    assert_eq!(answers.len(), count);
    answers
}

/// Runs a jq filter over a text of JSON values; each result is a value of its own.
#[track_caller]
pub fn jq(filter: &str, text: &str) -> Vec<Value> {
    let output = feed(program("jq", "jq").args(["--compact-output", filter]), text);
    assert!(output.status.success(), "jq {filter}: {}\n{text}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("jq writes UTF-8");
    lines.lines().map(|line| serde_json::from_str(line).expect("jq writes JSON")).collect()
}

/// The Python that has prometheus_client: `WATCHKEEPER_TEST_PYTHON`, or the one that tests/run.sh made.
#[track_caller]
pub fn python() -> PathBuf {
    if let Some(python) = std::env::var_os("WATCHKEEPER_TEST_PYTHON") {
        return python.into();
    }
    let test = std::env::current_exe().expect("a test knows where it is");
    test.ancestors()
        .map(|folder| folder.join("test-venv/bin/python"))
        .find(|python| python.is_file())
        .expect("no Python with prometheus_client: run `bash tests/run.sh`, or set WATCHKEEPER_TEST_PYTHON")
}

#[track_caller]
fn feed(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let mut stdin = child.stdin.take().expect("piped");
    // Written by a thread of its own: a program may fill its output before it has read all of its input.
    thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input.as_bytes()));
        child.wait_with_output().expect("a child can be waited for")
    })
}
