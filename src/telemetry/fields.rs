//! Fields on their way into a line: each key once, the later value wins.

use std::error::Error;
use std::fmt::{Debug, Write};
use std::marker::PhantomData;

use tracing::field::{Field, FieldSet, Visit};

use super::escape::{escape, escape_debug, print};
use super::flat::{self, Ids};
use super::mask::{MASK, Masking};
use super::names::Names;
use super::style::Style;
use crate::sanitise::redact;

/// The most sources of an error that are written.
const MAX_SOURCES: usize = 16;

/// Whose fields are being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// An event; its message stands elsewhere in the line.
    Event,
    /// A span; its name stands beside its fields.
    Span,
}

/// Which fields are masked, and what the thread remembers of their names.
pub(super) struct Masks<'a> {
    pub(super) masking: &'a Masking,
    pub(super) names: &'a mut Names,
    /// Whether secrets are looked for within texts too. That takes long, so it is done for warnings and errors, whose
    /// texts quote what went wrong.
    pub(super) within: bool,
}

/// The longest text that secrets are looked for in; what is longer is cut there, in bytes.
const MAX_SEARCHED: usize = 32 * 1024;

/// Appends fields to a text as they are visited.
pub(super) struct FieldWriter<'a, 'b, S> {
    out: &'a mut String,
    start: usize,
    fields: &'static FieldSet,
    /// Whether no name comes twice.
    distinct: bool,
    owner: Owner,
    ids: Ids,
    replaced: bool,
    masks: &'a mut Masks<'b>,
    style: PhantomData<S>,
}

impl<'a, 'b, S: Style> FieldWriter<'a, 'b, S> {
    pub(super) fn new(out: &'a mut String, fields: &'static FieldSet, owner: Owner, masks: &'a mut Masks<'b>) -> Self {
        let (start, distinct) = (out.len(), masks.names.are_distinct(fields));
        Self { out, start, fields, distinct, owner, ids: Ids::default(), replaced: false, masks, style: PhantomData }
    }

    /// Tells where the ids stand, counted from where the fields begin.
    pub(super) fn into_ids(self) -> Ids {
        if self.replaced { flat::find_ids::<S>(&self.out[self.start..]) } else { self.ids }
    }

    #[inline]
    fn put(&mut self, field: &Field, write: impl FnOnce(&mut String)) {
        let name = self.masks.names.get::<S>(self.masks.masking, field.name());
        if name.is_message && self.owner == Owner::Event {
            return;
        }
        let (masked, id) = (name.masked, name.id);
        if !self.distinct || name.may_clash {
            self.make_way(field);
        } else {
            if self.out.len() > self.start {
                self.out.push(S::SEPARATOR);
            }
            self.out.push_str(&name.key);
        }
        let value = self.out.len() - self.start;
        match masked {
            true => S::text(self.out, MASK),
            false => write(self.out),
        }
        if let Some(id) = id {
            self.ids[id] = Some(value..self.out.len() - self.start);
        }
    }

    /// Writes a key that may be there already, and takes out what stands there.
    #[cold]
    fn make_way(&mut self, field: &Field) {
        let name = field.name();
        let first = self.fields.field(name).is_none_or(|first| first.index() == field.index());
        let mut name = name.strip_prefix("r#").unwrap_or(name);
        let is_own = self.owner == Owner::Span && S::OWN_SPAN_KEYS.contains(&name);
        if is_own {
            name = S::OTHER_SPAN_KEY;
        }
        let mut key = String::new();
        S::key(&mut key, name);
        if is_own || !first || name == S::OTHER_SPAN_KEY {
            flat::remove::<S>(self.out, self.start, &key);
            self.replaced = true;
        }
        if self.out.len() > self.start {
            self.out.push(S::SEPARATOR);
        }
        self.out.push_str(&key);
        self.out.push(S::ASSIGN);
    }
}

