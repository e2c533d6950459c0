//! The evaluator: whose turn it is, what is evaluated, and what follows from it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;

use super::file::RuleGroup;
use super::group::{Evaluated, Evaluating, Group, Outside, RuleSource};
use super::incidents::Incidents;
use super::notify::{Outbox, WEBHOOK_URL};
use super::rule::Rule;
use super::states::{Notice, RuleAlerts, Transition};
use super::told::event_of;
use crate::alert::{Alert, AlertState};
use crate::id::Id;
use crate::journal::Journal;
use crate::presets::monitoring::MonitoringMetrics;
use crate::promql::engine::Engine;
use crate::store::{AlertQuery, MAX_LIMIT, RuleQuery, Store, StoreError};
use crate::timestamp::Timestamp;

/// The group of rules that come by the API.
const OF_THE_API: &str = "api";

/// The most rules that come by the API.
pub(super) const MOST_API_RULES: usize = 1000;

/// The most alerts that are put into the store at once.
const CHUNK: usize = 1000;

/// The most transitions that wait for a store that is away.
const MOST_OWED: usize = 10_000;

/// The most events that one evaluation writes; one more tells of the rest.
const MOST_EVENTS: usize = 200;

/// How long alerts that are over are found in the store.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// What an evaluator needs and never changes.
#[derive(Debug)]
pub(super) struct Surroundings {
    pub(super) store: Arc<dyn Store>,
    pub(super) journal: Journal,
    pub(super) source: Arc<dyn RuleSource>,
    pub(super) engine: Engine,
    pub(super) outside: Outside,
    pub(super) metrics: Option<MonitoringMetrics>,
    pub(super) interval: Duration,
    pub(super) resend_after: Duration,
    /// Told of every alert.
    pub(super) outboxes: Vec<Outbox>,
    /// Told of alerts whose rule names a webhook.
    pub(super) rule_webhooks: Option<Outbox>,
}

/// What an evaluation came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Evaluation {
    /// Rules that were evaluated.
    pub rules: usize,
    /// Rules that could not be.
    pub failures: usize,
    /// Alerts that are pending.
    pub pending: usize,
    /// Alerts that fire.
    pub firing: usize,
}

/// The groups and their alerts, of whoever evaluates.
#[derive(Debug)]
pub(super) struct Evaluator {
    groups: Vec<Group>,
    incidents: Option<Incidents>,
    /// The fence under which the alerts here are those of the store; none where they are to be read again.
    fence: Option<u64>,
    /// What the store has not been told yet.
    owed: Vec<Transition>,
    forgotten_at: Option<Instant>,
    /// When this process began to have a history.
    began: Timestamp,
    /// The rules that came with the app.
    shipped: Vec<RuleGroup>,
}

impl Evaluator {
    pub(super) fn new(shipped: Vec<RuleGroup>, incidents: Option<Incidents>, began: Timestamp) -> Self {
        Self { groups: Vec::new(), incidents, fence: None, owed: Vec::new(), forgotten_at: None, began, shipped }
    }

    /// The time until the next group is due.
    pub(super) fn rest(&self, now: Timestamp, interval: Duration) -> Duration {
        let own = self.shipped.iter().map(|group| group.interval.unwrap_or(interval));
        let rests = own.chain([interval]).map(|interval| {
            let micros = i64::try_from(interval.as_micros()).unwrap_or(i64::MAX).max(1);
            Duration::from_micros(micros.abs_diff(now.as_micros().rem_euclid(micros)))
        });
        rests.min().unwrap_or(interval).max(Duration::from_millis(5))
    }

    /// Says that another may have evaluated meanwhile.
    pub(super) fn loses_turn(&mut self) {
        self.fence = None;
        self.groups.clear();
        self.owed.clear();
    }

    /// Evaluates what is due; all of it, where that is asked for.
    ///
    /// Without a fence the store is away: rules are evaluated and people told all the same, by whoever did so before.
    pub(super) async fn run(
        &mut self,
        around: &Arc<Surroundings>,
        fence: Option<u64>,
        all: bool,
    ) -> Result<Evaluation, StoreError> {
        let now = Timestamp::now();
        if let Some(fence) = fence {
            if self.fence != Some(fence) {
                self.restore(around, now).await?;
            }
            self.read_rules(around, now).await?;
        }
        // Until the end nobody knows whether what is here is still right.
        let held = self.fence.take();
        let evaluated = self.evaluate(around, now, all).await;
        let Some((evaluated, counts)) = evaluated else {
            // It panicked: what the store has is taken up again.
            self.groups.clear();
            return Ok(Evaluation::default());
        };
        self.tell(around, now);
        self.owe(evaluated.transitions.clone());
        self.write_events(around, &evaluated.transitions);
        match fence {
            Some(fence) => {
                self.store(around, &evaluated.alerts, now).await?;
                self.fence = Some(fence);
            }
            None => self.fence = held,
        }
        Ok(counts)
    }

