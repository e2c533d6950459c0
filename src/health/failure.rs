//! The cause of a failed check: an error's texts, without what is secret in them.

use std::error::Error;
use std::fmt::{self, Write};
use std::time::Duration;

use crate::sanitise::{is_control, redact, truncate};

/// The longest cause, in bytes; a longer one is cut.
const MOST_BYTES: usize = 512;
/// How much of an error's text is read, in bytes: masking makes it shorter.
const MOST_READ: usize = 64 * 1024;
/// How many sources of an error are asked.
const MOST_SOURCES: usize = 16;

/// Says why a check failed, fit to be shown to an operator.
///
/// Made from any error: its text and the texts of its sources, with credentials masked
/// ([`redact`]) and at most 512 bytes. Of the sources the first 16 are asked.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure {
    cause: String,
}

impl Failure {
    /// Says why in words, which are masked and cut as an error's are.
    pub fn new(cause: &str) -> Self {
        Self { cause: one_line(&redact(cause, MOST_BYTES)) }
    }

    /// Takes an error and its sources.
    pub fn of(error: &dyn Error) -> Self {
        let mut cause = text_of(error);
        let mut source = error.source();
        // An error that is its own source would go on for ever.
        for _ in 0..MOST_SOURCES {
            let Some(error) = source.filter(|_| cause.len() < MOST_READ) else { break };
            let text = text_of(error);
            // Many errors print their source themselves.
            if !cause.ends_with(&text) {
                cause.push_str(": ");
                cause.push_str(&text);
            }
            source = error.source();
        }
        Self::new(&cause)
    }

    pub(super) fn timeout(limit: Duration) -> Self {
        Self::new(&format!("no answer within {limit:?}"))
    }

    /// Returns the cause.
    pub fn cause(&self) -> &str {
        &self.cause
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::of(&*error.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Failure").field(&self.cause).finish()
    }
}

/// Returns an error's text, as much of it as is read.
fn text_of(error: &dyn Error) -> String {
    let mut text = Limited(String::new());
    // What is full refuses the rest, so that a text without end has one.
    let _ = write!(text, "{error}");
    text.0
}

/// A text of at most [`MOST_READ`] bytes.
struct Limited(String);

impl Write for Limited {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let taken = truncate(more, MOST_READ - self.0.len());
        self.0.push_str(taken);
        if taken.len() < more.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

fn one_line(text: &str) -> String {
    let clean: String = text.chars().map(|c| if is_control(c) { '\u{FFFD}' } else { c }).collect();
    truncate(&clean, MOST_BYTES).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot reach the bank")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn a_cause_is_the_error_and_its_sources_once_each() {
        let failure = Failure::from(Outer(std::io::Error::other("refused by postgres://ada:s3cret@db/shop")));
        assert_eq!(failure.cause(), "cannot reach the bank: refused by postgres://***@db/shop");
        assert_eq!(Failure::from("plain").cause(), "plain");
    }

    /// An error that is its own source, and whose text has no end.
    #[derive(Debug)]
    struct Endless {
        text: bool,
    }

    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("again")?;
            while self.text {
                f.write_str(" and again")?;
            }
            Ok(())
        }
    }

    impl Error for Endless {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            static SELF: Endless = Endless { text: false };
            Some(&SELF)
        }
    }

    #[test]
    fn an_error_without_end_has_a_cause_all_the_same() {
        assert_eq!(Failure::of(&Endless { text: false }).cause(), "again");
        assert_eq!(Failure::of(&Endless { text: true }).cause().len(), MOST_BYTES);
    }

    #[test]
    fn a_cause_is_short_and_one_line() {
        let failure = Failure::new(&format!("a\nb{}", "x".repeat(10_000)));
        assert!(failure.cause().len() <= MOST_BYTES);
        assert!(failure.cause().starts_with("a\u{FFFD}b"));
    }
}
