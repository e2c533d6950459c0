//! Alert rules and alerts in memory.

use std::collections::{BTreeMap, HashMap};

use super::{Memory, page, read, write};
use crate::alert::{Alert, AlertState};
use crate::id::Id;
use crate::rule::AlertRule;
use crate::store::{AlertQuery, AlertStore, Changed, Page, RuleQuery, StoreError, StoreErrorKind, StoreFuture};
use crate::timestamp::Timestamp;

/// Rules by id, alerts by id, and which alert has a fingerprint.
#[derive(Debug)]
pub(super) struct Alerts {
    rules: BTreeMap<Id, AlertRule>,
    alerts: BTreeMap<Id, Alert>,
    fingerprints: HashMap<String, Id>,
    max_rules: usize,
    max_alerts: usize,
}

impl Alerts {
    pub(super) fn new(max_rules: usize, max_alerts: usize) -> Self {
        let (rules, alerts, fingerprints) = (BTreeMap::new(), BTreeMap::new(), HashMap::new());
        Self { rules, alerts, fingerprints, max_rules, max_alerts }
    }

    fn put(&mut self, alerts: &[Alert]) -> Result<(), StoreError> {
        let mut fresh: Vec<&str> = alerts.iter().map(|alert| alert.fingerprint.as_str()).collect();
        fresh.sort_unstable();
        fresh.dedup();
        let fresh = fresh.into_iter().filter(|fingerprint| !self.fingerprints.contains_key(*fingerprint)).count();
        if self.alerts.len() + fresh > self.max_alerts {
            return Err(StoreError::new(StoreErrorKind::Full, "put_alerts"));
        }
        for alert in alerts {
            let id = *self.fingerprints.entry(alert.fingerprint.clone()).or_insert(alert.id);
            let mut alert = alert.clone();
            alert.id = id;
            self.alerts.insert(id, alert);
        }
        Ok(())
    }

    fn forget(&mut self, before: Timestamp) -> u64 {
        let (alerts, fingerprints) = (&mut self.alerts, &mut self.fingerprints);
        let had = alerts.len();
        alerts.retain(|_, alert| {
            let over = match alert.state {
                AlertState::Resolved => alert.resolved_at.is_some_and(|at| at < before),
                AlertState::Inactive => alert.evaluated_at < before,
                AlertState::Pending | AlertState::Firing => false,
            };
            if over {
                fingerprints.remove(&alert.fingerprint);
            }
            !over
        });
        (had - alerts.len()) as u64
    }
}

impl AlertStore for Memory {
    fn add_rule<'a>(&'a self, rule: &'a AlertRule) -> StoreFuture<'a, Changed<AlertRule>> {
        Box::pin(async move {
            let mut alerts = write(&self.inner.alerts);
            if let Some(there) = alerts.rules.get(&rule.id) {
                return Ok(Changed::Stale(Box::new(there.clone())));
            }
            if alerts.rules.len() >= alerts.max_rules {
                return Err(StoreError::new(StoreErrorKind::Full, "add_rule"));
            }
            alerts.rules.insert(rule.id, rule.clone());
            Ok(Changed::Done)
        })
    }

    fn change_rule<'a>(&'a self, seen: u64, rule: &'a AlertRule) -> StoreFuture<'a, Changed<AlertRule>> {
        Box::pin(async move {
            let mut alerts = write(&self.inner.alerts);
            Ok(match alerts.rules.get_mut(&rule.id) {
                None => Changed::Absent,
                Some(there) if there.version != seen => Changed::Stale(Box::new(there.clone())),
                Some(there) => {
                    *there = rule.clone();
                    Changed::Done
                }
            })
        })
    }

    fn remove_rule(&self, id: Id) -> StoreFuture<'_, bool> {
        Box::pin(async move { Ok(write(&self.inner.alerts).rules.remove(&id).is_some()) })
    }

    fn rule(&self, id: Id) -> StoreFuture<'_, Option<AlertRule>> {
        Box::pin(async move { Ok(read(&self.inner.alerts).rules.get(&id).cloned()) })
    }

    fn rules<'a>(&'a self, query: &'a RuleQuery) -> StoreFuture<'a, Page<AlertRule>> {
        Box::pin(async move {
            let alerts = read(&self.inner.alerts);
            let Some((first, last)) = query.id_bounds() else { return Ok(Page::default()) };
            let found = alerts.rules.range(first..=last).map(|(_, rule)| rule);
            Ok(page(query.paging(), found.filter(|rule| query.matches(rule)), |rule| rule.id))
        })
    }

    fn put_alerts<'a>(&'a self, alerts: &'a [Alert]) -> StoreFuture<'a, ()> {
        Box::pin(async move { write(&self.inner.alerts).put(alerts) })
    }

    fn alerts<'a>(&'a self, query: &'a AlertQuery) -> StoreFuture<'a, Page<Alert>> {
        Box::pin(async move {
            let alerts = read(&self.inner.alerts);
            let Some((first, last)) = query.id_bounds() else { return Ok(Page::default()) };
            let found = alerts.alerts.range(first..=last).map(|(_, alert)| alert);
            Ok(page(query.paging(), found.filter(|alert| query.matches(alert)), |alert| alert.id))
        })
    }

    fn forget_alerts(&self, resolved_before: Timestamp) -> StoreFuture<'_, u64> {
        Box::pin(async move { Ok(write(&self.inner.alerts).forget(resolved_before)) })
    }

    fn active_alerts(&self) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let alerts = read(&self.inner.alerts);
            Ok(alerts.alerts.values().filter(|alert| alert.state.is_active()).count() as u64)
        })
    }
}
