//! The handle of a watch's alerts.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::Mutex as AsyncMutex;
use tokio::sync::watch;
use tokio::time::timeout;

use super::evaluator::{Evaluation, Evaluator, MOST_API_RULES, Surroundings};
use super::file::RuleGroup;
use super::group::{Outside, RuleHealth, RuleSource};
use super::incidents::Incidents;
use super::notify::{Outbox, RuleWebhooks, WEBHOOK_URL};
use super::options::AlertingOptions;
use super::receiver::{WebhookRefusal, WebhookSecret, admit, read};
use super::rule::{Rule, RuleError};
use crate::alert::{Alert, AlertState};
use crate::id::Id;
use crate::journal::Journal;
use crate::presets::monitoring::MonitoringMetrics;
use crate::promql::engine::Engine;
use crate::queue::{Accounts, Ended, Worker};
use crate::rule::AlertRule;
use crate::store::{AlertQuery, Leased, MAX_LIMIT, Store, StoreError};
use crate::telemetry;
use crate::timestamp::Timestamp;

/// The lease of the one evaluator of a store.
const LEASE: &str = "alert_evaluation";

/// The longest that one evaluation may take, its writes to the store included.
const MOST_TIME: Duration = Duration::from_secs(120);

/// The most alerts that are looked at to say in which state rules are.
const MOST_ALERTS: usize = 20_000;

/// The alerts of a watch: its rules, what they find, and the webhooks that come in. Cloning it copies a handle.
#[derive(Clone)]
pub struct Alerting {
    inner: Arc<Inner>,
}

struct Inner {
    around: Arc<Surroundings>,
    evaluator: AsyncMutex<Evaluator>,
    /// Of webhooks that come in, one is taken at a time: what they change is read and written back.
    received: AsyncMutex<Option<Incidents>>,
    secrets: Vec<WebhookSecret>,
    rule_webhooks: Option<RuleWebhooks>,
    shipped: Vec<RuleGroup>,
    is_direct: bool,
    holder: String,
    leads: AtomicBool,
    stop: watch::Sender<bool>,
    ended: Mutex<Option<Ended>>,
    health: Mutex<BTreeMap<Id, RuleHealth>>,
}

/// A rule as it stands.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RuleStatus {
    /// The rule.
    pub rule: AlertRule,
    /// The group that it is in: `api`, `app`, or that of a file.
    pub group: String,
    /// Whether it came with the app, so that it cannot be changed by the API.
    pub shipped: bool,
    /// The state of the alert that is furthest.
    pub state: AlertState,
    /// What the query answered last for that alert.
    pub value: Option<f64>,
    /// Since when it is in that state; none where it is inactive.
    pub since: Option<Timestamp>,
    /// How many alerts are pending or fire.
    pub alerts: usize,
    /// How the last evaluation by this instance went.
    pub health: Option<RuleHealth>,
}

/// What became of a webhook's alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Received {
    /// Alerts that were news.
    pub changed: usize,
    /// Alerts that were known already, or are older than what is known.
    pub known: usize,
    /// Alerts of the app's own, come back.
    pub ours: usize,
}

/// Says why a webhook's alerts were not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// The message is not taken, however often it is sent.
    #[error(transparent)]
    Refused(#[from] WebhookRefusal),
    /// They could not be stored now: 503, and the sender tries again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a watch's alerts are made of.
pub(crate) struct Parts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) journal: Journal,
    pub(crate) source: Arc<dyn RuleSource>,
    pub(crate) accounts: Accounts,
    pub(crate) metrics: Option<MonitoringMetrics>,
    pub(crate) worker: Worker,
    pub(crate) instance: String,
}

