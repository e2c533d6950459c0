//! The tasks that every watch has.

use std::sync::Arc;

use super::argument::Argument;
use super::options::TaskOptions;
use super::task::Task;
use super::{ALERT_EVALUATION, INCIDENT_ANALYSIS, processing, retention};
use crate::store::Store;

pub(super) fn tasks(store: &Arc<dyn Store>, options: &TaskOptions) -> Vec<Task> {
    vec![
        processing::task(store),
        retention::task(store, options),
        Task::not_available(ALERT_EVALUATION, "this watch evaluates no alert rules")
            .about("Evaluates the alert rules and tells what fires.")
            .argument(Argument::id("rule").about("Evaluates this rule alone.")),
        Task::not_available(INCIDENT_ANALYSIS, "this watch analyses no incidents")
            .about("Looks for the causes of an incident.")
            .argument(Argument::id("incident").about("The incident.").required()),
    ]
}
