//! Variables: what a reader chooses at the top of a dashboard.

use serde_json::{Value, json};

use crate::promql::{Expr, PromqlError, Scope, Selector};

/// A choice among the values that a label has; all of them at first, several by choice.
#[derive(Debug, Clone)]
#[must_use]
pub struct Variable {
    pub(super) name: String,
    title: String,
    label: String,
    of: Expr,
}

impl Variable {
    /// Offers the values that a label of some series has. Queries use it as `$name` in a regular expression.
    pub fn values(label: &str, title: &str, of: impl Into<Selector>) -> Self {
        Self { name: label.to_owned(), title: title.to_owned(), label: label.to_owned(), of: of.into().into() }
    }

    pub(super) fn render(&self, scope: &Scope) -> Result<Value, PromqlError> {
        // Fails when the series have no such label.
        self.of.clone().sum_by(&[&self.label]).check()?;
        let query = format!("label_values({},{})", self.of.render(scope)?, self.label);
        Ok(json!({
            // An empty value matches too: a series may come without the label.
            "allValue": ".*",
            "current": {"selected": true, "text": ["All"], "value": ["$__all"]},
            "datasource": super::query::data_source(),
            "hide": 0,
            "includeAll": true,
            "label": self.title,
            "multi": true,
            "name": self.name,
            "options": [],
            "query": {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
            "refresh": 2,
            "regex": "",
            "skipUrlSync": false,
            "sort": 1,
            "type": "query",
        }))
    }
}

/// The choices that an expression asks for, without those that Grafana makes itself.
pub(super) fn named_in(expr: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let names = expr.split('$').skip(1).map(move |rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        rest.split(|c| !is_part(c)).next().unwrap_or_default()
    });
    names.filter(|name| !name.is_empty() && !name.starts_with("__"))
}

/// The choice of the data source that everything on the dashboard is asked from.
pub(super) fn data_sources() -> Value {
    json!({
        "current": {"selected": true, "text": "Prometheus", "value": "prometheus"},
        "hide": 0,
        "includeAll": false,
        "label": "Data source",
        "multi": false,
        "name": "datasource",
        "options": [],
        "query": "prometheus",
        "refresh": 1,
        "regex": "",
        "skipUrlSync": false,
        "type": "datasource",
    })
}
