//! Events and samples over HTTP: kept when the answer says so, found by whose they are.

use http::Request;
use serde_json::{Value, json};
use watchkeeper::api::monitoring::PREFIX;
use watchkeeper::event::Event;

use crate::app::{App, Caller, USER};

fn refused_card() -> Value {
    json!({ "event_type": "log", "source": "checkout", "level": "error", "message": "card refused",
            "tags": { "order": 42, "region": "eu" }, "payload": { "card": { "brand": "visa" } } })
}

#[tokio::test]
async fn an_event_that_was_answered_with_201_is_found_with_all_that_was_told() {
    let app = App::new();
    let answer = app.post(Caller::User, "/events", refused_card()).await;
    assert_eq!(answer.status, 201);
    let kept = answer.data();
    for (field, value) in refused_card().as_object().expect("an object") {
        assert_eq!(&kept[field], value, "{field}");
    }
    assert_eq!(kept["created_by"], "ada");
    let path = format!("/events/{}", kept["id"].as_str().expect("an id"));
    assert_eq!(answer.headers["location"], format!("{PREFIX}{path}"));
    assert_eq!(app.get(Caller::User, &path).await.data(), kept);
    assert_eq!(app.get(Caller::User, "/events").await.data(), json!([kept]));
    let scrape = String::from_utf8(app.get(Caller::User, "/metrics/prometheus").await.body).expect("text");
    assert!(scrape.contains(r#"monitoring_events_total{event_type="log"} 1"#), "{scrape}");
}

#[tokio::test]
async fn a_user_finds_their_own_and_a_moderator_everybodys() {
    let app = App::new();
    let mine = app.post(Caller::User, "/events", refused_card()).await.data();
    let theirs = app.post(Caller::Other, "/events", refused_card()).await.data();
    app.watch.record_event(Event::log("checkout").message("the app's own"));
    while app.get(Caller::Admin, "/events").await.data().as_array().expect("a list").len() < 3 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(app.get(Caller::User, "/events").await.data(), json!([mine]));
    assert_eq!(app.get(Caller::Other, "/events").await.data(), json!([theirs]));
    let their_path = format!("/events/{}", theirs["id"].as_str().expect("an id"));
    let absent = app.get(Caller::User, "/events/019ab5c2-7d40-7004-8000-00001f2e3d4c").await;
    let hidden = app.get(Caller::User, &their_path).await;
    assert_eq!((hidden.status, &hidden.body), (404, &absent.body), "another's is not told from what is not there");
    assert_eq!(app.get(Caller::Moderator, &their_path).await.data(), theirs);
}

#[tokio::test]
async fn a_cursor_leads_through_ones_own_and_never_to_anothers() {
    let app = App::new();
    for number in 0..10 {
        for caller in [Caller::User, Caller::Other] {
            let body = json!({ "event_type": "log", "source": "checkout", "payload": { "number": number } });
            assert_eq!(app.post(caller, "/events", body).await.status, 201);
        }
    }
    let mut found = Vec::new();
    let mut path = "/events?limit=3".to_owned();
    loop {
        let answer = app.get(Caller::User, &path).await.json();
        found.extend(answer["data"].as_array().expect("a list").clone());
        let Some(next) = answer["next_cursor"].as_str() else { break };
        path = format!("/events?limit=3&cursor={next}");
    }
    let numbers: Vec<_> = found.iter().map(|event| event["payload"]["number"].as_u64().expect("a number")).collect();
    assert_eq!(numbers, (0..10).rev().collect::<Vec<_>>());
    assert!(found.iter().all(|event| event["created_by"] == "ada"));
    // Another's cursor, or one that was made up, is a place among one's own.
    let theirs = app.get(Caller::Other, "/events?limit=5").await.json();
    let cursor = theirs["next_cursor"].as_str().expect("a cursor");
    let answer = app.get(Caller::User, &format!("/events?cursor={cursor}")).await.data();
    assert!(answer.as_array().expect("a list").iter().all(|event| event["created_by"] == "ada"), "{answer}");
    let answer = app.get(Caller::User, "/events?cursor=ffffffff-ffff-7fff-bfff-ffffffffffff").await.data();
    assert_eq!(answer.as_array().expect("a list").len(), 10);
}

#[tokio::test]
async fn events_are_found_by_what_is_asked_for() {
    let app = App::new();
    app.post(Caller::User, "/events", refused_card()).await;
    let other = json!({ "event_type": "alert", "source": "bank", "level": "critical", "timestamp": "2026-01-01T00:00:00Z",
                        "tags": { "order": "42", "paid": true } });
    let too_old = app.post(Caller::User, "/events", other.clone()).await.error();
    assert_eq!(too_old, (400, "invalid_field".into(), "timestamp".into()));
    let mut other = other;
    other.as_object_mut().expect("an object").remove("timestamp");
    assert_eq!(app.post(Caller::User, "/events", other).await.status, 201);
    for (query, sources) in [
        ("source=bank", &["bank"] as &[_]),
        ("level=error", &["checkout"]),
        ("min_level=error", &["bank", "checkout"]),
        ("event_type=alert", &["bank"]),
        ("tag=order:42", &["checkout"]),
        ("tag=order:%2242%22", &["bank"]),
        ("tag=region:eu&tag=order:42", &["checkout"]),
        ("tag=region:eu&tag=order:43", &[]),
        ("tag=paid:true", &["bank"]),
        ("start_time=2026-01-01T00:00:00Z&end_time=2026-01-02T00:00:00Z", &[]),
        ("limit=1&offset=1", &["checkout"]),
    ] {
        let found = app.get(Caller::User, &format!("/events?{query}")).await.data();
        let found: Vec<_> = found.as_array().expect("a list").iter().map(|event| event["source"].clone()).collect();
        assert_eq!(found, sources, "{query}");
    }
    for (query, field) in [
        ("level=loud", "level"),
        ("start_time=yesterday", "start_time"),
        ("limit=1001", "limit"),
        ("offset=10001", "offset"),
        ("created_by=bob", "created_by"),
        ("tag=order", "tag"),
        ("cursor=7", "cursor"),
    ] {
        let error = app.get(Caller::User, &format!("/events?{query}")).await.error();
        assert_eq!(error, (400, "invalid_parameter".into(), field.into()), "{query}");
    }
}

#[tokio::test]
async fn of_many_events_each_is_kept_or_refused_by_itself() {
    let app = App::new();
    let good = r#"{"event_type":"log","source":"checkout"}"#;
    let lines = format!(
        "{good}\n\n{{\"event_type\":\"log\"}}\n{{\"event_type\":\"log\",\"source\":\"a\",\"source\":\"b\"}}\nnope\r\n{good}\n"
    );
    for (content, text) in [
        ("application/x-ndjson", lines.clone()),
        (
            "application/json",
            format!("[{}]", lines.trim().replace("\r\n", ",").replace("\n\n", ",").replace('\n', ",")),
        ),
    ] {
        let answer = app.post_raw("/events/bulk", &[("content-type", content)], text).await;
        assert_eq!(answer.status, 201, "{content}");
        let data = answer.data();
        assert_eq!((&data["accepted"], &data["refused"]), (&json!(2), &json!(3)), "{content}");
        let told: Vec<_> = data["items"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|item| {
                format!("{} {} {}", item["status"], item["error"]["code"], item["error"]["field"]).replace('"', "")
            })
            .collect();
        assert_eq!(
            told,
            [
                "stored null null",
                "refused invalid_field source",
                "refused invalid_json source",
                "refused invalid_json null",
                "stored null null"
            ],
            "{content}"
        );
    }
    assert_eq!(app.get(Caller::User, "/events").await.data().as_array().expect("a list").len(), 4);
    let nothing = app.post_raw("/events/bulk", &[("content-type", "application/x-ndjson")], "{}\n{}").await;
    assert_eq!(nothing.error(), (400, "invalid_field".into(), "0.event_type".into()));
    let too_many = format!("[{}]", vec![good; 1001].join(","));
    let refused = app.post_raw("/events/bulk", &[("content-type", "application/json")], too_many).await;
    assert_eq!(refused.error().1, "too_large");
}

#[tokio::test]
async fn the_same_key_creates_once_and_for_something_else_is_refused() {
    let app = App::new();
    let send = async |path: &str, key: &str, body: Value| {
        let request = Request::post(format!("{PREFIX}{path}"))
            .header("authorization", format!("Bearer {USER}"))
            .header("content-type", "application/json")
            .header("idempotency-key", key);
        app.send(request.body(body.to_string().into()).expect("a request")).await
    };
    let sample = json!({ "name": "queue_length", "metric_type": "gauge", "value": 3 });
    for (path, body) in [("/events", refused_card()), ("/metrics", sample)] {
        let first = send(path, "order-42", body.clone()).await;
        let again = send(path, "order-42", body.clone()).await;
        assert_eq!((first.status, again.status), (201, 200), "{path}");
        assert_eq!(first.data(), again.data(), "{path}");
        let mut changed = body.clone();
        changed[if path == "/events" { "source" } else { "name" }] = json!("another");
        assert_eq!(send(path, "order-42", changed).await.error().1, "key_reused", "{path}");
        assert_eq!(send(path, "order-43", body).await.status, 201, "{path}");
        assert_eq!(app.get(Caller::User, path).await.data().as_array().expect("a list").len(), 2, "{path}");
        assert_eq!(send(path, "with space", json!({})).await.error().0, 400);
    }
    let many = json!([refused_card(), refused_card()]);
    assert_eq!(send("/events/bulk", "all", many.clone()).await.status, 201);
    let again = send("/events/bulk", "all", many).await;
    assert_eq!((again.status, again.data()["accepted"].clone()), (200, json!(2)));
    assert_eq!(app.get(Caller::User, "/events").await.data().as_array().expect("a list").len(), 4);
}

#[tokio::test]
async fn samples_are_kept_and_found_by_name_and_label_whatever_their_value() {
    let app = App::new();
    for value in [json!(1.5), json!("NaN"), json!("+Inf"), json!("-Inf")] {
        let body = json!({ "name": "load", "metric_type": "gauge", "value": value, "labels": { "host": "a" } });
        assert_eq!(app.post(Caller::User, "/metrics", body).await.status, 201);
    }
    let other = json!({ "name": "load", "metric_type": "gauge", "value": 2, "labels": { "host": "b" } });
    app.post(Caller::User, "/metrics", other).await;
    let found = app.get(Caller::User, "/metrics?name=load&label=host:a").await.data();
    let values: Vec<_> = found.as_array().expect("a list").iter().map(|sample| sample["value"].clone()).collect();
    assert_eq!(values, [json!("-Inf"), json!("+Inf"), json!("NaN"), json!(1.5)]);
    assert_eq!(app.get(Caller::Other, "/metrics").await.data(), json!([]));
    for (body, field) in [
        (json!({ "name": "load", "metric_type": "gauge", "value": "3" }), "value"),
        (json!({ "name": "1load", "metric_type": "gauge", "value": 3 }), "name"),
        (json!({ "name": "load", "metric_type": "summary", "value": 3 }), "metric_type"),
        (json!({ "name": "load", "metric_type": "gauge", "value": 3, "labels": { "a-b": "c" } }), "labels"),
        (json!({ "name": "load", "metric_type": "gauge", "value": 3, "created_by": "bob" }), "created_by"),
    ] {
        assert_eq!(app.post(Caller::User, "/metrics", body).await.error().2, field);
    }
}
