//! What tells one log format from the other.

use std::fmt::Debug;

use tracing::Event;

use super::fields::Masks;
use super::trail::Trail;
use crate::service::ServiceInfo;

/// A log format: how keys, values, spans and whole lines are written.
pub(super) trait Style: Send + Sync + 'static {
    /// Stands before the timestamp.
    const LINE_START: &'static str;
    /// Stands between two pairs.
    const SEPARATOR: char;
    /// Stands between a key and its value.
    const ASSIGN: char;
    /// Whether the message stands in quotes.
    const QUOTED_MESSAGE: bool;
    /// Keys that a span's fields may not have, because they are written beside them.
    const OWN_SPAN_KEYS: &'static [&'static str];
    /// The key that a field with such a name gets instead.
    const OTHER_SPAN_KEY: &'static str;

    /// Writes a key.
    fn key(out: &mut String, name: &str);
    /// Writes a text as a value.
    fn text(out: &mut String, text: &str);
    /// Writes a floating-point number as a value.
    fn float(out: &mut String, value: f64);
    /// Writes what a value prints as a value.
    fn debug(out: &mut String, value: &dyn Debug);

    /// Adds a span to the text of the enclosing ones; tells where the span and where its fields begin.
    fn span(trail: &mut String, name: &str, fields: &str) -> (usize, usize);
    /// Writes a line behind its timestamp, without its line break.
    fn line(out: &mut String, event: &Event<'_>, trail: &Trail, masks: &mut Masks<'_>, constants: &str);
    /// Writes what every line says of the service.
    fn constants(_service: &ServiceInfo) -> String {
        String::new()
    }
    /// Writes a line about the log itself behind its timestamp, without its line break.
    fn notice(out: &mut String, message: &str, numbers: &[(&str, u64)]);
}
