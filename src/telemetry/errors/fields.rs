//! Fields of events and spans, as far as a report takes them: bounded, with secret ones masked.

use std::error::Error;
use std::fmt::{self, Debug, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use sentry::protocol::{Map, Value};
use tracing::field::{Field, Visit};

use crate::sanitise::{is_secret_name, truncate};
use crate::telemetry::mask::Masking;

/// The longest text of one field, in bytes.
const MOST_TEXT: usize = 1024;

/// The longest text of a message or an error, in bytes.
pub(super) const MOST_MESSAGE: usize = 8 * 1024;

/// How many fields are taken, and how many errors of a chain.
const MOST_FIELDS: usize = 32;
const MOST_ERRORS: usize = 8;

/// What an event says.
pub(super) struct Fields<'a> {
    /// What the app wants masked besides.
    masking: Option<&'a Masking>,
    pub(super) message: String,
    pub(super) values: Map<String, Value>,
    /// The error that was given as a field, and its sources: kind and text of each.
    pub(super) errors: Vec<(String, String)>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(masking: Option<&'a Masking>) -> Self {
        Self { masking, message: String::new(), values: Map::new(), errors: Vec::new() }
    }

    fn is_secret(&self, name: &str) -> bool {
        is_secret_name(name) || self.masking.is_some_and(|masking| masking.masks(name))
    }

    fn insert(&mut self, field: &Field, value: impl FnOnce() -> Value) {
        if self.values.len() >= MOST_FIELDS {
            return;
        }
        let value = if self.is_secret(field.name()) { Value::from("***") } else { value() };
        self.values.insert(field.name().to_owned(), value);
    }

    /// Returns roughly how many bytes it takes.
    pub(super) fn weight(&self) -> usize {
        let of = |value: &Value| 64 + value.as_str().map_or(0, str::len);
        let errors: usize = self.errors.iter().map(|(kind, text)| 64 + kind.len() + text.len()).sum();
        self.message.len() + self.values.iter().map(|(name, value)| name.len() + of(value)).sum::<usize>() + errors
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, || Value::from(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, || Value::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, || Value::from(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, || Value::from(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            truncate(value, MOST_MESSAGE).clone_into(&mut self.message);
        } else {
            self.insert(field, || Value::from(truncate(value, MOST_TEXT)));
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        if self.is_secret(field.name()) {
            return;
        }
        let mut next = Some(value);
        while let Some(error) = next.filter(|_| self.errors.len() < MOST_ERRORS) {
            self.errors.push((kind(error), text(&format_args!("{error}"), MOST_MESSAGE)));
            next = error.source();
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.message = text(value, MOST_MESSAGE);
        } else {
            self.insert(field, || Value::from(text(value, MOST_TEXT)));
        }
    }
}

/// What a request's span says of the request.
#[derive(Default, Clone)]
pub(super) struct RequestFields {
    pub(super) method: Option<String>,
    pub(super) route: Option<String>,
    pub(super) id: Option<String>,
    pub(super) trace: Option<String>,
}

impl RequestFields {
    fn place(&mut self, field: &Field) -> Option<&mut Option<String>> {
        Some(match field.name() {
            "method" | "http.request.method" => &mut self.method,
            "path" | "http.route" => &mut self.route,
            "request_id" => &mut self.id,
            "trace_id" => &mut self.trace,
            _ => return None,
        })
    }

    /// Takes what was recorded later.
    pub(super) fn merge(&mut self, later: Self) {
        self.method = later.method.or(self.method.take());
        self.route = later.route.or(self.route.take());
        self.id = later.id.or(self.id.take());
        self.trace = later.trace.or(self.trace.take());
    }
}

impl Visit for RequestFields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if let Some(place) = self.place(field) {
            *place = Some(text(value, MOST_TEXT));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if let Some(place) = self.place(field) {
            *place = Some(truncate(value, MOST_TEXT).to_owned());
        }
    }
}

/// Returns an error's type, as far as its `Debug` begins with it.
fn kind(error: &dyn Error) -> String {
    let debug = text(&error, 64);
    let end = debug.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(debug.len());
    let kind = &debug[..end];
    if kind.starts_with(char::is_uppercase) { kind.to_owned() } else { "Error".to_owned() }
}

/// Writes a value's text, and no more of it than so many bytes.
pub(super) fn text(value: &dyn Debug, most: usize) -> String {
    let mut text = Bounded { text: String::new(), most };
    // An error says only that there was more. A value that panics costs its own text alone.
    if catch_unwind(AssertUnwindSafe(|| write!(text, "{value:?}"))).is_err() {
        text.text.push_str("(it panicked)");
    }
    text.text
}

struct Bounded {
    text: String,
    most: usize,
}

impl Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = self.most - self.text.len();
        let fits = truncate(more, room);
        self.text.push_str(fits);
        if fits.len() < more.len() { Err(fmt::Error) } else { Ok(()) }
    }
}