impl Alerting {
    /// Starts to evaluate, and returns the sinks that are to be closed with the watch.
    pub(crate) fn start(options: AlertingOptions, parts: Parts) -> (Self, Vec<Arc<dyn telemetry::Sink>>) {
        let Parts { store, journal, source, accounts, metrics, worker, instance } = parts;
        let (labels, url) = (options.external_labels, options.external_url);
        let mut outboxes = Vec::new();
        if let Some(alertmanager) = options.alertmanager {
            outboxes.push(Outbox::open(alertmanager.seen_outside(&labels, &url), &accounts, &worker));
        }
        for webhook in options.webhooks {
            outboxes.push(Outbox::open(webhook.seen_outside(&url), &accounts, &worker));
        }
        let rule_webhooks = options.rule_webhooks.map(|webhooks| webhooks.seen_outside(&url));
        let of_rules = rule_webhooks.clone().map(|webhooks| Outbox::open(webhooks, &accounts, &worker));
        let sinks = outboxes.iter().chain(&of_rules).map(Outbox::sink).collect();
        let is_direct = options.incidents.as_ref().is_some_and(super::IncidentPolicy::is_direct);
        let incidents = |direct: bool| {
            options.incidents.clone().filter(|_| direct).map(|policy| Incidents::new(Arc::clone(&store), policy))
        };
        let evaluator = Evaluator::new(options.groups.clone(), incidents(is_direct), Timestamp::now());
        let received = AsyncMutex::new(incidents(true));
        let around = Surroundings {
            store: Arc::clone(&store),
            journal,
            source,
            engine: Engine::new(options.limits),
            outside: Outside { external_labels: labels, external_url: url },
            metrics,
            interval: options.interval,
            resend_after: options.resend_after,
            outboxes,
            rule_webhooks: of_rules,
        };
        let inner = Arc::new(Inner {
            around: Arc::new(around),
            evaluator: AsyncMutex::new(evaluator),
            received,
            secrets: options.received,
            rule_webhooks,
            shipped: options.groups,
            is_direct,
            holder: instance,
            leads: AtomicBool::new(false),
            stop: watch::Sender::new(false),
            ended: Mutex::default(),
            health: Mutex::default(),
        });
        let (job, stop) = (Arc::downgrade(&inner), inner.stop.subscribe());
        match worker.run(move || evaluate_for_ever(Weak::clone(&job), stop.clone())) {
            Ok(ended) => *inner.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended),
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "alert rules cannot be evaluated"),
        }
        (Self { inner }, sinks)
    }

    /// Evaluates every rule now, if no other instance is the evaluator; `None` where one is.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub async fn evaluate(&self) -> Result<Option<Evaluation>, StoreError> {
        self.inner.turn(true).await
    }

    /// Tells whether this instance is the one that evaluates, as of the last evaluation.
    pub fn leads(&self) -> bool {
        self.inner.leads.load(Relaxed)
    }

    /// Tells whether somebody may send webhooks here.
    #[cfg(feature = "axum")]
    pub(crate) fn receives(&self) -> bool {
        !self.inner.secrets.is_empty()
    }

    /// Checks a rule as it would be by the API: its query, its templates, its threshold, and the webhook that it names.
    ///
    /// # Errors
    ///
    /// What is wrong, with the field and the position.
    pub fn check(&self, rule: &AlertRule) -> Result<(), RuleError> {
        Rule::read(rule)?;
        let Some(address) = rule.annotations.get(WEBHOOK_URL) else { return Ok(()) };
        let refused = |reason: String| Err(RuleError::about("annotations", format!("`{WEBHOOK_URL}`: {reason}")));
        match &self.inner.rule_webhooks {
            None => refused("rules of this app name no webhooks".to_owned()),
            Some(webhooks) => webhooks.check(address).or_else(|error| refused(error.to_string())),
        }
    }

    /// Returns how many rules the API may have.
    pub const fn most_rules() -> usize {
        MOST_API_RULES
    }

    /// Returns the rules that came with the app, those that record series not among them.
    pub fn shipped(&self) -> impl Iterator<Item = (&str, &AlertRule)> {
        self.inner.shipped.iter().flat_map(|group| {
            group.rules.iter().filter(|rule| !rule.records()).map(|rule| (group.name.as_str(), rule.written()))
        })
    }

    /// Says how rules stand, by the alerts that are in the store: whichever instance evaluates.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub async fn status(&self, rules: Vec<AlertRule>) -> Result<Vec<RuleStatus>, StoreError> {
        let mut standing = BTreeMap::<Id, Vec<Alert>>::new();
        let mut query = AlertQuery::new().state(AlertState::Pending).state(AlertState::Firing).limit(MAX_LIMIT);
        let mut seen = 0;
        loop {
            let page = self.inner.around.store.alerts(&query).await?;
            seen += page.items.len();
            page.items.into_iter().for_each(|alert| standing.entry(alert.rule).or_default().push(alert));
            match page.next {
                Some(next) if seen < MOST_ALERTS => query = query.after(next),
                _ => break,
            }
        }
        let groups: BTreeMap<Id, &str> = self.shipped().map(|(group, rule)| (rule.id, group)).collect();
        let health = self.inner.health.lock().unwrap_or_else(PoisonError::into_inner);
        let status = |rule: AlertRule| {
            let alerts = standing.remove(&rule.id).unwrap_or_default();
            let furthest =
                alerts.iter().max_by_key(|alert| (alert.state == AlertState::Firing, alert.value.map(f64::to_bits)));
            RuleStatus {
                group: groups.get(&rule.id).map_or("api", |group| group).to_owned(),
                shipped: groups.contains_key(&rule.id),
                state: furthest.map_or(AlertState::Inactive, |alert| alert.state),
                value: furthest.and_then(|alert| alert.value),
                since: furthest.map(|alert| alert.fired_at.unwrap_or(alert.active_at)),
                alerts: alerts.len(),
                health: health.get(&rule.id).cloned(),
                rule,
            }
        };
        Ok(rules.into_iter().map(status).collect())
    }

    /// Takes a message of Alertmanager's webhook, version 4: alerts that are news are kept, open or join incidents, and
    /// resolve them.
    ///
    /// It may come any number of times and in any order; what is older than what is known changes nothing. An alert of the
    /// app's own that comes back belongs to the incident that it has.
    ///
    /// # Errors
    ///
    /// When the sender does not bring what is wanted, the message is none, or the store does not take it now.
    pub async fn receive(&self, headers: &http::HeaderMap, body: &[u8]) -> Result<Received, ReceiveError> {
        let now = Timestamp::now();
        admit(&self.inner.secrets, headers, body, now)?;
        let told = read(body)?;
        let (store, outside) = (&self.inner.around.store, &self.inner.around.outside);
        let mut incidents = self.inner.received.lock().await;
        let (mut received, mut news) = (Received::default(), Vec::new());
        for told in told {
            let find = |fingerprint: String| async move {
                let query = AlertQuery::new().fingerprint(fingerprint).limit(1);
                store.alerts(&query).await.map(|page| page.items.into_iter().next())
            };
            if self.inner.is_direct
                && let Some(fingerprint) = told.fingerprint_of_ours(&outside.external_labels)
                && find(fingerprint).await?.is_some()
            {
                received.ours += 1;
                continue;
            }
            match told.after(find(told.fingerprint()).await?.as_ref(), now) {
                Some(alert) => news.push(alert),
                None => received.known += 1,
            }
        }
        received.changed = news.len();
        if let Some(incidents) = incidents.as_mut() {
            let fired: Vec<Alert> = news.iter().filter(|alert| alert.state == AlertState::Firing).cloned().collect();
            let found = incidents.fired(&fired, now).await?;
            for (fired, incident) in fired.iter().zip(found) {
                if let Some(alert) = news.iter_mut().find(|alert| alert.fingerprint == fired.fingerprint) {
                    alert.incident = incident.or(alert.incident);
                }
            }
        }
        for chunk in news.chunks(1000) {
            store.put_alerts(chunk).await?;
        }
        if let Some(incidents) = incidents.as_ref() {
            news.retain(|alert| alert.state == AlertState::Resolved);
            incidents.resolved(&news, now).await?;
        }
        Ok(received)
    }

    /// Ends the evaluation and gives the lease back, until a deadline.
    pub(crate) fn close(&self, deadline: Instant) {
        self.inner.stop.send_replace(true);
        let ended = self.inner.ended.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(ended) = ended {
            ended.wait(deadline);
        }
    }
}

