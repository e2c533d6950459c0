//! Groups of rules, and the files that hold them.

use std::collections::HashSet;

use super::alert::Alert;
use super::error::{RuleError, RuleFault};
use super::record::Record;
use crate::promql::{Expr, Scope, Window};
use crate::stack::yaml::Yaml;

/// A rule of either kind.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Rule {
    /// Tells somebody.
    Alert(Alert),
    /// Keeps something.
    Record(Record),
}

impl Rule {
    /// Returns the name of the alert or of the recorded metric.
    pub fn name(&self) -> &str {
        match self {
            Self::Alert(alert) => &alert.name,
            Self::Record(record) => &record.name,
        }
    }

    /// Returns the rule's expression.
    pub fn expr(&self) -> &Expr {
        match self {
            Self::Alert(alert) => &alert.expr,
            Self::Record(record) => &record.expr,
        }
    }
}

/// Rules that are evaluated one after the other, at one moment.
#[derive(Debug, Clone)]
#[must_use]
pub struct Group {
    name: String,
    interval: Option<Window>,
    rules: Vec<Rule>,
}

impl Group {
    /// Makes a group without rules, evaluated as often as Prometheus does by default.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), interval: None, rules: Vec::new() }
    }

    /// Sets how often the group is evaluated.
    pub fn interval(mut self, interval: impl Into<Window>) -> Self {
        self.interval = Some(interval.into());
        self
    }

    /// Adds an alert.
    pub fn alert(mut self, alert: Alert) -> Self {
        self.rules.push(Rule::Alert(alert));
        self
    }

    /// Adds a recording.
    pub fn record(mut self, record: Record) -> Self {
        self.rules.push(Rule::Record(record));
        self
    }

    /// Returns the group's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its rules, in order of evaluation.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    fn yaml(&self, scope: &Scope, runbooks: &str) -> Result<Yaml, RuleError> {
        let mut group = vec![("name", Yaml::text(&self.name))];
        if let Some(interval) = &self.interval {
            let at = |error: crate::promql::PromqlError| RuleError { rule: self.name.clone(), reason: error.into() };
            group.push(("interval", Yaml::text(interval.render(scope).map_err(at)?)));
        }
        let rules = self.rules.iter().map(|rule| match rule {
            Rule::Alert(alert) => alert.yaml(scope, runbooks),
            Rule::Record(record) => record.yaml(scope),
        });
        group.push(("rules", Yaml::List(rules.collect::<Result<_, _>>()?)));
        Ok(Yaml::map(group))
    }
}

/// A file of rules.
#[derive(Debug, Clone)]
#[must_use]
pub struct RuleFile {
    groups: Vec<Group>,
}

impl RuleFile {
    /// Makes a file of groups.
    pub fn new(groups: impl IntoIterator<Item = Group>) -> Self {
        Self { groups: groups.into_iter().collect() }
    }

    /// Returns its groups.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Returns all of its rules.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.groups.iter().flat_map(|group| &group.rules)
    }

    /// Returns its alerts.
    pub fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.rules().filter_map(|rule| match rule {
            Rule::Alert(alert) => Some(alert),
            Rule::Record(_) => None,
        })
    }

    /// Writes the file as Prometheus reads it. An alert's runbook is looked for at `{runbooks}/{name of the alert}.md`.
    ///
    /// # Errors
    ///
    /// Names the rule that is wrong: an expression that cannot be, a rate over fewer than four of the scope's scrapes,
    /// a missing summary or description, a text that names a label which the alert does not have, no `service`,
    /// a label that is set twice, two rules or two groups of one name.
    pub fn render(&self, scope: &Scope, runbooks: &str) -> Result<String, RuleError> {
        let (mut rules, mut groups) = (HashSet::new(), HashSet::new());
        let twice = self.rules().find(|rule| !rules.insert(rule.key())).map(Rule::name);
        let twice = twice.or(self.groups.iter().map(Group::name).find(|&name| !groups.insert(name)));
        if let Some(name) = twice {
            return Err(RuleError { rule: name.to_owned(), reason: RuleFault::Twice });
        }
        let groups = self.groups.iter().map(|group| group.yaml(scope, runbooks)).collect::<Result<_, _>>()?;
        Ok(Yaml::map([("groups", Yaml::List(groups))])
            .file("Rendered by watchkeeper; changes by hand are overwritten."))
    }
}

impl Rule {
    /// What tells two rules apart: the kind, the name and the labels that a rule sets.
    fn key(&self) -> String {
        match self {
            Self::Alert(alert) => format!("alert {} {:?}", alert.name, alert.labels()),
            Self::Record(record) => format!("record {} {:?}", record.name, record.labels),
        }
    }
}
