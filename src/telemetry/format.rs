//! How a log line looks: JSON for machines, text for people.

use std::fmt;
use std::str::FromStr;

/// The look of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum LogFormat {
    /// One JSON object a line: `json`.
    Json,
    /// One JSON object a line, by the names of the Elastic Common Schema (`@timestamp`, `log.level`, `trace.id`):
    /// `ecs`.
    Ecs,
    /// One line of text with target, file and line: `human`, the default.
    #[default]
    Human,
}

impl LogFormat {
    /// What `RUST_LOG_FORMAT` may say.
    pub const ACCEPTED: &'static str = "json, ecs, human";
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "json",
            Self::Ecs => "ecs",
            Self::Human => "human",
        })
    }
}

impl FromStr for LogFormat {
    type Err = UnknownFormat;

    /// Reads `json`, `ecs` or `human`, in upper or lower case.
    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        [Self::Json, Self::Ecs, Self::Human]
            .into_iter()
            .find(|format| format.to_string().eq_ignore_ascii_case(text))
            .ok_or(UnknownFormat)
    }
}

/// Says that a text names no log format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown log format; accepted: {}", LogFormat::ACCEPTED)]
pub struct UnknownFormat;
