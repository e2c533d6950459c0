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
        let Some(fields) = fields else { return };
        for (outer, inner) in self.ids.iter_mut().zip(&fields.ids) {
            if let Some(at) = inner {
                *outer = Some(fields_start + at.start..fields_start + at.end);
            }
        }
        if let Some(ids) = fields.traced {
            self.trace(ids);
        }
    }

    /// Sets the ids of the trace that the innermost traced span belongs to, before what fields say of them.
    pub(super) fn trace(&mut self, ids: SpanIds) {
        self.traced = Some(Hex::of(ids));
    }

    /// Yields the name and the written value of each id that there is.
    pub(super) fn ids(&self) -> impl Iterator<Item = (&'static str, &str)> {
        (0..flat::IDS.len()).filter_map(|id| Some((flat::IDS[id], self.id(id)?)))
    }

    fn id(&self, id: usize) -> Option<&str> {
        match (&self.traced, id) {
            (Some(hex), flat::TRACE_ID) => Some(hex.trace()),
            (Some(hex), flat::SPAN_ID) => Some(hex.span()),
            _ => self.ids[id].as_ref().and_then(|at| self.text.get(at.start..at.end)),
        }
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

#[cfg(test)]
mod tests {
    use super::super::json::Json;
    use super::*;

    #[test]
    fn the_ids_of_a_traced_span_come_before_those_of_fields() {
        let mut trail = Trail::default();
        let text = r#""request_id":"r-1","trace_id":"of a field""#;
        let fields = SpanFields::<Json>::new(0, text, flat::find_ids::<Json>(text));
        trail.push("request", Some(&fields));
        let ids = |trail: &Trail| trail.ids().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
        assert_eq!(ids(&trail), ["request_id=\"r-1\"", "trace_id=\"of a field\""]);

        let trace = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes();
        trail.trace(SpanIds { trace, span: [0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7] });
        let expected = ["request_id=\"r-1\"", "trace_id=4bf92f3577b34da6a3ce929d0e0e4736", "span_id=00f067aa0ba902b7"];
        assert_eq!(ids(&trail), expected);
        trail.clear();
        assert!(ids(&trail).is_empty());
    }
}
