//! The states of alerts, each step as a sentence.

use std::collections::BTreeMap;
use std::time::Duration;

use watchkeeper::alert::{Alert, AlertState};
use watchkeeper::alerting::{RuleAlerts, StepError, Terms};
use watchkeeper::{Id, Timestamp};

use AlertState::{Firing, Inactive, Pending, Resolved};

const MINUTE: Duration = Duration::from_secs(60);

/// A rule that waits for five minutes and keeps firing for none, seen once a minute.
struct Watched {
    rule: Id,
    alerts: RuleAlerts,
    terms: Terms,
    now: Timestamp,
}

impl Watched {
    fn new(pending_for: u32, keep_firing_for: u32) -> Self {
        let terms = Terms::new(MINUTE * pending_for, MINUTE * keep_firing_for);
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        Self { rule: Id::at(now), alerts: RuleAlerts::default(), terms, now }
    }

    fn found(&self, instance: &str, value: f64) -> Alert {
        let labels = BTreeMap::from([("instance".to_owned(), instance.to_owned())]);
        let mut alert = Alert::new(self.rule, labels, self.now);
        alert.value = Some(value);
        alert
    }

    /// Evaluates with these instances found, and lets a minute pass.
    fn sees(&mut self, instances: &[&str]) -> Vec<(AlertState, AlertState)> {
        let found = instances.iter().map(|instance| self.found(instance, 1.0)).collect();
        let changed = self.alerts.step(self.now, self.terms, found).expect("an evaluation that can be used");
        self.now = self.now.plus(MINUTE);
        changed.into_iter().map(|change| (change.from, change.alert.state)).collect()
    }

    fn states(&self) -> Vec<AlertState> {
        self.alerts.iter().map(|alert| alert.state).collect()
    }
}

#[test]
fn an_alert_is_pending_after_the_first_evaluation_that_finds_it() {
    let mut rule = Watched::new(5, 0);
    assert_eq!(rule.sees(&[]), []);
    assert_eq!(rule.alerts.state(), Inactive);
    assert_eq!(rule.sees(&["a"]), [(Inactive, Pending)]);
    assert_eq!(rule.alerts.state(), Pending);
}

#[test]
fn an_alert_fires_once_it_has_been_found_for_as_long_as_the_rule_says_and_not_before() {
    let mut rule = Watched::new(5, 0);
    rule.sees(&["a"]);
    for _ in 1..5 {
        assert_eq!(rule.sees(&["a"]), []);
    }
    let now = rule.now;
    assert_eq!(rule.sees(&["a"]), [(Pending, Firing)]);
    assert_eq!(rule.alerts.iter().next().unwrap().fired_at, Some(now));
}

#[test]
fn an_alert_of_a_rule_that_waits_for_nothing_fires_at_once() {
    let mut rule = Watched::new(0, 0);
    assert_eq!(rule.sees(&["a"]), [(Inactive, Firing)]);
}

#[test]
fn an_alert_that_clears_while_it_is_pending_is_gone_and_begins_anew() {
    let mut rule = Watched::new(5, 0);
    rule.sees(&["a"]);
    assert_eq!(rule.sees(&[]), [(Pending, Inactive)]);
    assert_eq!(rule.states(), []);
    let again = rule.now;
    assert_eq!(rule.sees(&["a"]), [(Inactive, Pending)]);
    assert_eq!(rule.alerts.iter().next().unwrap().active_at, again);
}

#[test]
fn an_alert_keeps_firing_for_as_long_as_the_rule_says_after_it_is_found_no_longer() {
    let mut rule = Watched::new(0, 3);
    rule.sees(&["a"]);
    assert_eq!([rule.sees(&[]), rule.sees(&[]), rule.sees(&[])].concat(), []);
    assert_eq!(rule.states(), [Firing]);
    assert_eq!(rule.sees(&[]), [(Firing, Resolved)]);
}

#[test]
fn an_alert_that_is_found_again_while_it_keeps_firing_keeps_firing_as_long_once_more() {
    let mut rule = Watched::new(0, 3);
    rule.sees(&["a"]);
    rule.sees(&[]);
    rule.sees(&[]);
    rule.sees(&["a"]);
    assert_eq!(rule.alerts.iter().next().unwrap().keep_firing_since, None);
    assert_eq!([rule.sees(&[]), rule.sees(&[]), rule.sees(&[])].concat(), []);
    assert_eq!(rule.sees(&[]), [(Firing, Resolved)]);
}

#[test]
fn an_alert_that_is_over_is_kept_for_fifteen_minutes() {
    let mut rule = Watched::new(0, 0);
    rule.sees(&["a"]);
    assert_eq!(rule.sees(&[]), [(Firing, Resolved)]);
    for _ in 1..=15 {
        rule.sees(&[]);
        assert_eq!(rule.states(), [Resolved]);
    }
    rule.sees(&[]);
    assert_eq!(rule.states(), []);
}

#[test]
fn an_alert_that_is_found_again_after_it_was_over_is_pending_again_and_is_told_again() {
    let mut rule = Watched::new(2, 0);
    rule.sees(&["a"]);
    rule.sees(&["a"]);
    rule.sees(&["a"]);
    let id = rule.alerts.iter().next().unwrap().id;
    rule.sees(&[]);
    assert_eq!(rule.alerts.notices(rule.now, MINUTE, MINUTE).len(), 1);
    assert_eq!(rule.sees(&["a"]), [(Resolved, Pending)]);
    let alert = rule.alerts.iter().next().unwrap();
    assert_eq!((alert.id, alert.resolved_at, alert.fired_at), (id, None, None));
    rule.sees(&["a"]);
    assert_eq!(rule.sees(&["a"]), [(Pending, Firing)]);
    assert_eq!(rule.alerts.notices(rule.now, MINUTE, MINUTE).len(), 1);
}

