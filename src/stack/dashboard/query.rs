//! Queries: what a panel asks the data source for.

use std::time::Duration;

use serde_json::{Value, json};

use super::json::put;

use crate::promql::{Expr, PromqlError, Scope};

/// One query of a panel.
#[derive(Debug, Clone)]
pub(super) struct Query {
    pub(super) expr: Expr,
    /// The name of each series, with `{{label}}` for a label's value.
    pub(super) legend: String,
    /// Whether points of a chart come with the trace ids that the metric keeps.
    pub(super) exemplars: bool,
}

/// How the answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Over the time that the dashboard shows.
    Range,
    /// At its end.
    Instant,
    /// At its end, with labels as columns.
    Table,
}

/// The data source, as chosen by the variable of that name.
pub(super) fn data_source() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

impl Query {
    pub(super) fn render(
        &self,
        number: usize,
        shape: Shape,
        scraped_every: Option<Duration>,
        scope: &Scope,
    ) -> Result<Value, PromqlError> {
        // A, B, …, Z, A1, B1, …
        let letter = char::from(b'A' + u8::try_from(number % 26).unwrap_or(0));
        let round = if number < 26 { String::new() } else { (number / 26).to_string() };
        let mut target = json!({
            "datasource": data_source(),
            "editorMode": "code",
            "expr": self.expr.render(scope)?,
            "instant": shape != Shape::Range,
            "legendFormat": self.legend,
            "range": shape == Shape::Range,
            "refId": format!("{letter}{round}"),
        });
        if shape == Shape::Table {
            target["format"] = json!("table");
        }
        if self.exemplars && shape == Shape::Range {
            target["exemplar"] = json!(true);
        }
        // The least step, of which Grafana makes the window of rates: four times as long, where the data source's is less.
        put(&mut target, "interval", scraped_every.map(|every| format!("{}s", every.as_secs().max(1))));
        Ok(target)
    }
}
