//! The alerts of a watch, and what is chosen about them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Watchkeeper, WatchkeeperBuilder};
use crate::alerting::{Alerting, AlertingOptions, Parts, RuleSource};
use crate::history::{History, HistoryOptions};
use crate::tasks::{ALERT_EVALUATION, Task, Tasks};
use crate::telemetry::Sink;

/// What an app chose about alerts.
#[derive(Default)]
pub(super) struct AlertChoices {
    options: Option<AlertingOptions>,
    source: Option<Arc<dyn RuleSource>>,
}

impl AlertChoices {
    /// Starts to evaluate where the app wants it, and lets the task of that name do it too.
    pub(super) fn build(
        self,
        tasks: &Tasks,
        history: Option<&History>,
        parts: impl FnOnce(Arc<dyn RuleSource>) -> Parts,
    ) -> (Option<Alerting>, Vec<Arc<dyn Sink>>) {
        let source = self.source.or_else(|| history.map(|history| Arc::new(history.clone()) as Arc<dyn RuleSource>));
        let (Some(options), Some(source)) = (self.options, source) else { return (None, Vec::new()) };
        let (alerting, sinks) = Alerting::start(options, parts(source));
        let evaluating = alerting.clone();
        let task = Task::new(ALERT_EVALUATION, move |_, _| evaluate(evaluating.clone()));
        if let Err(error) = tasks.register(task.about("Evaluates the alert rules and tells what fires.")) {
            tracing::warn!(%error, "alert rules are not evaluated as a task");
        }
        (Some(alerting), sinks)
    }
}

async fn evaluate(alerting: Alerting) -> Result<Value, crate::store::StoreError> {
    Ok(match alerting.evaluate().await? {
        Some(done) => json!({
            "rules": done.rules, "failures": done.failures, "pending": done.pending, "firing": done.firing,
        }),
        None => json!({ "by": "another instance" }),
    })
}

impl Watchkeeper {
    /// Returns the alerts; none where the builder was not told to have [any](WatchkeeperBuilder::alerts).
    pub fn alerts(&self) -> Option<&Alerting> {
        self.inner.alerting.as_ref()
    }
}

impl WatchkeeperBuilder {
    /// Evaluates alert rules over the watch's own metrics and the samples of its store, and keeps a
    /// [history](Self::history) for that. Default: no rules are evaluated.
    pub fn alerts(mut self, options: AlertingOptions) -> Self {
        self.history.get_or_insert_with(HistoryOptions::default);
        self.alerts.options = Some(options);
        self
    }

    /// Evaluates alert rules over series of the app's choice in the place of its own metrics. Default: no rules are
    /// evaluated.
    pub fn alerts_over(mut self, options: AlertingOptions, source: impl RuleSource + 'static) -> Self {
        self.alerts = AlertChoices { options: Some(options), source: Some(Arc::new(source)) };
        self
    }
}
