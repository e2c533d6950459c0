//! The states of one rule's alerts, and the steps between them. Time is an argument.

use std::collections::BTreeMap;
use std::time::Duration;

use thiserror::Error;

use crate::alert::{Alert, AlertState};
use crate::timestamp::Timestamp;

/// How long an alert that is over is kept, so that whoever is notified learns of it.
pub const RESOLVED_RETENTION: Duration = Duration::from_secs(15 * 60);

/// How long a watch may have been down for what was pending before to go on pending.
pub const OUTAGE_TOLERANCE: Duration = Duration::from_secs(60 * 60);

/// What a rule says about time and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Terms {
    /// How long an alert is pending before it fires.
    pub pending_for: Duration,
    /// How long it goes on firing after the rule finds it no longer.
    pub keep_firing_for: Duration,
    /// The most alerts that may be pending or firing; 0 is any number.
    pub limit: usize,
}

impl Terms {
    /// Makes terms without a limit.
    pub const fn new(pending_for: Duration, keep_firing_for: Duration) -> Self {
        Self { pending_for, keep_firing_for, limit: 0 }
    }

    /// Sets the most alerts that may be pending or firing; 0 is any number.
    #[must_use]
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

/// Says why an evaluation cannot be used.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum StepError {
    /// Two things that the rule found have the same labels once its own are added. Nothing changes.
    #[error("the query finds several series that have the same labels once those of the rule are added")]
    SameLabels,
    /// There are more alerts than may be. All of the rule are given up.
    #[error("the rule has {found} alerts, more than the {limit} that it may have")]
    TooMany {
        /// How many it would have.
        found: usize,
        /// How many it may have.
        limit: usize,
        /// Those that were given up, each over now.
        ended: Vec<Transition>,
    },
}

/// An alert that went from one state to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// The state that it was in.
    pub from: AlertState,
    /// The alert as it stands now.
    pub alert: Alert,
}

/// What is told about an alert to those who are notified.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The alert as it stands.
    pub alert: Alert,
    /// When it is over; for one that fires, when it may be taken to be over if nothing more is heard of it.
    pub ends_at: Timestamp,
}

#[derive(Debug, Clone)]
struct Tracked {
    alert: Alert,
    sent_at: Option<Timestamp>,
}

/// The alerts of one rule, as Prometheus keeps them.
///
/// An alert is pending from the first evaluation that finds it, fires once it has been found for as long as the rule says,
/// and is resolved when it is found no longer; one that clears while it is pending is gone. What is resolved is kept for
/// 15 minutes. An alert is known by its labels, so other labels are another alert.
#[derive(Debug, Clone, Default)]
pub struct RuleAlerts {
    alerts: BTreeMap<String, Tracked>,
    /// Until when it is no wonder that what was restored is not found.
    settles_at: Option<Timestamp>,
}

impl RuleAlerts {
    /// Takes up alerts as they stood when they were last stored.
    ///
    /// The time that a pending alert has waited counts, the time since it was last evaluated does not; after an hour
    /// without evaluations it begins anew. Until `settles_at`, an alert that was restored stays as it is while it is not
    /// found: after a restart the history is too short for a query that looks back.
    pub fn restore(alerts: impl IntoIterator<Item = Alert>, now: Timestamp, settles_at: Timestamp) -> Self {
        let mut restored = BTreeMap::new();
        for mut alert in alerts {
            let outage = now.since(alert.evaluated_at);
            match alert.state {
                AlertState::Inactive => continue,
                AlertState::Pending if outage > OUTAGE_TOLERANCE => continue,
                AlertState::Pending => alert.active_at = alert.active_at.plus(outage),
                AlertState::Resolved if is_forgotten(&alert, now) => continue,
                AlertState::Firing | AlertState::Resolved => {}
            }
            restored.insert(alert.fingerprint.clone(), Tracked { alert, sent_at: None });
        }
        Self { alerts: restored, settles_at: (settles_at > now).then_some(settles_at) }
    }