    /// Takes up the alerts that are in the store.
    async fn restore(&mut self, around: &Surroundings, now: Timestamp) -> Result<(), StoreError> {
        let mut stored = HashMap::<Id, Vec<Alert>>::new();
        let mut query = AlertQuery::new().limit(MAX_LIMIT);
        for state in [AlertState::Pending, AlertState::Firing, AlertState::Resolved] {
            query = query.state(state);
        }
        loop {
            let page = around.store.alerts(&query).await?;
            for alert in page.items {
                if alert.rule != super::receiver::RECEIVED {
                    stored.entry(alert.rule).or_default().push(alert);
                }
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => break,
            }
        }
        self.groups = self.shipped.iter().map(|group| Group::new(group.clone(), around.interval)).collect();
        for rule in self.groups.iter_mut().flat_map(|group| &mut group.rules) {
            let settles_at = self.began.plus(rule.rule.looks_back());
            rule.alerts = RuleAlerts::restore(stored.remove(&rule.rule.id()).unwrap_or_default(), now, settles_at);
        }
        let mut api = Group::empty(OF_THE_API, around.interval);
        for rule in rules_of(around).await? {
            let settles_at = self.began.plus(rule.looks_back());
            let alerts = RuleAlerts::restore(stored.remove(&rule.id()).unwrap_or_default(), now, settles_at);
            api.rules.push(Evaluating::new(rule, alerts));
        }
        // Rules that are there no more: their alerts are over.
        for (_, alerts) in stored {
            let mut alerts = RuleAlerts::restore(alerts, now, now);
            let ended = alerts.end(now);
            self.owe(ended);
            api.leaving.push(alerts);
        }
        self.groups.push(api);
        Ok(())
    }

    /// Takes up the rules that came by the API, as they are now. A rule that was changed keeps its alerts.
    async fn read_rules(&mut self, around: &Surroundings, now: Timestamp) -> Result<(), StoreError> {
        let mut wanted: BTreeMap<Id, Rule> =
            rules_of(around).await?.into_iter().map(|rule| (rule.id(), rule)).collect();
        let Some(api) = self.groups.iter_mut().find(|group| group.is_of_the_api()) else { return Ok(()) };
        let mut ended = Vec::new();
        for mut there in std::mem::take(&mut api.rules) {
            match wanted.remove(&there.rule.id()) {
                Some(rule) => {
                    if rule.written().version != there.rule.written().version {
                        there.rule = rule;
                    }
                    api.rules.push(there);
                }
                None => {
                    ended.extend(there.alerts.end(now));
                    api.leaving.push(there.alerts);
                }
            }
        }
        api.rules.extend(wanted.into_values().map(|rule| Evaluating::new(rule, RuleAlerts::default())));
        self.write_events(around, &ended);
        self.owe(ended);
        Ok(())
    }

    /// Evaluates on a thread that may be busy; nothing where it panicked.
    async fn evaluate(
        &mut self,
        around: &Arc<Surroundings>,
        now: Timestamp,
        all: bool,
    ) -> Option<(Evaluated, Evaluation)> {
        let (mut groups, around) = (std::mem::take(&mut self.groups), Arc::clone(around));
        let work = move || {
            let mut evaluated = Evaluated::default();
            let mut counts = Evaluation::default();
            for group in &mut groups {
                let due = if all { Some((now, 0)) } else { group.due(now) };
                let Some((at, missed)) = due else { continue };
                if let Some(metrics) = &around.metrics {
                    metrics.record_rule_lag(now.since(at), missed);
                }
                counts.rules += group.rules.len();
                let metrics = around.metrics.as_ref();
                evaluated.extend(group.evaluate(at, &around.engine, &*around.source, &around.outside, metrics));
            }
            counts.failures = evaluated.failures;
            for alert in groups.iter().flat_map(Group::alerts) {
                counts.pending += usize::from(alert.state == AlertState::Pending);
                counts.firing += usize::from(alert.state == AlertState::Firing);
            }
            (groups, evaluated, counts)
        };
        let (groups, evaluated, counts) = spawn_blocking(work).await.ok()?;
        self.groups = groups;
        Some((evaluated, counts))
    }

