//! The audit trail: what is in it, and who reads it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::app::{App, Caller};

/// Waits for so many entries, and returns the last ones first.
async fn entries(app: &App, query: &str, count: usize) -> Vec<Value> {
    for _ in 0..1000 {
        let found = app.get(Caller::Moderator, &format!("/audit?{query}")).await.data();
        let found = found.as_array().expect("a list").clone();
        if found.len() >= count {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not {count} entries for {query}");
}

fn told(entry: &Value) -> String {
    let text = |name: &str| entry[name].as_str().unwrap_or("-").to_owned();
    format!("{} {} {} {} {}", text("who"), text("role"), text("action"), text("outcome"), entry["details"]["status"])
}

#[tokio::test]
async fn every_change_is_in_it_when_it_is_answered_with_who_what_and_from_where() {
    let app = App::new();
    let incident = app.post(Caller::User, "/incidents", json!({ "title": "payments fail", "severity": "high" })).await;
    let path = format!("/incidents/{}", incident.data()["id"].as_str().expect("an id"));
    app.put(Caller::Moderator, &path, json!({ "status": "investigating" })).await;
    app.put(Caller::Moderator, &path, json!({ "status": "closed" })).await;
    app.post(Caller::User, &format!("{path}/notes"), json!({ "message": "hello" })).await;
    app.put(Caller::Admin, "/config", json!({ "log_filter": "info" })).await;
    let found = app.get(Caller::Moderator, "/audit").await.data();
    let found = found.as_array().expect("a list");
    let said: Vec<_> = found.iter().rev().map(told).collect();
    assert_eq!(
        said,
        [
            "ada user createIncident done 201",
            "mia moderator changeIncident done 200",
            "mia moderator changeIncident refused 409",
            "ada user addNote done 201",
            "zoe admin changeConfig refused 501",
        ]
    );
    assert_eq!(found[2]["target"], path);
    assert!(found[2]["address"].is_string(), "{}", found[2]);
}

#[tokio::test]
async fn every_refusal_and_every_read_of_anothers_things_is_in_it() {
    let app = App::new();
    app.get(Caller::User, "/config").await;
    app.get(Caller::User, "/events").await;
    let incident = app.post(Caller::User, "/incidents", json!({ "title": "payments fail", "severity": "high" })).await;
    let path = format!("/incidents/{}", incident.data()["id"].as_str().expect("an id"));
    app.put(Caller::User, &path, json!({ "status": "closed" })).await;
    app.get(Caller::Moderator, &path).await;
    app.get(Caller::Invalid, "/events").await;
    let refused: Vec<_> = entries(&app, "outcome=refused", 3).await.iter().rev().map(told).collect();
    assert_eq!(
        refused,
        ["ada user getConfig refused 403", "ada user changeIncident refused 403", "- - authenticate refused 401"]
    );
    let read = entries(&app, "who=mia&action=getIncident", 1).await;
    assert_eq!((&read[0]["target"], &read[0]["outcome"]), (&json!(path), &json!("read")));
    assert_eq!(app.get(Caller::Moderator, "/audit?who=ada&action=listEvents").await.data(), json!([]));
}

#[tokio::test]
async fn nobody_below_a_moderator_reads_it_and_nobody_writes_it() {
    let app = App::new();
    app.post(Caller::User, "/incidents", json!({ "title": "payments fail", "severity": "high" })).await;
    assert_eq!(app.get(Caller::User, "/audit").await.status, 403);
    assert_eq!(app.get(Caller::User, "/events").await.data(), json!([]), "nor as events");
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        assert_eq!(app.ask(Caller::Admin, method, "/audit", Some(json!({}))).await.status, 405);
    }
}

#[tokio::test]
async fn a_flood_of_refusals_is_one_entry_a_minute() {
    let app = App::new();
    for number in 0..200 {
        app.get(Caller::User, &format!("/config?{number}")).await;
    }
    let entries = entries(&app, "who=ada&outcome=refused", 1).await;
    assert!(entries.len() < 20, "{} entries", entries.len());
}
