//! The texts of labels, each held once however many series have it.

use std::collections::HashSet;
use std::sync::Arc;

use crate::promql::engine::Label;

/// The names and values of labels that are in use.
#[derive(Debug, Default)]
pub(super) struct Names {
    texts: HashSet<Arc<str>>,
    bytes: usize,
}

impl Names {
    /// Returns the one copy of a text.
    pub(super) fn hold(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.bytes += most_bytes(&new);
        self.texts.insert(Arc::clone(&new));
        new
    }

    /// Lets the texts of a series go, which must be the last to hold those that nobody else has.
    pub(super) fn release(&mut self, labels: &[Label]) {
        for text in labels.iter().flat_map(|(name, value)| [name, value]) {
            // The set's own, and that of the series which is going.
            if Arc::strong_count(text) <= 2 && self.texts.remove(text) {
                self.bytes -= most_bytes(text);
            }
        }
    }

    /// Lets go what nobody has any more. A text that was being read when its series went is still here.
    pub(super) fn sweep(&mut self) {
        let bytes = &mut self.bytes;
        self.texts.retain(|text| {
            let used = Arc::strong_count(text) > 1;
            if !used {
                *bytes -= most_bytes(text);
            }
            used
        });
    }

    /// Returns the bytes that the texts take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Returns what a text takes: itself with its two counters, and its place in the set.
pub(super) fn most_bytes(text: &str) -> usize {
    crate::heap::allocation(text.len() + 2 * size_of::<usize>()) + 2 * size_of::<Arc<str>>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_held_once_and_goes_with_its_last_series() {
        let mut names = Names::default();
        let one: Vec<Label> = vec![(names.hold("route"), names.hold("/a"))];
        let other: Vec<Label> = vec![(names.hold("route"), names.hold("/b"))];
        assert!(Arc::ptr_eq(&one[0].0, &other[0].0));
        names.release(&one);
        drop(one);
        assert_eq!(names.texts.len(), 2);
        names.release(&other);
        assert_eq!((names.texts.len(), names.bytes()), (0, 0));
    }
}
