//! The labels that the series of an expression have.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::error::PromqlError;
use super::matcher::Matcher;

/// What is known of an expression's series.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Labels {
    /// The metric, or the metrics, for error texts.
    pub(super) of: String,
    pub(super) names: BTreeSet<Cow<'static, str>>,
    /// The matchers by which series were picked, as far as their labels are still there.
    pub(super) picked: Vec<Matcher>,
}

impl Labels {
    pub(super) fn check(&self, label: &str) -> Result<(), PromqlError> {
        if self.names.contains(label) {
            return Ok(());
        }
        Err(PromqlError::UnknownLabel { of: self.of.clone(), label: label.to_owned() })
    }

    /// Keeps only the labels named, all of which must be there.
    pub(super) fn keep(mut self, labels: &[&str]) -> Result<Self, PromqlError> {
        labels.iter().try_for_each(|label| self.check(label))?;
        self.names.retain(|name| labels.contains(&&**name));
        self.picked.retain(|matcher| labels.contains(&matcher.label.as_str()));
        Ok(self)
    }

    pub(super) fn list(&self) -> Vec<String> {
        self.names.iter().map(|name| name.to_string()).collect()
    }

    /// Returns a label by which one side was picked and the other was not, or not alike.
    pub(super) fn picked_apart(&self, other: &Self) -> Option<String> {
        let apart = |a: &Self, b: &Self| {
            a.picked.iter().find(|matcher| !b.picked.contains(matcher)).map(|matcher| matcher.label.clone())
        };
        apart(self, other).or_else(|| apart(other, self))
    }
}
