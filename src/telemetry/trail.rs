//! The spans around an event, root first, as text.

use std::marker::PhantomData;
use std::ops::Range;

use super::flat::{self, Ids};
use super::style::Style;

/// A span's fields, written once when the span is made; kept in the span's extensions, one for each style.
pub(super) struct SpanFields<S> {
    /// The layer that wrote them; another layer of the same style reads them.
    pub(super) writer: usize,
    text: String,
    ids: Ids,
    style: PhantomData<S>,
}

impl<S: Style> SpanFields<S> {
    pub(super) fn new(writer: usize, text: &str, ids: Ids) -> Self {
        Self { writer, text: text.to_owned(), ids, style: PhantomData }
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
}

impl Trail {
    pub(super) fn clear(&mut self) {
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
    }

    /// Yields the name and the written value of each id that a span has.
    pub(super) fn ids(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let values = self.ids.iter().map(|at| at.clone().and_then(|at| self.text.get(at)));
        flat::IDS.into_iter().zip(values).filter_map(|(name, value)| Some((name, value?)))
    }
}
