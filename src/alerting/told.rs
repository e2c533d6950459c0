//! The events that tell of alerts.

use super::rule::{ALERT_NAME, severity_of};
use super::states::Transition;
use crate::alert::AlertState;
use crate::event::{Event, EventDraft, Level};
use crate::incident::Severity;

/// The source of the events that tell of alerts.
const SOURCE: &str = "alerting";

/// Tells of an alert that began to fire or is over; of what is pending nothing is told.
pub(super) fn event_of(transition: &Transition) -> Option<EventDraft> {
    let alert = &transition.alert;
    let (level, does) = match alert.state {
        AlertState::Firing => (level_of(severity_of(&alert.labels)), "fires"),
        AlertState::Resolved => (Level::Info, "is over"),
        AlertState::Pending | AlertState::Inactive => return None,
    };
    let name = alert.labels.get(ALERT_NAME).map_or("an alert", String::as_str);
    let message = match alert.annotations.get("summary") {
        Some(summary) => format!("{name} {does}: {summary}"),
        None => format!("{name} {does}"),
    };
    let mut event = Event::alert(SOURCE).level(level).message(message).dedup_key(alert.fingerprint.clone());
    for (name, value) in &alert.labels {
        event = event.tag(name.clone(), value.clone());
    }
    event = event.detail("state", alert.state.as_str()).detail("rule", alert.rule.to_string());
    event = event.detail("fingerprint", alert.fingerprint.clone());
    if let Some(value) = alert.value {
        event = event.detail("value", value);
    }
    Some(event)
}

/// Tells of how many alerts no event was written.
pub(super) fn storm(alerts: usize) -> EventDraft {
    Event::alert(SOURCE).level(Level::Error).message(format!("{alerts} more alerts fire or are over"))
}

fn level_of(severity: Severity) -> Level {
    match severity {
        Severity::Low => Level::Info,
        Severity::Medium => Level::Warn,
        Severity::High => Level::Error,
        Severity::Critical => Level::Critical,
    }
}
