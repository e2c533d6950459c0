//! Alerts: when somebody is told, how urgently, and what they read.

use std::fmt;

use super::error::{RuleError, RuleFault};
use crate::promql::{Expr, Scope, Window};
use crate::stack::yaml::Yaml;

/// How urgent an alert is, as its label `severity` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Somebody is woken up.
    Critical,
    /// Somebody looks at it in working hours.
    Warning,
    /// Nobody is told; only its absence means something.
    None,
}

impl Severity {
    /// Returns the label's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An alerting rule.
#[derive(Debug, Clone)]
#[must_use]
pub struct Alert {
    pub(super) name: String,
    pub(super) expr: Expr,
    pending: Option<Window>,
    severity: Severity,
    labels: Vec<(String, String)>,
    summary: String,
    description: String,
}

impl Alert {
    /// Makes an alert that fires, at once by default, for every series of the expression.
    ///
    /// The name is in camel case, and also the file name of the alert's runbook.
    pub fn new(name: &str, severity: Severity, expr: Expr) -> Self {
        Self {
            name: name.to_owned(),
            expr,
            pending: None,
            severity,
            labels: Vec::new(),
            summary: String::new(),
            description: String::new(),
        }
    }

    /// Makes an alert that wakes somebody up.
    pub fn critical(name: &str, expr: Expr) -> Self {
        Self::new(name, Severity::Critical, expr)
    }

    /// Makes an alert that somebody looks at in working hours.
    pub fn warning(name: &str, expr: Expr) -> Self {
        Self::new(name, Severity::Warning, expr)
    }

    /// Sets for how long the expression must hold without a gap before the alert fires.
    pub fn pending(mut self, pending: impl Into<Window>) -> Self {
        self.pending = Some(pending.into());
        self
    }

    /// Adds a label of the alert's own.
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.labels.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the line that is read first. `{{ $labels.name }}` and `{{ $value }}` are put in by Prometheus.
    pub fn summary(mut self, summary: &str) -> Self {
        summary.clone_into(&mut self.summary);
        self
    }

    /// Sets what happened and what it means.
    pub fn description(mut self, description: &str) -> Self {
        description.clone_into(&mut self.description);
        self
    }

    /// Returns the alert's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns how urgent it is.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Returns its expression.
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// Returns its summary and its description.
    pub fn texts(&self) -> (&str, &str) {
        (&self.summary, &self.description)
    }

    /// Returns its own labels, the severity first.
    pub fn labels(&self) -> Vec<(&str, &str)> {
        let own = self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        [("severity", self.severity.as_str())].into_iter().chain(own).collect()
    }

    pub(super) fn yaml(&self, scope: &Scope, runbooks: &str) -> Result<Yaml, RuleError> {
        self.fields(scope, runbooks).map_err(|reason| RuleError { rule: self.name.clone(), reason })
    }

    fn fields(&self, scope: &Scope, runbooks: &str) -> Result<Yaml, RuleFault> {
        let expr = self.expr.render_lines(scope)?;
        self.check()?;
        let mut rule = vec![("alert", Yaml::text(&self.name)), ("expr", Yaml::Block(expr))];
        if let Some(pending) = &self.pending {
            rule.push(("for", Yaml::text(pending.render(scope)?)));
        }
        rule.push(("labels", Yaml::map(self.labels().into_iter().map(|(name, value)| (name, Yaml::text(value))))));
        rule.push((
            "annotations",
            Yaml::map([
                ("summary", Yaml::text(&self.summary)),
                ("description", Yaml::text(&self.description)),
                ("runbook_url", Yaml::text(format!("{}/{}.md", runbooks.trim_end_matches('/'), self.name))),
            ]),
        ));
        Ok(Yaml::map(rule))
    }

    fn check(&self) -> Result<(), RuleFault> {
        if self.expr.is_number() {
            return Err(RuleFault::Scalar);
        }
        let camel = self.name.starts_with(|c: char| c.is_ascii_uppercase())
            && self.name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !camel {
            return Err(RuleFault::AlertName);
        }
        for (what, text) in [("summary", &self.summary), ("description", &self.description)] {
            if text.is_empty() {
                return Err(RuleFault::Missing(what));
            }
            if let Some(unknown) = text_labels(text).find(|label| !self.expr.labels().iter().any(|own| own == label)) {
                return Err(RuleFault::TextLabel(unknown.to_owned()));
            }
        }
        let labels = self.labels();
        let twice =
            labels.iter().enumerate().find(|(at, (name, _))| labels[..*at].iter().any(|(other, _)| other == name));
        if let Some((_, (name, _))) = twice {
            return Err(RuleFault::LabelTwice((*name).to_owned()));
        }
        let own = self.labels.iter().any(|(name, _)| name == "service");
        if !own && !self.expr.labels().iter().any(|label| label == "service") {
            return Err(RuleFault::NoService);
        }
        Ok(())
    }
}

/// The labels that a text takes from the alert's series.
fn text_labels(text: &str) -> impl Iterator<Item = &str> {
    text.split("$labels.").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    })
}
