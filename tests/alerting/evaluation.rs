//! Rules evaluated in the process: what is stored, told and resolved.

use std::time::Duration;

use watchkeeper::alert::AlertState;
use watchkeeper::alerting::{AlertingOptions, IncidentPolicy};
use watchkeeper::event::EventType;
use watchkeeper::incident::{IncidentStatus, Severity};
use watchkeeper::rule::AlertRule;
use watchkeeper::store::{AlertStore, Changed, EventQuery, Scope};
use watchkeeper::{Timestamp, Watchkeeper};

use crate::app::{App, by_hand};

const LOAD: &str = "
groups:
- name: load
  rules:
  - record: load:max
    expr: max by (host) (load)
  - alert: HighLoad
    expr: load:max > 80
    labels: {severity: critical}
    annotations: {summary: '{{ $labels.host }} is at {{ $value }}', broken: '{{ query \"none\" | first }}'}
";

fn events(app: &App) -> Vec<String> {
    let query = EventQuery::new(Scope::All).event_type(EventType::Alert).oldest_first();
    let events = app.runtime.block_on(app.watch.store().events(&query)).unwrap().items;
    events
        .iter()
        .map(|event| format!("{}: {}", event.level().unwrap().as_str(), event.message().unwrap_or("")))
        .collect()
}

#[test]
fn an_alert_that_fires_is_an_event_and_an_incident_and_both_end_with_it() {
    let app = App::start(by_hand(LOAD));
    app.table.set(&[("__name__", "load"), ("host", "a"), ("core", "1")], Some(91.5));
    let evaluated = app.evaluate();
    assert_eq!((evaluated.rules, evaluated.failures, evaluated.firing), (2, 0, 1));
    let alert = &app.alerts(AlertState::Firing)[0];
    assert_eq!(alert.annotations["summary"], "a is at 91.5");
    // A template that fails does not stop the alert.
    assert!(alert.annotations["broken"].starts_with("<error expanding template:"), "{alert:?}");
    let incident = app.incidents().remove(0);
    assert_eq!((incident.title.as_str(), incident.severity), ("HighLoad: a is at 91.5", Severity::Critical));
    assert_eq!((incident.status, alert.incident), (IncidentStatus::Open, Some(incident.id)));

    app.table.set(&[("__name__", "load"), ("host", "a"), ("core", "1")], Some(10.0));
    assert_eq!(app.evaluate().firing, 0);
    assert_eq!(app.incidents()[0].status, IncidentStatus::Resolved);
    assert_eq!(app.alerts(AlertState::Resolved).len(), 1);
    let told = ["critical: HighLoad fires: a is at 91.5", "info: HighLoad is over: a is at 91.5"];
    app.until(|app| (events(app) == told).then_some(()), "two events");
}

#[test]
fn alerts_of_one_name_share_an_incident_until_the_last_of_them_is_over() {
    let app = App::start(by_hand(LOAD));
    for host in ["a", "b", "c"] {
        app.table.set(&[("__name__", "load"), ("host", host)], Some(99.0));
    }
    app.evaluate();
    assert_eq!((app.alerts(AlertState::Firing).len(), app.incidents().len()), (3, 1));
    app.table.set(&[("__name__", "load"), ("host", "a")], Some(1.0));
    app.evaluate();
    assert_eq!(app.incidents()[0].status, IncidentStatus::Open);
    for host in ["b", "c"] {
        app.table.set(&[("__name__", "load"), ("host", host)], Some(1.0));
    }
    app.evaluate();
    assert_eq!(app.incidents()[0].status, IncidentStatus::Resolved);
    // Again within half an hour: the same incident is open again.
    app.table.set(&[("__name__", "load"), ("host", "b")], Some(99.0));
    app.evaluate();
    assert_eq!((app.incidents().len(), app.incidents()[0].status.is_active()), (1, true));
}

#[test]
fn a_storm_of_incidents_is_one() {
    let policy = IncidentPolicy::new().group_by(["host"]).most_in_a_minute(5).most_attached(10);
    let app = App::start(by_hand(LOAD).incidents(policy));
    for host in 0..60 {
        app.table.set(&[("__name__", "load"), ("host", &host.to_string())], Some(99.0));
    }
    assert_eq!(app.evaluate().firing, 60);
    let incidents = app.incidents();
    assert_eq!(incidents.len(), 6);
    assert_eq!(incidents[5].title, "Many alerts at once");
}

#[test]
fn a_restart_takes_up_what_fired_and_a_rule_that_is_gone_resolves_its_alerts() {
    let app = App::start(by_hand(LOAD));
    app.table.set(&[("__name__", "load"), ("host", "a")], Some(99.0));
    app.evaluate();
    let before = app.alerts(AlertState::Firing).remove(0);
    let (table, store) = app.end();

    let app = App::resumed(by_hand(LOAD), table, store);
    app.evaluate();
    let after = app.alerts(AlertState::Firing).remove(0);
    assert_eq!((after.id, after.fired_at, after.incident), (before.id, before.fired_at, before.incident));
    assert_eq!(app.incidents().len(), 1);
    let (table, store) = app.end();

    let app = App::resumed(by_hand("groups: []"), table, store);
    app.evaluate();
    assert_eq!(app.alerts(AlertState::Firing), []);
    assert_eq!(app.incidents()[0].status, IncidentStatus::Resolved);
}

