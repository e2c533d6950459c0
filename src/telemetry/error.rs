//! What can be wrong when telemetry is set up.

use std::fmt;

use super::LogFormat;
use crate::environment::NotUnicode;
use crate::sanitise::truncate;

/// The longest part of a bad value that an error quotes, in bytes.
const QUOTED_BYTES: usize = 128;

/// Says why telemetry could not be set up, in one line that names the variable or the option and what it accepts.
///
/// `Debug` prints the same line as `Display`, since a `main` that returns an error prints that.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// A log filter cannot be read.
    #[error(
        "{setting} is {}, which is no log filter: {reason}; accepted: error, warn, info, debug, trace, off, and \
         target=level, separated by commas (such as info,my_app=debug)",
        quoted(value)
    )]
    Filter {
        /// The variable (`RUST_LOG`) or the option (`filter`).
        setting: &'static str,
        /// What it was set to.
        value: String,
        /// The part that cannot be read, and why.
        reason: String,
    },
    /// A log format is unknown.
    #[error("{setting} is {}, which is no log format; accepted: {}", quoted(value), LogFormat::ACCEPTED)]
    Format {
        /// The variable (`RUST_LOG_FORMAT`).
        setting: &'static str,
        /// What it was set to.
        value: String,
    },
    /// Where error reports go to cannot be read. What was set is not repeated, since it holds a key.
    #[error("{setting} is no DSN; accepted: https://key@host/project")]
    Dsn {
        /// The variable (`SENTRY_DSN`, `GLITCHTIP_DSN`) or the option (`sentry_dsn`).
        setting: &'static str,
    },
    /// Two variables say where error reports go, and do not agree.
    #[error("SENTRY_DSN and GLITCHTIP_DSN are both set and differ; leave one of them out")]
    TwoDsns,
    /// A share is none.
    #[error("{setting} is {}, which is no share; accepted: 0 to 1", quoted(value))]
    SampleRate {
        /// The variable (`SENTRY_TRACES_SAMPLE_RATE`) or the option (`sentry_traces_sample_rate`).
        setting: &'static str,
        /// What it was set to.
        value: String,
    },
    /// The name of an environment or a release is none.
    #[error(
        "{setting} is {}, which is no name; accepted: 1 to {most} bytes, without slashes, line breaks or tabs",
        quoted(value)
    )]
    Name {
        /// The variable (`ENVIRONMENT`) or the option (`deployment_environment`, `release`).
        setting: &'static str,
        /// What it was set to.
        value: String,
        /// How many bytes it may have.
        most: usize,
    },
    /// A variable is not Unicode text.
    #[error(transparent)]
    NotUnicode(#[from] NotUnicode),
    /// A variable about traces cannot be used.
    #[cfg(feature = "otlp")]
    #[error(transparent)]
    Otlp(#[from] super::OtlpError),
    /// The process has a tracing subscriber already, from an earlier call or from another crate; that one stays.
    #[error("logging is already set up in this process; the first set-up stays")]
    AlreadyInitialised,
}

impl fmt::Debug for TelemetryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn quoted(value: &str) -> String {
    format!("{:?}", truncate(value, QUOTED_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_the_same_from_main() {
        let error = TelemetryError::Format { setting: "RUST_LOG_FORMAT", value: "xml\n".into() };
        assert_eq!(
            format!("{error:?}"),
            r#"RUST_LOG_FORMAT is "xml\n", which is no log format; accepted: json, ecs, human"#
        );
    }
}
