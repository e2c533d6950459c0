//! Recordings: what is worked out once, because panels and alerts ask for it again and again.

use super::error::{RuleError, RuleFault};
use crate::promql::{Expr, Queried, Scope, Series};
use crate::stack::yaml::Yaml;

/// A recording rule. It is a metric like any other to the expressions that are built on it.
///
/// ```
/// use watchkeeper::presets::http::REQUESTS;
/// use watchkeeper::promql::{self, Expr, Scope};
/// use watchkeeper::stack::rule::Record;
///
/// let requests = Record::new("service:http_requests:rate5m", promql::rate(&REQUESTS, "5m").sum_by(&["service"]));
/// let busiest = Expr::from(&requests).topk(3);
/// assert_eq!(busiest.render(&Scope::default())?, "topk(3, service:http_requests:rate5m)");
/// assert!(promql::max_over_time(promql::select(&requests).eq("path", "/"), "1h").check().is_err());
/// # Ok::<(), watchkeeper::promql::PromqlError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Record {
    pub(super) name: String,
    pub(super) expr: Expr,
    pub(super) labels: Vec<(String, String)>,
}

impl Record {
    /// Records an expression under a name of the form `level:metric:operation`.
    pub fn new(name: &str, expr: Expr) -> Self {
        Self { name: name.to_owned(), expr, labels: Vec::new() }
    }

    /// Gives the recorded series a label.
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.labels.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns the recorded name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what is recorded.
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    pub(super) fn yaml(&self, scope: &Scope) -> Result<Yaml, RuleError> {
        let at = |reason| RuleError { rule: self.name.clone(), reason };
        let expr = self.expr.render_lines(scope).map_err(|error| at(error.into()))?;
        if self.expr.is_number() {
            return Err(at(RuleFault::Scalar));
        }
        let fits = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_lowercase())
                && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        let parts: Vec<_> = self.name.split(':').collect();
        if parts.len() != 3 || !parts.into_iter().all(fits) {
            return Err(at(RuleFault::RecordName));
        }
        let mut rule = vec![("record", Yaml::text(&self.name)), ("expr", Yaml::Block(expr))];
        if !self.labels.is_empty() {
            let labels = self.labels.iter().map(|(name, value)| (name.as_str(), Yaml::text(value)));
            rule.push(("labels", Yaml::map(labels)));
        }
        Ok(Yaml::map(rule))
    }
}

impl Queried for Record {
    fn series(&self) -> Series {
        let labels = self.expr.labels().into_iter().chain(self.labels.iter().map(|(name, _)| name.clone()));
        Series::recorded(self.name.clone(), labels)
    }
}