#[test]
fn an_alert_that_fires_is_pending_again_when_the_rule_is_changed_to_wait_longer() {
    let mut rule = Watched::new(2, 0);
    rule.sees(&["a"]);
    rule.sees(&["a"]);
    rule.sees(&["a"]);
    rule.terms.pending_for = MINUTE * 5;
    assert_eq!(rule.sees(&["a"]), [(Firing, Pending)]);
    rule.sees(&["a"]);
    assert_eq!(rule.sees(&["a"]), [(Pending, Firing)]);
}

#[test]
fn other_labels_are_another_alert() {
    let mut rule = Watched::new(1, 0);
    rule.sees(&["a"]);
    let mut changed = rule.sees(&["b"]);
    changed.sort_by_key(|(from, _)| from.as_str());
    assert_eq!(changed, [(Inactive, Pending), (Pending, Inactive)]);
    assert_eq!(rule.sees(&["a", "b"]).len(), 2, "one begins, one fires");
}

#[test]
fn two_series_with_the_same_labels_are_an_error_and_change_nothing() {
    let mut rule = Watched::new(0, 0);
    rule.sees(&["a"]);
    let twice = vec![rule.found("b", 1.0), rule.found("b", 2.0)];
    assert_eq!(rule.alerts.step(rule.now, rule.terms, twice), Err(StepError::SameLabels));
    assert_eq!(rule.states(), [Firing]);
}

#[test]
fn a_rule_with_more_alerts_than_it_may_have_is_an_error_and_loses_all_of_them() {
    let mut rule = Watched::new(0, 0);
    rule.terms = rule.terms.limit(2);
    rule.sees(&["a", "b"]);
    let three = ["a", "b", "c"].map(|instance| rule.found(instance, 1.0)).to_vec();
    let error = rule.alerts.step(rule.now, rule.terms, three).unwrap_err();
    assert!(matches!(&error, StepError::TooMany { found: 3, limit: 2, ended } if ended.len() == 3), "{error:?}");
    assert_eq!(rule.alerts.state(), Inactive);
}

#[test]
fn a_restart_keeps_how_long_an_alert_has_been_pending_and_does_not_count_the_time_between() {
    let mut rule = Watched::new(5, 0);
    rule.sees(&["a"]);
    rule.sees(&["a"]);
    rule.sees(&["a"]);
    // Two minutes of waiting are over at the last evaluation; now it is half an hour after that.
    let stored: Vec<_> = rule.alerts.iter().cloned().collect();
    rule.now = stored[0].evaluated_at.plus(MINUTE * 30);
    rule.alerts = RuleAlerts::restore(stored, rule.now, rule.now);
    assert_eq!([rule.sees(&["a"]), rule.sees(&["a"]), rule.sees(&["a"])].concat(), []);
    assert_eq!(rule.sees(&["a"]), [(Pending, Firing)]);
}

#[test]
fn a_restart_after_more_than_an_hour_lets_what_was_pending_begin_anew_and_what_fires_go_on() {
    for (pending_for, expected) in [(5, vec![(Inactive, Pending)]), (0, vec![])] {
        let mut rule = Watched::new(pending_for, 0);
        rule.sees(&["a"]);
        let stored: Vec<_> = rule.alerts.iter().cloned().collect();
        rule.now = rule.now.plus(MINUTE * 90);
        rule.alerts = RuleAlerts::restore(stored, rule.now, rule.now);
        assert_eq!(rule.sees(&["a"]), expected);
    }
}

#[test]
fn after_a_restart_an_alert_is_not_over_for_want_of_a_history() {
    let mut rule = Watched::new(0, 0);
    rule.sees(&["a"]);
    let stored: Vec<_> = rule.alerts.iter().cloned().collect();
    rule.alerts = RuleAlerts::restore(stored, rule.now, rule.now.plus(MINUTE * 3));
    assert_eq!([rule.sees(&[]), rule.sees(&[]), rule.sees(&[])].concat(), []);
    assert_eq!(rule.states(), [Firing]);
    assert_eq!(rule.sees(&[]), [(Firing, Resolved)]);
}

#[test]
fn a_rule_that_is_removed_resolves_its_alerts() {
    let mut rule = Watched::new(0, 10);
    rule.sees(&["a"]);
    let changed = rule.alerts.end(rule.now);
    assert_eq!(changed.len(), 1);
    assert_eq!((changed[0].alert.state, changed[0].alert.resolved_at), (Resolved, Some(rule.now)));
    assert_eq!(rule.alerts.notices(rule.now, MINUTE, MINUTE)[0].ends_at, rule.now);
}

#[test]
fn what_fires_is_told_at_once_and_again_after_the_resend_delay_and_what_is_pending_never() {
    let mut rule = Watched::new(1, 0);
    rule.sees(&["a"]);
    assert_eq!(rule.alerts.notices(rule.now, MINUTE, MINUTE), []);
    rule.sees(&["a"]);
    let told = rule.alerts.notices(rule.now, MINUTE, MINUTE);
    assert_eq!(told[0].ends_at, rule.now.plus(MINUTE * 4));
    let later = |seconds| rule.now.plus(Duration::from_secs(seconds));
    assert_eq!(rule.alerts.notices(later(60), MINUTE, MINUTE), []);
    assert_eq!(rule.alerts.notices(later(61), MINUTE, MINUTE).len(), 1);
}
