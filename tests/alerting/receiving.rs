//! Alertmanager's webhook as a sender sees it: who may send, what comes again, what comes late.

use std::net::SocketAddr;

use serde_json::{Value, json};
use watchkeeper::alert::AlertState;
use watchkeeper::alerting::{AlertingOptions, IncidentPolicy, WebhookSecret};
use watchkeeper::incident::IncidentStatus;

use crate::app::App;
use crate::support::client::{Answer, Request};

const PATH: &str = "/api/v1/monitoring/webhooks/alertmanager";

fn app() -> (App, SocketAddr) {
    let options = AlertingOptions::new()
        .incidents(IncidentPolicy::new().group_by(["instance"]))
        .receive(WebhookSecret::bearer("t0ken"))
        .receive(WebhookSecret::basic("am", "pass"))
        .receive(WebhookSecret::signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap());
    let app = App::start(options);
    let address = app.serve();
    (app, address)
}

/// A message about one alert that began at a second of an hour.
fn message(status: &str, began: u32, ended: Option<u32>) -> Value {
    let at = |second: u32| format!("2026-11-24T10:{:02}:{:02}.123456789Z", second / 60, second % 60);
    json!({
        "version": "4", "groupKey": "{}:{alertname=\"Down\"}", "truncatedAlerts": 0, "status": status, "receiver": "app",
        "groupLabels": {"alertname": "Down"}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://am:9093",
        "alerts": [{
            "status": status,
            "labels": {"alertname": "Down", "instance": "a", "severity": "page"},
            "annotations": {"summary": "a is down"},
            "startsAt": at(began),
            "endsAt": ended.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), at),
            "generatorURL": "http://prometheus:9090/graph?g0.expr=up", "fingerprint": "3a4f5b6c7d8e9f00",
        }],
    })
}

fn send(address: SocketAddr, message: &Value) -> Answer {
    Request::new("POST", address, PATH).header("authorization", "Bearer t0ken").json(message).send()
}

#[test]
fn a_message_opens_an_incident_and_the_one_that_ends_it_resolves_it() {
    let (app, address) = app();
    let answer = send(address, &message("firing", 0, None));
    assert_eq!((answer.status, &answer.json()["data"]["changed"]), (200, &json!(1)), "{}", answer.text());
    let incident = app.incidents().remove(0);
    assert_eq!((incident.title.as_str(), incident.status), ("Down: a is down", IncidentStatus::Open));
    assert_eq!(incident.severity, watchkeeper::incident::Severity::Critical);
    send(address, &message("resolved", 0, Some(90)));
    assert_eq!(app.incidents()[0].status, IncidentStatus::Resolved);
}

#[test]
fn ten_thousand_replays_are_one_alert_and_one_incident() {
    let (app, address) = app();
    let firing = message("firing", 0, None);
    assert_eq!(send(address, &firing).json()["data"]["changed"], 1);
    // Over the wire a few; the rest as the route hands them on.
    for _ in 0..50 {
        assert_eq!(send(address, &firing).json()["data"], json!({"changed": 0, "known": 1, "ours": 0}));
    }
    let alerts = app.watch.alerts().unwrap().clone();
    let headers = http::HeaderMap::from_iter([(http::header::AUTHORIZATION, "bearer t0ken".parse().unwrap())]);
    let body = firing.to_string();
    app.runtime.block_on(async {
        for _ in 50..10_000 {
            assert_eq!(alerts.receive(&headers, body.as_bytes()).await.unwrap().changed, 0);
        }
    });
    assert_eq!((app.alerts(AlertState::Firing).len(), app.incidents().len()), (1, 1));
    assert_eq!(app.incidents()[0].version, 1);
}

#[test]
fn what_arrives_late_changes_nothing() {
    let (app, address) = app();
    send(address, &message("resolved", 0, Some(10)));
    assert_eq!(send(address, &message("firing", 0, None)).json()["data"]["changed"], 0);
    assert_eq!((app.alerts(AlertState::Firing).len(), app.incidents().len()), (0, 0));
    // It began again: that is news, and then the end of the first time is none.
    send(address, &message("firing", 60, None));
    assert_eq!(send(address, &message("resolved", 0, Some(10))).json()["data"]["changed"], 0);
    assert_eq!(app.incidents()[0].status, IncidentStatus::Open);
}

#[test]
fn who_does_not_bring_what_is_wanted_is_turned_away_and_changes_nothing() {
    let (app, address) = app();
    let body = message("firing", 0, None);
    let post = || Request::new("POST", address, PATH).json(&body);
    let basic = |pair: &str| format!("Basic {}", base64(pair));
    for authorization in
        ["", "Bearer", "Bearer t0ke", "Bearer t0ken2", "Basic t0ken", &basic("am:wrong"), &basic("x:pass")]
    {
        assert_eq!(post().header("authorization", authorization).send().status, 401, "{authorization}");
    }
    assert_eq!(post().send().status, 401);
    assert_eq!(app.incidents().len(), 0);
    assert_eq!(post().header("authorization", &basic("am:pass")).send().status, 200);

    let bearer = |body: &Value| send(address, body).status;
    assert_eq!(bearer(&json!({"version": "3", "alerts": []})), 400);
    assert_eq!(bearer(&json!({"version": "4"})), 400);
    assert_eq!(bearer(&json!({"version": "4", "alerts": [{"status": "silenced"}]})), 400);
    let large = Request::new("POST", address, PATH).header("authorization", "Bearer t0ken");
    assert_eq!(large.json(&json!({"version": "4", "alerts": [], "x": "y".repeat(5 << 20)})).send().status, 413);
    assert_eq!(app.incidents().len(), 1);
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            out.push(if at <= chunk.len() { char::from(DIGITS[(bits >> (18 - 6 * at)) as usize & 63]) } else { '=' });
        }
    }
    out
}
