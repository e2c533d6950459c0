//! What can be wrong with the settings of traces.

use std::fmt;

use crate::environment::NotUnicode;

/// Says which variable cannot be used and what it accepts. The value is not quoted: it may be a credential.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OtlpError {
    /// A variable has a value that is not accepted.
    #[error("{variable} {problem}; accepted: {accepted}")]
    Setting {
        /// The variable.
        variable: &'static str,
        /// What is wrong with it.
        problem: &'static str,
        /// What it accepts.
        accepted: &'static str,
    },
    /// A variable is not Unicode text.
    #[error(transparent)]
    NotUnicode(#[from] NotUnicode),
    /// The thread that sends spans could not be started.
    #[error("the thread that sends spans cannot be started: {0}")]
    Thread(std::io::ErrorKind),
}

impl fmt::Debug for OtlpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