impl Inner {
    /// Evaluates if it is this instance's turn.
    async fn turn(&self, all: bool) -> Result<Option<Evaluation>, StoreError> {
        let mut evaluator = self.evaluator.lock().await;
        let time = (self.around.interval * 3).max(Duration::from_secs(15));
        let fence = match self.around.store.acquire_lease(LEASE, &self.holder, time).await {
            Ok(Leased::Held(lease)) => Some(lease.fence),
            Ok(Leased::Taken(_)) => {
                self.leads.store(false, Relaxed);
                evaluator.loses_turn();
                return Ok(None);
            }
            // Whoever evaluated before goes on: that the store is away is what people may have to be told.
            Err(_) if self.leads() => None,
            Err(error) => return Err(error),
        };
        self.leads.store(true, Relaxed);
        let evaluated = match timeout(MOST_TIME, evaluator.run(&self.around, fence, all)).await {
            Ok(evaluated) => evaluated,
            Err(_) => {
                evaluator.loses_turn();
                tracing::error!("an evaluation of alert rules took too long, and was given up");
                return Ok(None);
            }
        };
        let health = evaluator.groups().iter().flat_map(|group| &group.rules);
        let health = health.map(|rule| (rule.rule.id(), rule.health.clone())).collect();
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = health;
        evaluated.map(Some)
    }

    fn leads(&self) -> bool {
        self.leads.load(Relaxed)
    }
}

/// Takes turns for as long as there is somebody who wants it.
async fn evaluate_for_ever(inner: Weak<Inner>, mut stop: watch::Receiver<bool>) {
    loop {
        let Some(there) = inner.upgrade() else { return };
        let rest = there.evaluator.lock().await.rest(Timestamp::now(), there.around.interval);
        drop(there);
        let stopped = timeout(rest, stop.wait_for(|stop| *stop)).await.is_ok();
        let Some(there) = inner.upgrade() else { return };
        if stopped {
            if there.leads() {
                let release = there.around.store.release_lease(LEASE, &there.holder);
                let _ = timeout(Duration::from_secs(1), release).await;
            }
            there.around.outboxes.iter().chain(&there.around.rule_webhooks).for_each(Outbox::close);
            return;
        }
        if let Err(error) = there.turn(false).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "alerts cannot be kept in the store");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.around.outboxes.iter().chain(&self.around.rule_webhooks).for_each(Outbox::close);
    }
}

impl fmt::Debug for Alerting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alerting").field("leads", &self.leads()).finish_non_exhaustive()
    }
}
