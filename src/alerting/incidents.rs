//! Incidents of alerts: which alerts make one, and when it is over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::rule::{ALERT_NAME, severity_of};
use crate::alert::{Alert, AlertState};
use crate::id::Id;
use crate::incident::{
    Actor, EntryKind, Incident, IncidentChange, IncidentStatus, MAX_TITLE_BYTES, Severity, TimelineEntry,
};
use crate::sanitise::truncate;
use crate::store::{AlertQuery, Changed, IncidentQuery, MAX_LIMIT, Opened, Scope, Store, StoreError};
use crate::timestamp::Timestamp;

/// How often a change is tried that others get ahead of.
const TRIES: usize = 8;

/// The key of the incident that everything joins once there are too many.
const STORM: &str = "alerts:storm";

/// What becomes of an alert that fires, as an incident.
///
/// Alerts that have the same name, and the same values of the labels that are grouped by, share an incident while it is
/// active. It is resolved when the last of them is over, and reopened when one fires again within 30 minutes; later, a new
/// one names it as the previous. In a storm, when more incidents would be opened in a minute than may be, whatever fires
/// joins one incident of the storm. An alert whose label `severity` is `none`, such as a watchdog's, opens none.
///
/// ```
/// use watchkeeper::alerting::IncidentPolicy;
/// use watchkeeper::incident::Severity;
///
/// let policy = IncidentPolicy::new().group_by(["job", "service"]).at_least(Severity::Medium);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a policy does nothing until it is used"]
pub struct IncidentPolicy {
    group_by: Vec<String>,
    at_least: Severity,
    resolves: bool,
    most_in_a_minute: usize,
    most_attached: usize,
    by_alertmanager: bool,
}

impl Default for IncidentPolicy {
    fn default() -> Self {
        Self {
            group_by: Vec::new(),
            at_least: Severity::Low,
            resolves: true,
            most_in_a_minute: 20,
            most_attached: 100,
            by_alertmanager: false,
        }
    }
}

impl IncidentPolicy {
    /// Opens an incident for each name of an alert, and resolves it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens one for each value of these labels as well. Default: none.
    pub fn group_by<L: Into<String>>(mut self, labels: impl IntoIterator<Item = L>) -> Self {
        self.group_by = labels.into_iter().map(Into::into).collect();
        self
    }

    /// Opens none for alerts that are less grave. Default: for all.
    pub fn at_least(mut self, severity: Severity) -> Self {
        self.at_least = severity;
        self
    }

    /// Leaves it to people to resolve them. Default: they are resolved when the last alert is over.
    pub fn resolved_by_people(mut self) -> Self {
        self.resolves = false;
        self
    }

    /// Opens at most so many in a minute; what fires then joins one incident of the storm. Default: 20.
    pub fn most_in_a_minute(mut self, incidents: usize) -> Self {
        self.most_in_a_minute = incidents.max(1);
        self
    }

    /// Names at most so many alerts in an incident's timeline at one time. Default: 100.
    pub fn most_attached(mut self, alerts: usize) -> Self {
        self.most_attached = alerts.max(1);
        self
    }

    /// Leaves it to Alertmanager's webhook to open them, so that what is silenced or inhibited there opens none. Default:
    /// an alert of the app's own opens one at once.
    pub fn by_alertmanager(mut self) -> Self {
        self.by_alertmanager = true;
        self
    }

    /// Tells whether the app's own alerts open incidents without Alertmanager.
    pub(super) fn is_direct(&self) -> bool {
        !self.by_alertmanager
    }

    /// What makes two alerts the same incident. It goes by labels alone: an alert of our own that comes back from
    /// Alertmanager, or the same rule evaluated by Prometheus, is the same incident.
    fn key(&self, labels: &BTreeMap<String, String>) -> String {
        let grouped = self.group_by.iter().map(String::as_str).chain([ALERT_NAME]);
        let kept = grouped.filter_map(|name| Some((name.to_owned(), labels.get(name)?.clone()))).collect();
        format!("alerts:{}", Alert::fingerprint(Id::MIN, &kept))
    }

    /// A line that says what it is.
    fn title(&self, alert: &Alert) -> String {
        let name = alert.labels.get(ALERT_NAME).map_or("alert", String::as_str);
        let group = self.group_by.iter().filter_map(|name| Some(format!("{name}={}", alert.labels.get(name)?)));
        let group: Vec<_> = group.collect();
        let title = match (alert.annotations.get("summary").filter(|text| !text.trim().is_empty()), group.is_empty()) {
            (Some(summary), _) => format!("{name}: {}", summary.trim()),
            (None, true) => name.to_owned(),
            (None, false) => format!("{name} ({})", group.join(", ")),
        };
        truncate(&title, MAX_TITLE_BYTES).to_owned()
    }
}

/// Opens, joins and resolves incidents as a policy says.
#[derive(Debug)]
pub(super) struct Incidents {
    store: Arc<dyn Store>,
    policy: IncidentPolicy,
    /// When the last ones were opened.
    opened: Vec<Timestamp>,
}

impl Incidents {
    pub(super) fn new(store: Arc<dyn Store>, policy: IncidentPolicy) -> Self {
        Self { store, policy, opened: Vec::new() }
    }

