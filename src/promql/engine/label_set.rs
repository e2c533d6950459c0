//! The labels of a series.

use std::fmt;
use std::sync::Arc;

/// The label that holds a series' name.
pub const METRIC_NAME: &str = "__name__";

/// A label: its name and its value.
pub type Label = (Arc<str>, Arc<str>);

/// A set of labels, in the order of their names; the name of the metric is the label `__name__`.
///
/// A clone shares what it holds. A label without a value is no label.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LabelSet(Arc<[Label]>);

impl LabelSet {
    /// Returns the set of these labels; of a name that comes twice, the last value counts.
    pub fn new<N: Into<Arc<str>>, V: Into<Arc<str>>>(labels: impl IntoIterator<Item = (N, V)>) -> Self {
        Self::from_labels(labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// Returns the value of a label; empty when there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        // Sets are small: comparing in a row is faster than a search.
        self.0.iter().find(|(known, _)| &**known == name).map_or("", |(_, value)| value)
    }

    /// Returns the labels in the order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Returns whether there are no labels.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the labels as they are shared.
    #[must_use]
    pub fn labels(&self) -> &[Label] {
        &self.0
    }

    /// Returns the set without the name of the metric, nor its type and unit (`__type__`, `__unit__`), which go with it.
    #[must_use]
    pub fn without_name(&self) -> Self {
        let is_kept = |name: &str| !matches!(name, METRIC_NAME | "__type__" | "__unit__");
        if self.iter().all(|(name, _)| is_kept(name)) {
            return self.clone();
        }
        self.filtered(is_kept)
    }

    /// Returns the set of those labels whose name is wanted.
    pub(super) fn filtered(&self, wanted: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|(name, _)| wanted(name)).cloned().collect())
    }

    /// Returns the set with one label set to a value; an empty value takes it out.
    pub(super) fn with(&self, name: &str, value: &str) -> Self {
        let mut labels: Vec<Label> = self.0.iter().filter(|(known, _)| &**known != name).cloned().collect();
        labels.push((name.into(), value.into()));
        Self::from_labels(labels)
    }

    fn from_labels(mut labels: Vec<Label>) -> Self {
        // The sort is stable, so that the last of equal names is the last one given.
        labels.sort_by(|a, b| a.0.cmp(&b.0));
        labels.reverse();
        labels.dedup_by(|later, earlier| later.0 == earlier.0);
        labels.reverse();
        labels.retain(|(_, value)| !value.is_empty());
        Self(labels.into())
    }
}

impl Default for LabelSet {
    fn default() -> Self {
        Self(Arc::new([]))
    }
}

impl fmt::Display for LabelSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.get(METRIC_NAME);
        f.write_str(name)?;
        let mut rest = self.iter().filter(|(name, _)| *name != METRIC_NAME).peekable();
        if rest.peek().is_none() && !name.is_empty() {
            return Ok(());
        }
        for (i, (name, value)) in rest.enumerate() {
            f.write_str(if i == 0 { "{" } else { ", " })?;
            write!(f, "{name}={value:?}")?;
        }
        f.write_str(if self.iter().all(|(name, _)| name == METRIC_NAME) { "{}" } else { "}" })
    }
}

impl fmt::Debug for LabelSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_stand_in_order_the_last_of_a_name_counts_and_empty_ones_are_none() {
        let set = LabelSet::new([("b", "1"), ("a", "2"), ("b", "3"), ("c", "")]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [("a", "2"), ("b", "3")]);
        assert_eq!(set.get("c"), "");
        assert_eq!(set.with("a", "").to_string(), r#"{b="3"}"#);
    }

    #[test]
    fn a_set_reads_as_it_would_be_selected() {
        assert_eq!(LabelSet::default().to_string(), "{}");
        assert_eq!(LabelSet::new([(METRIC_NAME, "up")]).to_string(), "up");
        assert_eq!(LabelSet::new([(METRIC_NAME, "up"), ("job", "a\"b")]).to_string(), r#"up{job="a\"b"}"#);
    }
}
