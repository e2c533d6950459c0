//! What a selector asks of a label.

use std::fmt;

use regex::Regex;

use super::label_set::LabelSet;

/// A condition on one label.
#[derive(Debug, Clone)]
pub struct Matcher {
    name: Box<str>,
    condition: Condition,
    value: Box<str>,
}

/// How a label's value is compared.
#[derive(Debug, Clone)]
pub(super) enum Condition {
    Equal,
    NotEqual,
    Like(Regex),
    Unlike(Regex),
}

impl Matcher {
    pub(super) fn new(name: &str, condition: Condition, value: &str) -> Self {
        Self { name: name.into(), condition, value: value.into() }
    }

    /// Returns the name of the label.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the value that the label must have, where there is only one.
    ///
    /// By it, a source may look series up instead of trying each.
    #[must_use]
    pub fn equal(&self) -> Option<&str> {
        matches!(self.condition, Condition::Equal).then_some(&*self.value)
    }

    /// Returns whether a value of the label fits; a label that is missing has the empty value.
    ///
    /// A regular expression costs at most its size times the length of the value.
    #[must_use]
    pub fn matches(&self, value: &str) -> bool {
        match &self.condition {
            Condition::Equal => *self.value == *value,
            Condition::NotEqual => *self.value != *value,
            Condition::Like(regex) => regex.is_match(value),
            Condition::Unlike(regex) => !regex.is_match(value),
        }
    }

    /// Returns whether all matchers fit a series.
    #[must_use]
    pub fn all_match(matchers: &[Self], labels: &LabelSet) -> bool {
        matchers.iter().all(|matcher| matcher.matches(labels.get(&matcher.name)))
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = match self.condition {
            Condition::Equal => "=",
            Condition::NotEqual => "!=",
            Condition::Like(_) => "=~",
            Condition::Unlike(_) => "!~",
        };
        write!(f, "{}{operator}{:?}", self.name, self.value)
    }
}