    /// Finds or opens the incidents of alerts that have begun to fire, and notes them there. Returns for each the incident
    /// that it belongs to; none where the policy wants none.
    pub(super) async fn fired(&mut self, alerts: &[Alert], now: Timestamp) -> Result<Vec<Option<Id>>, StoreError> {
        let mut known = BTreeMap::<String, (Id, usize)>::new();
        let mut found = Vec::with_capacity(alerts.len());
        for alert in alerts {
            let severity = severity_of(&alert.labels);
            let is_none = alert.labels.get("severity").is_some_and(|severity| severity == "none");
            if is_none || severity < self.policy.at_least {
                found.push(None);
                continue;
            }
            let key = self.policy.key(&alert.labels);
            let (incident, noted) = match known.get(&key) {
                Some(known) => *known,
                None => (self.open(&key, alert, severity, now).await?, 0),
            };
            if noted < self.policy.most_attached {
                self.store.attach_alert(incident, &alert.fingerprint, alert.fired_at.unwrap_or(now)).await?;
            }
            known.insert(key, (incident, noted + 1));
            found.push(Some(incident));
        }
        Ok(found)
    }

    /// Resolves the incidents of alerts that are over, unless another alert of theirs fires. The alerts are stored already.
    pub(super) async fn resolved(&self, alerts: &[Alert], now: Timestamp) -> Result<(), StoreError> {
        if !self.policy.resolves {
            return Ok(());
        }
        let mut over: Vec<Id> = alerts.iter().filter_map(|alert| alert.incident).collect();
        over.sort_unstable();
        over.dedup();
        if over.is_empty() {
            return Ok(());
        }
        let mut query = AlertQuery::new().state(AlertState::Firing).limit(MAX_LIMIT);
        loop {
            let page = self.store.alerts(&query).await?;
            over.retain(|incident| !page.items.iter().any(|alert| alert.incident == Some(*incident)));
            match page.next {
                Some(next) if !over.is_empty() => query = query.after(next),
                _ => break,
            }
        }
        for alert in alerts.iter().take(self.policy.most_attached) {
            if let Some(incident) = alert.incident {
                let at = alert.resolved_at.unwrap_or(now);
                let entry = TimelineEntry::new(incident, EntryKind::AlertResolved, now);
                let entry =
                    entry.detail("fingerprint", alert.fingerprint.as_str()).detail("resolved_at", at.to_string());
                self.store.add_entry(&entry).await?;
            }
        }
        for incident in over {
            self.change(incident, now, |incident| {
                incident
                    .status
                    .is_active()
                    .then_some(IncidentChange::Status { to: IncidentStatus::Resolved, reason: None })
            })
            .await?;
        }
        Ok(())
    }

    /// Finds the active incident of a key, reopens the one that has just been resolved, or opens one.
    async fn open(&mut self, key: &str, alert: &Alert, severity: Severity, now: Timestamp) -> Result<Id, StoreError> {
        let last = self.store.incidents(&IncidentQuery::new(Scope::All).dedup_key(key).limit(1)).await?.items.pop();
        if let Some(last) = &last {
            if last.status.is_active() {
                self.raise(last.id, severity, now).await?;
                return Ok(last.id);
            }
            if last.reopens_at(now) {
                let reopen = |incident: &Incident| {
                    let to = IncidentStatus::Investigating;
                    incident.reopens_at(now).then_some(IncidentChange::Status { to, reason: None })
                };
                if self.change(last.id, now, reopen).await? {
                    return Ok(last.id);
                }
            }
        }
        self.opened.retain(|at| now.since(*at) < Duration::from_secs(60));
        let is_storm = self.opened.len() >= self.policy.most_in_a_minute;
        let mut draft = if is_storm {
            Incident::draft("Many alerts at once", severity)
                .description(
                    "More incidents would have been opened than may be in a minute; these alerts share this one.",
                )
                .dedup_key(STORM)
        } else {
            let description = alert.annotations.get("description").map_or("", String::as_str);
            Incident::draft(self.policy.title(alert), severity).description(description).dedup_key(key)
        };
        if let Some(previous) = last.filter(|_| !is_storm) {
            draft = draft.previous(previous.id);
        }
        let (incident, created, _) = draft.started_at(alert.active_at).accept(now);
        match self.store.open_incident(&incident, &created).await? {
            Opened::New => {
                self.opened.push(now);
                Ok(incident.id)
            }
            Opened::Existing(there) => Ok(there.id),
        }
    }

    /// Automation raises how grave an incident is, and never lowers it.
    async fn raise(&self, incident: Id, severity: Severity, now: Timestamp) -> Result<(), StoreError> {
        let raise = |incident: &Incident| (incident.severity < severity).then_some(IncidentChange::Severity(severity));
        self.change(incident, now, raise).await.map(drop)
    }

    /// Makes a change for as long as it is wanted, whoever else changes the incident meanwhile; says whether it was made.
    async fn change(
        &self,
        id: Id,
        now: Timestamp,
        wanted: impl Fn(&Incident) -> Option<IncidentChange>,
    ) -> Result<bool, StoreError> {
        for _ in 0..TRIES {
            let Some(incident) = self.store.incident(id, &Scope::All).await? else { return Ok(false) };
            let seen = incident.version;
            let Some(change) = wanted(&incident) else { return Ok(false) };
            let Ok(Some((incident, entry))) = incident.change(change, &Actor::Automation, now) else {
                return Ok(false);
            };
            if let Changed::Done = self.store.change_incident(seen, &incident, &[entry]).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