    /// Takes an evaluation: what the rule finds now, each as a new alert. Returns the alerts that changed their state.
    ///
    /// # Errors
    ///
    /// When two have the same labels, which changes nothing; when there are too many, which gives all of the rule up.
    pub fn step(&mut self, now: Timestamp, terms: Terms, found: Vec<Alert>) -> Result<Vec<Transition>, StepError> {
        let mut fresh = BTreeMap::new();
        for alert in found {
            if fresh.insert(alert.fingerprint.clone(), alert).is_some() {
                return Err(StepError::SameLabels);
            }
        }
        let mut changed = Vec::new();
        let settling = self.settles_at.is_some_and(|until| now < until);
        for tracked in self.alerts.values_mut() {
            let alert = &mut tracked.alert;
            alert.evaluated_at = now;
            let from = alert.state;
            match fresh.remove(&alert.fingerprint) {
                Some(found) if from == AlertState::Resolved => {
                    // It is another alert than the one that is over, under the same labels and so in the same row.
                    let (id, incident) = (alert.id, alert.incident);
                    *alert = Alert { id, incident, ..found };
                    tracked.sent_at = None;
                }
                Some(found) => {
                    alert.value = found.value;
                    alert.annotations = found.annotations;
                    alert.keep_firing_since = None;
                }
                None if from == AlertState::Resolved || settling => continue,
                None => match from {
                    AlertState::Firing if terms.keep_firing_for > Duration::ZERO => {
                        let since = *alert.keep_firing_since.get_or_insert(now);
                        if now.since(since) >= terms.keep_firing_for {
                            resolve(alert, now);
                        }
                    }
                    AlertState::Firing => resolve(alert, now),
                    _ => alert.state = AlertState::Inactive,
                },
            }
            ripen(alert, now, terms);
            if alert.state != from {
                changed.push(Transition { from, alert: alert.clone() });
            }
        }
        for (fingerprint, mut alert) in fresh {
            ripen(&mut alert, now, terms);
            changed.push(Transition { from: AlertState::Inactive, alert: alert.clone() });
            self.alerts.insert(fingerprint, Tracked { alert, sent_at: None });
        }
        self.alerts.retain(|_, Tracked { alert, .. }| alert.state != AlertState::Inactive && !is_forgotten(alert, now));
        self.within(terms.limit, now).map(|()| changed)
    }

    /// Ends all alerts, as for a rule that is removed. Returns those that changed their state.
    pub fn end(&mut self, now: Timestamp) -> Vec<Transition> {
        let mut changed = Vec::new();
        for Tracked { alert, .. } in self.alerts.values_mut() {
            let from = alert.state;
            match from {
                AlertState::Firing => resolve(alert, now),
                AlertState::Pending => alert.state = AlertState::Inactive,
                _ => continue,
            }
            alert.evaluated_at = now;
            changed.push(Transition { from, alert: alert.clone() });
        }
        self.alerts.retain(|_, Tracked { alert, .. }| alert.state != AlertState::Inactive);
        changed
    }

    /// Returns what is to be told now: what fires and what is over, at once when it is over and again every
    /// `resend_after`. What fires ends, if nothing more is heard of it, four times that later, or four intervals.
    pub fn notices(&mut self, now: Timestamp, resend_after: Duration, interval: Duration) -> Vec<Notice> {
        let mut notices = Vec::new();
        for tracked in self.alerts.values_mut() {
            let alert = &tracked.alert;
            let is_due = match (alert.state, tracked.sent_at) {
                (AlertState::Pending | AlertState::Inactive, _) => false,
                (_, None) => true,
                (_, Some(sent)) => alert.resolved_at.is_some_and(|at| at > sent) || sent.plus(resend_after) < now,
            };
            if is_due {
                tracked.sent_at = Some(now);
                let ends_at = alert.resolved_at.unwrap_or_else(|| now.plus(resend_after.max(interval) * 4));
                notices.push(Notice { alert: tracked.alert.clone(), ends_at });
            }
        }
        notices
    }

    /// Notes the incident that an alert belongs to.
    pub fn attach(&mut self, fingerprint: &str, incident: crate::id::Id) {
        if let Some(tracked) = self.alerts.get_mut(fingerprint) {
            tracked.alert.incident = Some(incident);
        }
    }

    /// Returns the alerts in the order of their fingerprints.
    pub fn iter(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.values().map(|tracked| &tracked.alert)
    }

    /// Returns the state of the rule: that of the alert that is furthest.
    pub fn state(&self) -> AlertState {
        let has = |state| self.iter().any(|alert| alert.state == state);
        [AlertState::Firing, AlertState::Pending].into_iter().find(|state| has(*state)).unwrap_or(AlertState::Inactive)
    }

    fn within(&mut self, limit: usize, now: Timestamp) -> Result<(), StepError> {
        let standing = |alert: &Alert| matches!(alert.state, AlertState::Pending | AlertState::Firing);
        let found = self.iter().filter(|alert| standing(alert)).count();
        if limit == 0 || found <= limit {
            return Ok(());
        }
        Err(StepError::TooMany { found, limit, ended: self.end(now) })
    }
}

/// Lets an alert fire once it has been pending for long enough, and wait again where that became longer.
fn ripen(alert: &mut Alert, now: Timestamp, terms: Terms) {
    let is_ripe = now.since(alert.active_at) >= terms.pending_for;
    if alert.state == AlertState::Pending && is_ripe {
        alert.state = AlertState::Firing;
        alert.fired_at = Some(now);
    } else if alert.state == AlertState::Firing && !is_ripe {
        alert.state = AlertState::Pending;
        alert.fired_at = None;
        alert.keep_firing_since = None;
    }
}

fn resolve(alert: &mut Alert, now: Timestamp) {
    alert.state = AlertState::Resolved;
    alert.resolved_at = Some(now);
}

fn is_forgotten(alert: &Alert, now: Timestamp) -> bool {
    alert.resolved_at.is_some_and(|at| now.since(at) > RESOLVED_RETENTION)
}
