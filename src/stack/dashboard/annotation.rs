//! Annotations: what happened, marked on every chart of a dashboard.

use serde_json::{Value, json};

use super::panel::watched;
use super::query::data_source;
use crate::presets::build::BUILD_INFO;
use crate::promql::{self, Expr, PromqlError, Scope, Selector};
use crate::stack::exporter::prometheus::ALERTS;

/// Marks of one kind.
#[derive(Debug, Clone)]
pub(super) struct Annotation {
    name: &'static str,
    color: &'static str,
    pub(super) expr: Expr,
    title: &'static str,
    text: &'static str,
    tags: &'static str,
}

impl Annotation {
    /// Alerts that fire, but for the one that always does.
    pub(super) fn alerts() -> Self {
        let firing = promql::select(&ALERTS).eq("alertstate", "firing").ne("alertname", "Watchdog");
        Self {
            name: "Alerts",
            color: "red",
            expr: firing.into(),
            title: "{{alertname}}",
            text: "{{service}} {{severity}}",
            tags: "severity",
        }
    }

    /// Builds that were not there five minutes before.
    pub(super) fn deploys() -> Self {
        let builds = |of: Selector| Expr::from(of).count_by(&["job", "version", "revision"]);
        let now = builds(watched(&BUILD_INFO));
        let before = builds(watched(&BUILD_INFO)).offset("5m");
        Self {
            name: "Deploys",
            color: "blue",
            expr: now.unless(before),
            title: "{{job}} {{version}}",
            text: "revision {{revision}}",
            tags: "job",
        }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn render(&self, scope: &Scope) -> Result<Value, PromqlError> {
        let expr = self.expr.render(scope)?;
        Ok(json!({
            "datasource": data_source(),
            "enable": true,
            "expr": expr,
            "hide": false,
            "iconColor": self.color,
            "name": self.name,
            "step": "30s",
            "tagKeys": self.tags,
            "target": {"expr": expr, "interval": "30s", "refId": "Anno"},
            "textFormat": self.text,
            "titleFormat": self.title,
        }))
    }
}

/// What people note down in Grafana itself.
pub(super) fn notes() -> Value {
    json!({
        "builtIn": 1,
        "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        "enable": true,
        "hide": true,
        "iconColor": "rgba(0, 211, 255, 1)",
        "name": "Annotations & Alerts",
        "type": "dashboard",
    })
}
