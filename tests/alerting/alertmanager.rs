//! The real Alertmanager, both ways.

use std::time::Duration;

use watchkeeper::alert::AlertState;
use watchkeeper::alerting::{AlertingOptions, Alertmanager, IncidentPolicy, WebhookSecret};
use watchkeeper::incident::IncidentStatus;
use watchkeeper::journal::Sink;

use crate::app::{App, rules};
use crate::support::alertmanager::Alertmanager as Server;
use crate::support::process::{eventually, free_port};

const RULES: &str = "
groups:
- name: load
  interval: 500ms
  rules:
  - alert: HighLoad
    expr: load > 80
    labels: {severity: critical}
    annotations: {summary: '{{ $labels.host }} is at {{ $value }}'}
  - alert: Quiet
    expr: quiet > 80
";

/// An app that sends to a server which tells it in turn, and leaves incidents to that.
fn pair(policy: IncidentPolicy) -> (App, Server) {
    let port = free_port();
    let server = Server::telling(&format!("http://127.0.0.1:{port}/api/v1/monitoring/webhooks/alertmanager"), "t0ken");
    let options = AlertingOptions::new()
        .interval(Duration::from_secs(1))
        .resend_after(Duration::from_secs(2))
        .rules(rules(RULES))
        .alertmanager(Alertmanager::new([server.url(), "http://127.0.0.1:9".to_owned()]).unwrap())
        .incidents(policy)
        .receive(WebhookSecret::bearer("t0ken"));
    let app = App::start(options);
    app.runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let routes: axum::Router = app.watch.routes();
        tokio::spawn(async move { axum::serve(listener, routes).await });
    });
    (app, server)
}

fn load(app: &App, host: &str, value: f64) {
    app.table.set(&[("__name__", "load"), ("host", host)], Some(value));
}

#[test]
fn alertmanager_fires_groups_and_resolves_and_its_webhook_opens_and_closes_the_incident() {
    let (app, server) = pair(IncidentPolicy::new().by_alertmanager());
    server.silence("Quiet");
    app.table.set(&[("__name__", "quiet")], Some(99.0));
    load(&app, "a", 91.0);
    load(&app, "b", 92.0);
    let incident = app.until(|app| app.incidents().pop(), "an incident by Alertmanager's webhook");
    assert!(incident.title.starts_with("HighLoad: "), "{incident:?}");
    let groups = server.groups();
    let group = groups.iter().find(|group| group["labels"]["alertname"] == "HighLoad").expect("a group of that name");
    eventually(|| match group["alerts"].as_array().map(Vec::len) {
        Some(2) => Ok(()),
        _ => server
            .groups()
            .iter()
            .any(|group| group["alerts"].as_array().is_some_and(|alerts| alerts.len() == 2))
            .then_some(())
            .ok_or("no group of two".into()),
    });
    load(&app, "a", 1.0);
    load(&app, "b", 1.0);
    app.until(|app| (app.incidents()[0].status == IncidentStatus::Resolved).then_some(()), "it is resolved");
    // What is silenced there fires here, is known there, and has opened nothing.
    assert!(
        server
            .alerts()
            .iter()
            .any(|alert| alert["labels"]["alertname"] == "Quiet" && alert["status"]["state"] == "suppressed")
    );
    assert!(app.alerts(AlertState::Firing).iter().any(|alert| alert.labels["alertname"] == "Quiet"));
    assert_eq!(app.incidents().len(), 1, "{:?}", app.incidents());
}

#[test]
fn an_alert_of_our_own_that_comes_back_is_the_same_incident() {
    let (app, server) = pair(IncidentPolicy::new());
    load(&app, "a", 91.0);
    app.until(|app| app.incidents().pop(), "an incident of our own");
    eventually(|| {
        server.alerts().iter().any(|alert| alert["labels"]["host"] == "a").then_some(()).ok_or("it is not there".into())
    });
    // Until the webhook has come back, and a little longer than the next one would take.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!((app.incidents().len(), app.alerts(AlertState::Firing).len()), (1, 1));
    load(&app, "a", 1.0);
    app.until(|app| (!app.incidents()[0].status.is_active()).then_some(()), "it is over");
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!((app.incidents().len(), app.incidents()[0].status), (1, IncidentStatus::Resolved));
}

/// How long Alertmanager is away: a few seconds, or as many as `WATCHKEEPER_TEST_OUTAGE` says.
fn outage() -> Duration {
    let seconds = std::env::var("WATCHKEEPER_TEST_OUTAGE").ok().map_or(5, |text| text.parse().expect("seconds"));
    Duration::from_secs(seconds)
}

#[test]
fn alertmanager_that_was_away_learns_of_everything() {
    let (app, mut server) = pair(IncidentPolicy::new());
    load(&app, "before", 91.0);
    eventually(|| {
        server.alerts().iter().any(|alert| alert["labels"]["host"] == "before").then_some(()).ok_or("not there".into())
    });
    server.stop();
    load(&app, "before", 1.0);
    for host in 0..200 {
        load(&app, &format!("during-{host}"), 91.0);
    }
    app.until(|app| (app.alerts(AlertState::Firing).len() == 200).then_some(()), "all fire");
    std::thread::sleep(outage());
    server.start();
    eventually(|| {
        let there = server.alerts();
        let during = there
            .iter()
            .filter(|alert| alert["labels"]["host"].as_str().is_some_and(|host| host.starts_with("during")));
        let (during, before) = (during.count(), there.iter().any(|alert| alert["labels"]["host"] == "before"));
        if during == 200 && !before { Ok(()) } else { Err(format!("{during} of 200 are there; before: {before}")) }
    });
    eventually(|| {
        let counts = app.watch.accounts().of(Sink::Alerts).expect("an account");
        let (accepted, stored, queued) = (counts.accepted(), counts.stored(), counts.queued());
        if accepted == stored + queued { Ok(()) } else { Err(format!("{counts:?}")) }
    });
}
