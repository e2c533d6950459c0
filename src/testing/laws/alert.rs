//! The law of alert rules and alerts.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{ok, side_by_side, time};
use crate::alert::{Alert, AlertState};
use crate::id::Id;
use crate::rule::AlertRule;
use crate::store::{AlertQuery, AlertStore, Changed, RuleQuery};

fn alert(rule: Id, host: &str, state: AlertState, micros: i64) -> Alert {
    let mut alert = Alert::new(rule, BTreeMap::from([("host".to_owned(), host.to_owned())]), time(micros));
    alert.state = state;
    alert
}

/// A rule comes back with all that it had.
pub async fn a_rule_is_read_back_whole(store: &dyn AlertStore) {
    let mut rule = AlertRule::new("HighLoad", "cpu_usage{host=~\".+\"} > 80", time(0));
    rule.description = "ü".into();
    rule.threshold_value = Some(0.1 + 0.2);
    rule.pending_for = Duration::from_millis(300_500);
    rule.keep_firing_for = Duration::from_secs(60);
    rule.labels = BTreeMap::from([("team".into(), "a".into())]);
    rule.annotations = BTreeMap::from([("summary".into(), "{{ $value }}".into())]);
    rule.created_by = Some("ann".into());
    assert_eq!(ok(store.add_rule(&rule)).await, Changed::Done);
    assert_eq!(ok(store.rule(rule.id)).await, Some(rule.clone()));
    assert_eq!(ok(store.rules(&RuleQuery::new())).await.items, [rule.clone()]);
    assert_eq!(ok(store.add_rule(&rule)).await, Changed::Stale(Box::new(rule)));
}

/// Of two who change the same version, one wins and the other is told how it stands.
pub async fn of_two_changes_of_a_rule_one_is_stale(store: &dyn AlertStore) {
    let rule = AlertRule::new("r", "up == 0", time(0));
    assert_eq!(ok(store.change_rule(1, &rule)).await, Changed::Absent);
    ok(store.add_rule(&rule)).await;
    let both = ["up == 1", "up == 2"].map(|query| {
        let mut next = rule.clone();
        (next.query, next.version, next.updated_at) = (query.into(), 2, time(1));
        next
    });
    let calls = both.iter().map(|next| Box::pin(ok(store.change_rule(1, next))) as _).collect();
    let answers: Vec<Changed<AlertRule>> = side_by_side(calls).await;
    let there = ok(store.rule(rule.id)).await.expect("it is there");
    assert_eq!(answers.iter().filter(|answer| **answer == Changed::Done).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == Changed::Stale(Box::new(there.clone()))).count(), 1);
}

/// A rule that is removed is not there any more; its alerts are.
pub async fn a_rule_that_is_removed_is_gone(store: &dyn AlertStore) {
    let rule = AlertRule::new("r", "up == 0", time(0));
    ok(store.add_rule(&rule)).await;
    ok(store.put_alerts(&[alert(rule.id, "a", AlertState::Firing, 0)])).await;
    assert!(ok(store.remove_rule(rule.id)).await);
    assert!(!ok(store.remove_rule(rule.id)).await);
    assert_eq!(ok(store.rule(rule.id)).await, None);
    assert_eq!(ok(store.alerts(&AlertQuery::new().rule(rule.id))).await.items.len(), 1);
}

/// Rules come newest first, all of them or by whether they are enabled.
pub async fn rules_are_found_by_whether_they_are_enabled(store: &dyn AlertStore) {
    let mut rules = [0, 1, 2].map(|micros| AlertRule::new(format!("r{micros}"), "up == 0", time(micros)));
    rules[1].enabled = false;
    for rule in &rules {
        ok(store.add_rule(rule)).await;
    }
    rules.reverse();
    assert_eq!(ok(store.rules(&RuleQuery::new())).await.items, rules);
    let [newest, disabled, oldest] = rules;
    assert_eq!(ok(store.rules(&RuleQuery::new().enabled(true))).await.items, [newest, oldest]);
    assert_eq!(ok(store.rules(&RuleQuery::new().enabled(false))).await.items, [disabled]);
}

/// An alert that is put again takes the place of the one before it, under its id.
pub async fn a_fingerprint_has_one_alert(store: &dyn AlertStore) {
    let rule = Id::at(time(0));
    let first = alert(rule, "a", AlertState::Pending, 0);
    let mut again = alert(rule, "a", AlertState::Firing, 5);
    again.value = Some(-0.5);
    again.fired_at = Some(time(5));
    again.incident = Some(Id::at(time(4)));
    ok(store.put_alerts(&[first.clone(), alert(rule, "b", AlertState::Pending, 1)])).await;
    ok(store.put_alerts(&[again.clone()])).await;
    let found = ok(store.alerts(&AlertQuery::new().fingerprint(first.fingerprint.clone()))).await.items;
    again.id = first.id;
    assert_eq!(found, [again]);
    assert_eq!(ok(store.alerts(&AlertQuery::new())).await.items.len(), 2);
    ok(store.put_alerts(&[])).await;
}

/// Alerts are found by rule and state, and those that fire are counted.
pub async fn alerts_are_found_by_rule_and_state(store: &dyn AlertStore) {
    let rules = [Id::at(time(0)), Id::at(time(0))];
    let states = [AlertState::Pending, AlertState::Firing, AlertState::Resolved];
    let all: Vec<_> =
        rules.iter().flat_map(|rule| states.map(|state| alert(*rule, state.as_str(), state, 1))).collect();
    ok(store.put_alerts(&all)).await;
    let query = AlertQuery::new().rule(rules[1]).state(AlertState::Firing).state(AlertState::Pending);
    assert_eq!(ok(store.alerts(&query)).await.items, [all[4].clone(), all[3].clone()]);
    assert_eq!(ok(store.active_alerts()).await, 2);
}

/// What was over before a time is forgotten, and its fingerprint is free again.
pub async fn what_was_over_for_long_is_forgotten(store: &dyn AlertStore) {
    let rule = Id::at(time(0));
    let mut alerts = ["old", "new", "firing"].map(|host| alert(rule, host, AlertState::Resolved, 0));
    alerts[0].resolved_at = Some(time(9));
    alerts[1].resolved_at = Some(time(10));
    alerts[2].state = AlertState::Firing;
    ok(store.put_alerts(&alerts)).await;
    assert_eq!(ok(store.forget_alerts(time(10))).await, 1);
    assert_eq!(ok(store.alerts(&AlertQuery::new().oldest_first())).await.items, alerts[1..]);
    let again = alert(rule, "old", AlertState::Pending, 20);
    ok(store.put_alerts(std::slice::from_ref(&again))).await;
    let query = AlertQuery::new().fingerprint(again.fingerprint.clone());
    assert_eq!(ok(store.alerts(&query)).await.items, [again]);
}

/// Alerts and rules come in pages as events do.
pub async fn following_the_cursors_finds_each_once(store: &dyn AlertStore) {
    let rule = Id::at(time(0));
    let alerts: Vec<_> = (0..10).map(|n| alert(rule, &n.to_string(), AlertState::Firing, n / 3)).collect();
    ok(store.put_alerts(&alerts)).await;
    let (mut query, mut found) = (AlertQuery::new().limit(3).oldest_first(), Vec::new());
    loop {
        let page = ok(store.alerts(&query)).await;
        found.extend(page.items);
        let Some(next) = page.next else { break };
        query = query.after(next);
    }
    assert_eq!(found, alerts);
}
