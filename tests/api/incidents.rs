//! Incidents over HTTP: who sees them, who changes what, from which version.

use http::Request;
use serde_json::{Value, json};
use watchkeeper::api::monitoring::PREFIX;

use crate::app::{App, Caller, MODERATOR, USER};

async fn opened(app: &App, caller: Caller, title: &str) -> Value {
    let body = json!({ "title": title, "description": "cards are refused", "severity": "high" });
    let answer = app.post(caller, "/incidents", body).await;
    assert_eq!((answer.status, answer.headers["etag"].as_bytes()), (201, b"\"1\"".as_slice()));
    answer.data()
}

fn path(incident: &Value) -> String {
    format!("/incidents/{}", incident["id"].as_str().expect("an id"))
}

#[tokio::test]
async fn an_incident_runs_from_report_to_resolution_with_one_entry_for_each_change() {
    let app = App::new();
    let incident = opened(&app, Caller::User, "payments fail").await;
    assert_eq!((&incident["created_by"], &incident["status"]), (&json!("ada"), &json!("open")));
    let path = path(&incident);
    let title = json!({ "title": "card payments fail", "version": 1 });
    assert_eq!(app.put(Caller::User, &path, title).await.data()["version"], 2);
    let taken = json!({ "status": "investigating", "assigned_to": "mia", "severity": "critical" });
    let taken = app.put(Caller::Moderator, &path, taken).await;
    assert_eq!((taken.data()["version"].clone(), taken.headers["etag"].as_bytes()), (json!(5), b"\"5\"".as_slice()));
    let note = app.post(Caller::User, &format!("{path}/notes"), json!({ "message": "since noon" })).await;
    assert_eq!((note.status, note.data()["created_by"].clone()), (201, json!("ada")));
    let mended = json!({ "status": "resolved", "root_cause": "an expired certificate" });
    let mended = app.put(Caller::Moderator, &path, mended).await.data();
    assert_eq!(mended["root_cause"], "an expired certificate");
    assert!(mended["resolved_at"].is_string() && mended["acknowledged_at"].is_string(), "{mended}");
    let timeline = app.get(Caller::User, &format!("{path}/timeline")).await.data();
    let kinds: Vec<_> =
        timeline.as_array().expect("a list").iter().rev().map(|entry| entry["item"]["kind"].clone()).collect();
    assert_eq!(
        kinds,
        [
            "created",
            "custom",
            "severity_changed",
            "assigned",
            "status_changed",
            "comment",
            "root_cause_set",
            "status_changed"
        ]
    );
    assert_eq!(app.get(Caller::Moderator, "/stats").await.data()["open_incidents"], 0);
    assert_eq!(
        app.put(Caller::Moderator, &path, json!({ "root_cause": null })).await.data()["root_cause"],
        Value::Null
    );
}

#[tokio::test]
async fn another_users_incident_is_not_there_in_any_way() {
    let app = App::new();
    let theirs = opened(&app, Caller::Other, "not for ada").await;
    let path = path(&theirs);
    for (method, path, body) in [
        ("GET", path.clone(), None),
        ("PUT", path.clone(), Some(json!({ "title": "mine now" }))),
        ("PUT", path.clone(), Some(json!({ "status": "cancelled", "reason": "none" }))),
        ("GET", format!("{path}/timeline"), None),
        ("POST", format!("{path}/notes"), Some(json!({ "message": "hello" }))),
    ] {
        let hidden = app.ask(Caller::User, method, &path, body.clone()).await;
        let absent = path.replace(theirs["id"].as_str().expect("an id"), "019ab5c2-7d40-7004-8000-00001f2e3d4c");
        let absent = app.ask(Caller::User, method, &absent, body).await;
        assert_eq!((hidden.status, hidden.body), (404, absent.body), "{method} {path}");
    }
    assert_eq!(app.get(Caller::User, "/incidents").await.data(), json!([]));
    assert_eq!(app.get(Caller::User, "/incidents?offset=1").await.json()["next_cursor"], Value::Null);
    let id = theirs["id"].as_str().expect("an id");
    assert_eq!(app.get(Caller::User, &format!("/incidents?cursor={id}")).await.data(), json!([]));
    assert_eq!(app.get(Caller::Other, &path).await.data(), theirs, "nothing was changed");
    assert_eq!(app.get(Caller::Moderator, "/incidents").await.data(), json!([theirs]));
}