#[test]
fn of_several_instances_on_one_store_one_evaluates_and_another_takes_over() {
    let first = App::start(by_hand(LOAD));
    first.table.set(&[("__name__", "load"), ("host", "a")], Some(99.0));
    first.evaluate();
    let second = App::resumed(by_hand(LOAD), first.table.clone(), first.store.clone());
    let alerts = second.watch.alerts().unwrap().clone();
    assert_eq!(second.runtime.block_on(alerts.evaluate()).unwrap(), None);
    assert!(!alerts.leads());
    drop(first.end());
    assert_eq!(second.evaluate().firing, 1);
    assert!(alerts.leads());
    assert_eq!((second.alerts(AlertState::Firing).len(), second.incidents().len()), (1, 1));
}

#[test]
fn a_rule_of_the_store_is_evaluated_changed_and_removed_while_the_app_runs() {
    let app = App::start(by_hand("groups: []"));
    app.table.set(&[("__name__", "load"), ("host", "a")], Some(50.0));
    let mut rule = AlertRule::new("HalfLoad", "load", Timestamp::now());
    rule.threshold_value = Some(40.0);
    app.watch.alerts().unwrap().check(&rule).expect("a rule that can be evaluated");
    let store = app.store.clone();
    assert_eq!(app.runtime.block_on(store.add_rule(&rule)).unwrap(), Changed::Done);
    app.evaluate();
    let alert = app.alerts(AlertState::Firing).remove(0);
    assert_eq!((alert.value, alert.labels["severity"].as_str()), (Some(50.0), "medium"));

    rule.threshold_value = Some(60.0);
    rule.version = 2;
    app.runtime.block_on(store.change_rule(1, &rule)).unwrap();
    assert_eq!(app.evaluate().firing, 0);

    rule.threshold_value = Some(45.0);
    rule.version = 3;
    app.runtime.block_on(store.change_rule(2, &rule)).unwrap();
    assert_eq!(app.evaluate().firing, 1);
    app.runtime.block_on(store.remove_rule(rule.id)).unwrap();
    assert_eq!(app.evaluate().firing, 0);
    assert_eq!(app.alerts(AlertState::Resolved).len(), 1);
}

#[test]
fn a_wrong_rule_is_refused_with_its_field_its_position_and_a_reason() {
    let app = App::start(AlertingOptions::new());
    let check = |change: &dyn Fn(&mut AlertRule)| {
        let mut rule = AlertRule::new("Load", "load > 80", Timestamp::now());
        change(&mut rule);
        app.watch.alerts().unwrap().check(&rule)
    };
    assert!(check(&|_| {}).is_ok());
    let error = check(&|rule| rule.query = "load > > 80".into()).unwrap_err();
    assert_eq!((error.field, error.position), ("query", Some(7)), "{error}");
    let error = check(&|rule| rule.query = "nosuch(load)".into()).unwrap_err();
    assert_eq!((error.field, error.position), ("query", Some(0)), "{error}");
    let error = check(&|rule| drop(rule.labels.insert("team".into(), "{{ tableLink 1 }}".into()))).unwrap_err();
    assert_eq!((error.field, error.position), ("labels", Some(3)), "{error}");
    assert!(check(&|rule| rule.threshold_value = Some(80.0)).is_ok(), "it agrees with the query");
    let error = check(&|rule| rule.threshold_value = Some(81.0)).unwrap_err();
    assert_eq!((error.field, error.reason.contains("80")), ("threshold_value", true), "{error}");
    let error = check(&|rule| drop(rule.annotations.insert("webhook_url".into(), "http://x/".into()))).unwrap_err();
    assert_eq!(error.field, "annotations", "{error}");
}

#[test]
fn how_evaluation_fares_is_in_the_scrape() {
    let app = App::start(by_hand(&format!("{LOAD}\n  - alert: Broken\n    expr: load + on() group_left() load\n")));
    app.table.set(&[("__name__", "load"), ("host", "a")], Some(99.0));
    app.table.set(&[("__name__", "load"), ("host", "b")], Some(99.0));
    let evaluated = app.evaluate();
    assert_eq!((evaluated.rules, evaluated.failures), (3, 1));
    let scrape = scrape(&app.watch);
    for line in [
        "watchkeeper_rule_evaluations_total{status=\"success\"} 2\n",
        "watchkeeper_rule_evaluations_total{status=\"error\"} 1\n",
        "watchkeeper_rule_evaluation_duration_seconds_count 3\n",
    ] {
        assert!(scrape.contains(line), "{line} is not in\n{scrape}");
    }
    assert!(scrape.contains("watchkeeper_rule_evaluation_lag_seconds "), "{scrape}");
}

#[test]
fn rules_are_evaluated_by_themselves_at_their_interval() {
    let file = LOAD.replace("rules:", "interval: 200ms\n  rules:");
    let app = App::start(AlertingOptions::new().interval(Duration::from_secs(1)).rules(crate::app::rules(&file)));
    app.table.set(&[("__name__", "load"), ("host", "a")], Some(99.0));
    app.until(|app| (app.alerts(AlertState::Firing).len() == 1).then_some(()), "it fires");
    app.table.set(&[("__name__", "load"), ("host", "a")], Some(9.0));
    app.until(|app| app.incidents().first().filter(|incident| !incident.status.is_active()).map(drop), "it is over");
}

fn scrape(watch: &Watchkeeper) -> String {
    watch.registry().render(watchkeeper::metric::Format::Text)
}
