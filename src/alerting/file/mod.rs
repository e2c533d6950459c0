//! Prometheus' rule files, as they are.

mod duration;
mod reader;
mod tree;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

pub(crate) use duration::parse_duration;

use super::rule::Rule;
use tree::Place;

/// The largest rule file, in bytes.
pub const MAX_RULE_FILE_BYTES: usize = 1024 * 1024;

/// The most rules that a file may have.
pub const MAX_FILE_RULES: usize = 10_000;

/// Says what is wrong with a rule file, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}line {line}, column {column}: {reason}", self.file_and_colon())]
#[non_exhaustive]
pub struct RuleFileError {
    /// The file; none where the rules are text of the app's own.
    pub file: Option<PathBuf>,
    /// The line, from 1; 0 where it is about the file as a whole.
    pub line: usize,
    /// The column, from 1; 0 where it is about the file as a whole. Within an expression or a template, the reason names
    /// the position.
    pub column: usize,
    /// What is wrong.
    pub reason: String,
}

impl RuleFileError {
    fn at(place: Place, reason: impl Into<String>) -> Self {
        Self { file: None, line: place.line, column: place.column, reason: reason.into() }
    }

    fn of(file: &Path, reason: impl Into<String>) -> Self {
        Self { file: Some(file.to_owned()), line: 0, column: 0, reason: reason.into() }
    }

    fn file_and_colon(&self) -> String {
        self.file.as_ref().map_or_else(String::new, |file| format!("{}: ", file.display()))
    }
}

/// The rules of a Prometheus rule file: groups that are evaluated rule by rule at an interval.
///
/// What Prometheus reads is read: `groups` with `name`, `interval`, `limit`, `query_offset`, `labels` and `rules`; rules
/// with `alert` or `record`, `expr`, `for`, `keep_firing_for`, `labels` and `annotations`. What it refuses is refused, with
/// line and column; so is an expression or a template that cannot be evaluated here.
///
/// ```
/// use watchkeeper::alerting::RuleFile;
///
/// let file: RuleFile = "
/// groups:
/// - name: shop
///   rules:
///   - alert: ManyOrphans
///     expr: orphans > 5
///     for: 10m
///     labels: {severity: warning}
///     annotations: {summary: '{{ $value }} orphans on {{ $labels.instance }}'}
/// ".parse()?;
/// assert_eq!(file.groups[0].rules.len(), 1);
/// # Ok::<(), watchkeeper::alerting::RuleFileError>(())
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RuleFile {
    /// The groups, in their order.
    pub groups: Vec<RuleGroup>,
}

/// Rules that are evaluated one after the other, at an interval of their own.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RuleGroup {
    /// Its name.
    pub name: String,
    /// How often it is evaluated; where it does not say, as often as the evaluator does by default.
    pub interval: Option<Duration>,
    /// How far in the past its expressions are evaluated.
    pub query_offset: Duration,
    /// The rules, in their order: one may use what another before it has recorded.
    pub rules: Vec<Rule>,
}

impl std::str::FromStr for RuleFile {
    type Err = RuleFileError;

    fn from_str(text: &str) -> Result<Self, RuleFileError> {
        reader::read(text)
    }
}

impl RuleFile {
    /// Reads a file, or every `.yml`, `.yaml` and `.rules` file of a folder, in the order of their names.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or something in it is wrong; with the file's name.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, RuleFileError> {
        let path = path.as_ref();
        let failed =
            |file: &Path, error: &std::io::Error| RuleFileError::of(file, format!("it cannot be read: {error}"));
        let mut files = vec![path.to_owned()];
        if path.is_dir() {
            let entries = std::fs::read_dir(path).map_err(|error| failed(path, &error))?;
            let found: Result<Vec<_>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
            files = found.map_err(|error| failed(path, &error))?;
            files.retain(|file| {
                file.extension().and_then(|end| end.to_str()).is_some_and(|end| matches!(end, "yml" | "yaml" | "rules"))
            });
            files.sort();
        }
        let mut all = Self::default();
        for file in files {
            let size = std::fs::metadata(&file).map_err(|error| failed(&file, &error))?.len();
            if size > MAX_RULE_FILE_BYTES as u64 {
                return Err(RuleFileError::of(&file, format!("it has more than {MAX_RULE_FILE_BYTES} bytes")));
            }
            let text = std::fs::read_to_string(&file).map_err(|error| failed(&file, &error))?;
            let read: Self = text.parse().map_err(|error| RuleFileError { file: Some(file), ..error })?;
            all.groups.extend(read.groups);
        }
        Ok(all)
    }
}

/// Labels and annotations as they stand in a file.
type Texts = BTreeMap<String, String>;
