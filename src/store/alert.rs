//! Where alert rules and alerts are kept.

use std::fmt::Debug;

use super::incident::Changed;
use super::query::{MAX_LIMIT, MAX_OFFSET, Paging, id_bounds, paging};
use super::{Cursor, Order, Page, StoreFuture};
use crate::alert::{Alert, AlertState};
use crate::id::Id;
use crate::rule::AlertRule;
use crate::timestamp::Timestamp;

/// Keeps alert rules and alerts.
///
/// A rule is changed as an incident is: by naming the version that the change is made from. An alert is known by its
/// fingerprint, and there is one of each; it belongs to the one evaluator of a store, so the last writer is right.
pub trait AlertStore: Debug + Send + Sync {
    /// Adds a rule; one that is there already stays as it is, and is answered as stale.
    fn add_rule<'a>(&'a self, rule: &'a AlertRule) -> StoreFuture<'a, Changed<AlertRule>>;

    /// Puts a rule in the place of its version `seen`.
    fn change_rule<'a>(&'a self, seen: u64, rule: &'a AlertRule) -> StoreFuture<'a, Changed<AlertRule>>;

    /// Removes a rule, and says whether there was one. Its alerts stay, for the evaluator to resolve.
    fn remove_rule(&self, id: Id) -> StoreFuture<'_, bool>;

    /// Finds a rule by its id.
    fn rule(&self, id: Id) -> StoreFuture<'_, Option<AlertRule>>;

    /// Finds rules, by the time at which they were made.
    fn rules<'a>(&'a self, query: &'a RuleQuery) -> StoreFuture<'a, Page<AlertRule>>;

    /// Puts alerts in the place of those with the same fingerprints; all of them or, on an error, none.
    ///
    /// An alert keeps the id under which it was first stored.
    fn put_alerts<'a>(&'a self, alerts: &'a [Alert]) -> StoreFuture<'a, ()>;

    /// Finds alerts, by the time at which they were first found.
    fn alerts<'a>(&'a self, query: &'a AlertQuery) -> StoreFuture<'a, Page<Alert>>;

    /// Forgets alerts that were over before a time, and those that are inactive and were last evaluated before it, and says
    /// how many.
    fn forget_alerts(&self, resolved_before: Timestamp) -> StoreFuture<'_, u64>;

    /// Counts the alerts that are firing.
    fn active_alerts(&self) -> StoreFuture<'_, u64>;
}

/// Which rules are wanted.
#[derive(Debug, Clone, PartialEq, Default)]
#[must_use = "a query does nothing until a store is asked"]
#[non_exhaustive]
pub struct RuleQuery {
    /// Only those that are enabled, or only those that are not.
    pub enabled: Option<bool>,
    paging: Paging,
}

impl RuleQuery {
    /// Asks for the newest rules.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for rules that are enabled, or for those that are not.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = Some(enabled);
        self
    }

    paging!();

    /// Tells whether a rule is what the query asks for, its place apart.
    pub fn matches(&self, rule: &AlertRule) -> bool {
        self.enabled.is_none_or(|enabled| enabled == rule.enabled)
    }

    /// Returns the smallest and the largest id that the cursor leaves; none when nothing is left.
    pub fn id_bounds(&self) -> Option<(Id, Id)> {
        id_bounds(None, None, &self.paging)
    }
}

/// Which alerts are wanted. Every condition that is set has to hold.
#[derive(Debug, Clone, PartialEq, Default)]
#[must_use = "a query does nothing until a store is asked"]
#[non_exhaustive]
pub struct AlertQuery {
    /// Of this rule.
    pub rule: Option<Id>,
    /// In one of these states; in any when there are none.
    pub states: Vec<AlertState>,
    /// With this fingerprint.
    pub fingerprint: Option<String>,
    paging: Paging,
}

impl AlertQuery {
    /// Asks for the newest alerts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for alerts of a rule.
    pub fn rule(mut self, rule: Id) -> Self {
        self.rule = Some(rule);
        self
    }

    /// Asks for alerts in a state, or in one of several when called again.
    pub fn state(mut self, state: AlertState) -> Self {
        self.states.push(state);
        self
    }

    /// Asks for the alert with a fingerprint.
    pub fn fingerprint(mut self, fingerprint: impl Into<String>) -> Self {
        self.fingerprint = Some(fingerprint.into());
        self
    }

    paging!();

    /// Tells whether an alert is what the query asks for, its place apart.
    pub fn matches(&self, alert: &Alert) -> bool {
        self.rule.is_none_or(|rule| rule == alert.rule)
            && (self.states.is_empty() || self.states.contains(&alert.state))
            && self.fingerprint.as_ref().is_none_or(|fingerprint| *fingerprint == alert.fingerprint)
    }

    /// Returns the smallest and the largest id that the cursor leaves; none when nothing is left.
    pub fn id_bounds(&self) -> Option<(Id, Id)> {
        id_bounds(None, None, &self.paging)
    }
}