#[tokio::test]
async fn each_field_is_changed_by_whose_role_allows_it() {
    let app = App::new();
    let fields = [
        ("title", json!("t"), true),
        ("description", json!("d"), true),
        ("status", json!("investigating"), false),
        ("severity", json!("low"), false),
        ("root_cause", json!("c"), false),
        ("assigned_to", json!("mia"), false),
        ("created_by", json!("bob"), false),
        ("dedup_key", json!("k"), false),
        ("id", json!("019ab5c2-7d40-7004-8000-00001f2e3d4c"), false),
        ("resolved_at", json!("2026-11-24T14:02:00Z"), false),
    ];
    for (field, value, of_user) in fields {
        let incident = opened(&app, Caller::User, "payments fail").await;
        let body = json!({ field: value });
        let known = !["created_by", "dedup_key", "id", "resolved_at"].contains(&field);
        for (caller, allowed) in [(Caller::User, of_user), (Caller::Moderator, known), (Caller::Admin, known)] {
            let answer = app.put(caller, &path(&incident), body.clone()).await;
            match (known, allowed) {
                (false, _) => assert_eq!(answer.error(), (400, "invalid_field".into(), field.into())),
                (true, true) => assert_eq!(answer.status, 200, "{caller:?} {field}"),
                (true, false) => assert_eq!(answer.error(), (403, "forbidden".into(), field.into())),
            }
        }
        let told = json!({ "title": "t", "severity": "low", field: value });
        let created = app.post(Caller::Admin, "/incidents", told).await;
        assert_eq!(created.status == 201, ["title", "description"].contains(&field) || field == "severity", "{field}");
    }
    let done = opened(&app, Caller::User, "payments fail").await;
    app.put(Caller::Moderator, &path(&done), json!({ "status": "resolved" })).await;
    assert_eq!(app.put(Caller::User, &path(&done), json!({ "title": "t" })).await.status, 403);
}

#[tokio::test]
async fn a_change_from_an_older_version_and_an_illegal_step_are_conflicts() {
    let app = App::new();
    let incident = opened(&app, Caller::User, "payments fail").await;
    let path = path(&incident);
    assert_eq!(app.put(Caller::User, &path, json!({ "title": "a", "version": 1 })).await.status, 200);
    let stale = app.put(Caller::User, &path, json!({ "title": "b", "version": 1 })).await;
    assert_eq!(stale.error(), (409, "stale_version".into(), "version".into()));
    for (tag, status) in [("\"1\"", 409), ("\"2\"", 200), ("2", 409), ("W/\"2\"", 409), ("*", 200)] {
        let request = Request::put(format!("{PREFIX}{path}"))
            .header("authorization", format!("Bearer {USER}"))
            .header("content-type", "application/json")
            .header("if-match", tag)
            .body(json!({ "title": "c" }).to_string().into());
        assert_eq!(app.send(request.expect("a request")).await.status, status, "{tag}");
    }
    let closed = app.put(Caller::Moderator, &path, json!({ "status": "closed" })).await;
    assert_eq!(closed.error(), (409, "invalid_transition".into(), "status".into()));
    let cancelled = app.put(Caller::Moderator, &path, json!({ "status": "cancelled" })).await;
    assert_eq!(cancelled.error(), (409, "invalid_transition".into(), "reason".into()));
    let merged = app.put(Caller::Moderator, &path, json!({ "merged_into": incident["id"] })).await;
    assert_eq!(merged.error(), (400, "invalid_field".into(), "merged_into".into()));
    let nothing = app.put(Caller::Moderator, &path, json!({})).await;
    assert_eq!((nothing.status, nothing.data()["version"].clone()), (200, json!(3)));
}

#[tokio::test]
async fn of_many_changes_at_once_from_one_version_one_is_made() {
    let app = std::sync::Arc::new(App::new());
    let incident = opened(&app, Caller::User, "payments fail").await;
    let changes = (0..20).map(|number| {
        let (app, path) = (app.clone(), path(&incident));
        tokio::spawn(async move {
            let body = json!({ "title": format!("title {number}"), "version": 1 });
            app.put(Caller::Moderator, &path, body).await.status
        })
    });
    let mut statuses = Vec::new();
    for change in changes.collect::<Vec<_>>() {
        statuses.push(change.await.expect("an answer"));
    }
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (200, [409; 19].as_slice()));
}

#[tokio::test]
async fn an_incident_and_a_note_that_are_sent_again_under_a_key_are_there_once() {
    let app = App::new();
    let send = async |path: &str, body: Value| {
        let request = Request::post(format!("{PREFIX}{path}"))
            .header("authorization", format!("Bearer {MODERATOR}"))
            .header("content-type", "application/json")
            .header("idempotency-key", "once");
        app.send(request.body(body.to_string().into()).expect("a request")).await
    };
    let incident = json!({ "title": "payments fail", "severity": "high" });
    let (first, again) = (send("/incidents", incident.clone()).await, send("/incidents", incident).await);
    assert_eq!((first.status, again.status, first.data()), (201, 200, again.data()));
    let other = json!({ "title": "another", "severity": "high" });
    assert_eq!(send("/incidents", other).await.error().1, "key_reused");
    let notes = format!("{}/notes", path(&first.data()));
    let (first, again) = (send(&notes, json!({ "message": "a" })).await, send(&notes, json!({ "message": "a" })).await);
    assert_eq!((first.status, again.status, first.data()), (201, 200, again.data()));
    assert_eq!(send(&notes, json!({ "message": "b" })).await.error().1, "key_reused");
    assert_eq!(app.get(Caller::Moderator, "/incidents").await.data().as_array().expect("a list").len(), 1);
}
