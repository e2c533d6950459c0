//! The spans around an event, root first, as text.

use std::marker::PhantomData;
use std::ops::Range;

use super::flat::{self, Ids};
use super::ids::SpanIds;
use super::style::Style;

/// A span's fields, written once when the span is made; kept in the span's extensions, one for each style.
pub(super) struct SpanFields<S> {
    /// The layer that wrote them; another layer of the same style reads them.
    pub(super) writer: usize,
    text: String,
    ids: Ids,
    /// The ids of the request's trace, where this is the span of a request.
    pub(super) traced: Option<SpanIds>,
    style: PhantomData<S>,
}

impl<S: Style> SpanFields<S> {
    pub(super) fn new(writer: usize, text: &str, ids: Ids) -> Self {
        Self { writer, text: text.to_owned(), ids, traced: None, style: PhantomData }
    }

    /// Adds fields that were recorded later.
    pub(super) fn merge(&mut self, later: &str) {
        flat::merge::<S>(&mut self.text, later);
        self.ids = flat::find_ids::<S>(&self.text);
    }
}

/// The text of all enclosing spans, and what lines take out of it.
#[derive(Default)]
pub(super) struct Trail {
    pub(super) text: String,
    /// The innermost span.
    pub(super) current: Range<usize>,
    ids: Ids,
    traced: Option<Hex>,
}

impl Trail {
    pub(super) fn clear(&mut self) {
        self.traced = None;
        self.text.clear();
        self.current = 0..0;
        self.ids = Ids::default();
    }

    /// Adds the next inner span; its ids hide those of the outer ones.
    pub(super) fn push<S: Style>(&mut self, name: &str, fields: Option<&SpanFields<S>>) {
        let (start, fields_start) = S::span(&mut self.text, name, fields.map_or("", |fields| &fields.text));
        self.current = start..self.text.len();
        for (outer, inner) in self.ids.iter_mut().zip(fields.iter().flat_map(|fields| &fields.ids)) {
            if let Some(at) = inner {
                *outer = Some(fields_start + at.start..fields_start + at.end);
            }
        }
        if let Some(ids) = fields.and_then(|fields| fields.traced) {
            self.trace(ids);
        }
    }

    /// Sets the ids of the trace that the innermost traced span belongs to, before what fields say of them.
    pub(super) fn trace(&mut self, ids: SpanIds) {
        self.traced = Some(Hex::of(ids));
    }

    /// Yields the name and the written value of each id that there is.
    pub(super) fn ids(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let values = self.ids.iter().zip(flat::IDS).map(|(at, name)| match (&self.traced, name) {
            (Some(hex), "trace_id") => Some(hex.trace()),
            (Some(hex), "span_id") => Some(hex.span()),
            _ => self.text.get(at.clone()?),
        });
        flat::IDS.into_iter().zip(values).filter_map(|(name, value)| Some((name, value?)))
    }
}

/// The ids of a trace and a span in lower-case hexadecimal digits.
struct Hex([u8; 48]);

impl Hex {
    fn of(ids: SpanIds) -> Self {
        let mut text = [0; 48];
        for (byte, digits) in ids.trace.iter().chain(&ids.span).zip(text.as_chunks_mut::<2>().0) {
            *digits = [byte >> 4, byte & 0xf].map(|digit| b"0123456789abcdef"[usize::from(digit)]);
        }
        Self(text)
    }

    fn trace(&self) -> &str {
        std::str::from_utf8(&self.0[..32]).unwrap_or_default()
    }

    fn span(&self) -> &str {
        std::str::from_utf8(&self.0[32..]).unwrap_or_default()
    }
}