impl<S: Style> Visit for FieldWriter<'_, '_, S> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, |out| S::float(out, value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, |out| out.push_str(itoa::Buffer::new().format(value)));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, |out| out.push_str(itoa::Buffer::new().format(value)));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.put(field, |out| S::text(out, itoa::Buffer::new().format(value))),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.record_u64(field, value),
            Err(_) => self.put(field, |out| S::text(out, itoa::Buffer::new().format(value))),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, |out| out.push_str(if value { "true" } else { "false" }));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let within = self.masks.within;
        self.put(field, |out| if within { S::text(out, &redact(value, MAX_SEARCHED)) } else { S::text(out, value) });
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let within = self.masks.within;
        self.put(field, |out| {
            let mut text = String::new();
            print(&mut text, |text| {
                write!(text, "{value}")?;
                let mut source = value.source();
                for _ in 0..MAX_SOURCES {
                    let Some(error) = source else { break };
                    write!(text, ": {error}")?;
                    source = error.source();
                }
                Ok(())
            });
            S::text(
                out,
                if within {
                    text = redact(&text, MAX_SEARCHED);
                    &text
                } else {
                    &text
                },
            );
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let within = self.masks.within;
        self.put(field, |out| {
            if within {
                S::text(out, &redact(&printed(value), MAX_SEARCHED));
            } else {
                S::debug(out, value);
            }
        });
    }
}

fn printed(value: &dyn Debug) -> String {
    let mut text = String::new();
    print(&mut text, |text| write!(text, "{value:?}"));
    text
}

/// Appends an event's message and passes over its other fields.
pub(super) struct MessageWriter<'a, S> {
    out: &'a mut String,
    start: usize,
    within: bool,
    style: PhantomData<S>,
}

impl<'a, S: Style> MessageWriter<'a, S> {
    pub(super) fn new(out: &'a mut String, masks: &Masks<'_>) -> Self {
        let start = out.len();
        Self { out, start, within: masks.within, style: PhantomData }
    }
}

impl<S: Style> Visit for MessageWriter<'_, S> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.out.truncate(self.start);
            if self.within {
                escape(self.out, &redact(value, MAX_SEARCHED), S::QUOTED_MESSAGE);
            } else {
                escape(self.out, value, S::QUOTED_MESSAGE);
            }
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.out.truncate(self.start);
            if self.within {
                escape(self.out, &redact(&printed(value), MAX_SEARCHED), S::QUOTED_MESSAGE);
            } else {
                escape_debug(self.out, value, S::QUOTED_MESSAGE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::super::human::Human;
    use super::super::written::{json, logged};
    use tracing::{error, info, info_span};

    #[test]
    fn an_error_shows_its_sources() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot charge")]
        struct Charge(#[source] std::io::Error);
        let value = json(|| {
            let error = Charge(std::io::Error::other("card reader is gone"));
            error!(error = &error as &(dyn std::error::Error + 'static), "x");
        });
        assert_eq!(value["fields"]["error"], "cannot charge: card reader is gone");
    }

    #[test]
    fn a_value_that_panics_while_it_is_printed_costs_its_own_text_alone() {
        struct Panics;
        impl fmt::Debug for Panics {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("so far")?;
                panic!("in Debug")
            }
        }
        impl fmt::Display for Panics {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                panic!("in Display")
            }
        }
        impl std::error::Error for Panics {}
        fn log() {
            let _span = info_span!("request", span = ?Panics).entered();
            let error: &(dyn std::error::Error + 'static) = &Panics;
            info!(a = ?Panics, b = %Panics, error, kept = 1, "said {Panics}");
        }
        let value = json(log);
        let fields = serde_json::json!({ "a": "so far(it panicked)", "b": "(it panicked)", "error": "(it panicked)", "kept": 1 });
        assert_eq!((&value["fields"], &value["message"]), (&fields, &"said (it panicked)".into()));
        assert_eq!(value["span"]["span"], "so far(it panicked)");
        assert!(logged::<Human>(log)[0].contains("kept=1"));
    }
}
