//! The fields of a `tracing` span or event, taken over as attributes.

use std::error::Error;
use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};

use super::attribute::{Attributes, LONGEST, Value};
use super::span::{Kind, Status};
use crate::sanitise::{is_secret_name, redact, truncate};

/// The most sources of an error that are written.
const MOST_SOURCES: usize = 16;

/// What fields come to, without what looks like a secret. Some names mean something to whoever exports spans, as elsewhere in the `tracing` world.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) attributes: Attributes,
    /// `message`.
    pub(super) message: Option<String>,
    /// `otel.name`.
    pub(super) name: Option<String>,
    /// `otel.kind`.
    pub(super) kind: Option<Kind>,
    /// `otel.status_code`.
    pub(super) status: Option<Status>,
    /// `otel.status_description` or `otel.status_message`.
    pub(super) description: Option<String>,
}

impl Fields {
    fn text(&mut self, field: &Field, text: &str) {
        let text = || redact(text, LONGEST);
        match name_of(field) {
            name if is_secret_name(name) => self.attributes.set(name, Value::text("***")),
            "message" => self.message = Some(text()),
            "otel.name" => self.name = Some(text()),
            "otel.kind" => self.kind = Kind::named(&text()),
            "otel.status_code" => self.status = Status::named(&text()),
            "otel.status_description" | "otel.status_message" => self.description = Some(text()),
            name => self.attributes.set(name, Value::Text(text().into())),
        }
    }

    fn value(&mut self, field: &Field, value: Value) {
        let name = name_of(field);
        // A password may be a number.
        let value = if is_secret_name(name) { Value::text("***") } else { value };
        self.attributes.set(name, value);
    }
}

fn name_of(field: &Field) -> &'static str {
    field.name().strip_prefix("r#").unwrap_or(field.name())
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.value(field, Value::Double(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.value(field, Value::Int(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            // The protocol has no other numbers.
            Err(_) => self.text(field, &value.to_string()),
        }
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.text(field, &value.to_string()),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.text(field, &value.to_string()),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.value(field, Value::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = Bounded::default();
        let _ = write!(text, "{value}");
        let mut source = value.source();
        for _ in 0..MOST_SOURCES {
            let Some(error) = source else { break };
            let _ = write!(text, ": {error}");
            source = error.source();
        }
        self.text(field, &text.0);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = Bounded::default();
        let _ = write!(text, "{value:?}");
        self.text(field, &text.0);
    }
}

/// Text that takes no more than an attribute holds, whatever is printed into it.
#[derive(Default)]
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = LONGEST.saturating_sub(self.0.len());
        self.0.push_str(truncate(text, room));
        // An error ends the printing.
        if text.len() > room { Err(fmt::Error) } else { Ok(()) }
    }
}