    /// Puts into the outboxes what is to be told now.
    fn tell(&mut self, around: &Surroundings, now: Timestamp) {
        let notices: Vec<Notice> =
            self.groups.iter_mut().flat_map(|group| group.notices(now, around.resend_after)).collect();
        for notice in notices {
            for outbox in &around.outboxes {
                outbox.offer(notice.clone());
            }
            if let Some(outbox) =
                around.rule_webhooks.as_ref().filter(|_| notice.alert.annotations.contains_key(WEBHOOK_URL))
            {
                outbox.offer(notice);
            }
        }
    }

    /// Stores the alerts, and brings the incidents in step with them.
    async fn store(&mut self, around: &Surroundings, alerts: &[Alert], now: Timestamp) -> Result<(), StoreError> {
        // What was owed first: an alert that is gone from its rule is to be told of all the same.
        let owed: Vec<Alert> = self.owed.iter().map(|change| change.alert.clone()).collect();
        let mut put: BTreeMap<&str, &Alert> = owed.iter().map(|alert| (alert.fingerprint.as_str(), alert)).collect();
        put.extend(alerts.iter().map(|alert| (alert.fingerprint.as_str(), alert)));
        let mut put: BTreeMap<String, Alert> =
            put.into_iter().map(|(key, alert)| (key.to_owned(), alert.clone())).collect();
        if let Some(incidents) = self.incidents.as_mut() {
            let fired: Vec<Alert> = owed.iter().filter(|alert| alert.state == AlertState::Firing).cloned().collect();
            let found = incidents.fired(&fired, now).await?;
            for (alert, incident) in fired.iter().zip(found) {
                let Some(incident) = incident else { continue };
                self.groups.iter_mut().for_each(|group| group.attach(&alert.fingerprint, incident));
                if let Some(alert) = put.get_mut(&alert.fingerprint) {
                    alert.incident = Some(incident);
                }
            }
        }
        let put: Vec<Alert> = put.into_values().collect();
        for chunk in put.chunks(CHUNK) {
            around.store.put_alerts(chunk).await?;
        }
        if let Some(incidents) = &self.incidents {
            let over: Vec<Alert> = put.into_iter().filter(|alert| alert.state == AlertState::Resolved).collect();
            let over: Vec<Alert> = over
                .into_iter()
                .filter(|alert| owed.iter().any(|owed| owed.fingerprint == alert.fingerprint))
                .collect();
            incidents.resolved(&over, now).await?;
        }
        self.owed.clear();
        if self.forgotten_at.is_none_or(|at| at.elapsed() > Duration::from_secs(600)) {
            around.store.forget_alerts(now.minus(KEPT)).await?;
            self.forgotten_at = Some(Instant::now());
        }
        Ok(())
    }

    fn owe(&mut self, transitions: Vec<Transition>) {
        let room = MOST_OWED.saturating_sub(self.owed.len());
        self.owed.extend(transitions.into_iter().take(room));
    }

    fn write_events(&self, around: &Surroundings, transitions: &[Transition]) {
        let told = || transitions.iter().filter_map(event_of);
        for event in told().take(MOST_EVENTS) {
            around.journal.record_event(event);
        }
        let rest = told().count().saturating_sub(MOST_EVENTS);
        if rest > 0 {
            around.journal.record_event(super::told::storm(rest));
        }
    }

    /// The groups, to be looked at.
    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }
}

/// Reads the enabled rules that came by the API. One that cannot be read any more is passed over, and that is said.
async fn rules_of(around: &Surroundings) -> Result<Vec<Rule>, StoreError> {
    let mut query = RuleQuery::new().enabled(true).limit(MAX_LIMIT);
    let mut rules = Vec::new();
    loop {
        let page = around.store.rules(&query).await?;
        for written in page.items {
            match Rule::read(&written) {
                Ok(rule) => rules.push(rule),
                Err(error) => tracing::warn!(rule = %written.name, %error, "an alert rule cannot be read"),
            }
        }
        match page.next {
            Some(next) if rules.len() < MOST_API_RULES => query = query.after(next),
            _ => return Ok(rules),
        }
    }
}
