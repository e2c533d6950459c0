//! What a thread remembers of the names of fields: they are few, and what becomes of one is the same in every line.

use std::collections::HashSet;

use tracing::field::FieldSet;

use super::flat::IDS;
use super::mask::Masking;
use super::style::Style;

/// How many names, and how many sets of names, a thread remembers.
const REMEMBERED: usize = 128;

/// What becomes of a field by its name.
#[derive(Debug, Default)]
pub(super) struct Name {
    /// The key as it is written, with what stands between it and the value.
    pub(super) key: Box<str>,
    /// Whether the value is secret.
    pub(super) masked: bool,
    /// Whether it is an event's message.
    pub(super) is_message: bool,
    /// Whether a span's key could stand there already.
    pub(super) may_clash: bool,
    /// Which of [`IDS`] it is.
    pub(super) id: Option<usize>,
}

impl Name {
    fn of<S: Style>(masking: &Masking, name: &str) -> Self {
        let masked = masking.masks(name);
        let is_message = name == "message";
        let name = name.strip_prefix("r#").unwrap_or(name);
        let mut key = String::new();
        S::key(&mut key, name);
        key.push(S::ASSIGN);
        let may_clash = S::OWN_SPAN_KEYS.contains(&name) || name == S::OTHER_SPAN_KEY;
        Self { key: key.into(), masked, is_message, may_clash, id: IDS.iter().position(|id| *id == name) }
    }
}

/// The names that a thread remembers, by their address: a field's name is never moved or freed.
#[derive(Debug, Default)]
pub(super) struct Names {
    names: Box<[Entry]>,
    /// Sets of names by their address, and whether no name comes twice.
    sets: Vec<(usize, bool)>,
}

#[derive(Debug, Default)]
struct Entry {
    address: usize,
    length: usize,
    layer: usize,
    name: Name,
}

impl Names {
    /// Returns what becomes of a field in the layer that has this masking.
    #[inline]
    pub(super) fn get<S: Style>(&mut self, masking: &Masking, name: &'static str) -> &Name {
        let (address, length, layer) = (name.as_ptr().addr(), name.len(), masking.id());
        let at = (address ^ address >> 7) % REMEMBERED;
        let known = |entry: &Entry| entry.address == address && entry.length == length && entry.layer == layer;
        if !self.names.get(at).is_some_and(known) {
            self.remember(at, Entry { address, length, layer, name: Name::of::<S>(masking, name) });
        }
        &self.names[at].name
    }

    #[cold]
    fn remember(&mut self, at: usize, entry: Entry) {
        if self.names.is_empty() {
            self.names = std::iter::repeat_with(Entry::default).take(REMEMBERED).collect();
        }
        self.names[at] = entry;
    }

    /// Tells whether no name comes twice in a set.
    pub(super) fn are_distinct(&mut self, set: &'static FieldSet) -> bool {
        if self.sets.is_empty() {
            self.sets.resize(REMEMBERED, (0, false));
        }
        let address = std::ptr::from_ref(set).addr();
        let place = &mut self.sets[(address >> 3 ^ address >> 10) % REMEMBERED];
        if place.0 != address {
            let mut seen = HashSet::new();
            *place = (address, set.iter().all(|field| seen.insert(field.name())));
        }
        place.1
    }
}

#[cfg(test)]
mod tests {
    use super::super::human::Human;
    use super::super::json::Json;
    use super::*;

    #[test]
    fn what_a_thread_remembers_is_of_one_layer() {
        let (first, second) = (Masking::of(["a"]), Masking::of(["b"]));
        let mut names = Names::default();
        for _ in 0..2 {
            let mut of = |masking, name| names.get::<Json>(masking, name).masked;
            assert_eq!([of(&first, "a"), of(&first, "b")], [true, false]);
            assert_eq!([of(&second, "a"), of(&second, "b")], [false, true]);
            assert_eq!(&*names.get::<Json>(&first, "two words").key, "\"two words\":");
            assert_eq!(&*names.get::<Human>(&second, "two words").key, "\"two words\"=");
        }
    }
}
