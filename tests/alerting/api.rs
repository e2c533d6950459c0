//! Alert rules over HTTP: who may, what is refused and where, how they stand.

use serde_json::{Value, json};
use watchkeeper::alert::AlertState;
use watchkeeper::alerting::AlertingOptions;
use watchkeeper::api::monitoring::{Role, Tokens};

use crate::app::{App, by_hand};
use crate::support::client::{Answer, Request};

struct Caller {
    app: App,
    address: std::net::SocketAddr,
}

impl Caller {
    fn start(options: AlertingOptions) -> Self {
        let tokens = Tokens::new().token("mia", Role::Moderator, "token-of-mia-moderator").unwrap();
        let tokens = tokens.token("ada", Role::User, "token-of-ada-the-user").unwrap();
        let app = App::called(options, tokens);
        let address = app.serve();
        Self { app, address }
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let request = Request::new(method, self.address, &format!("/api/v1/monitoring{path}"));
        let request = request.header("authorization", "Bearer token-of-mia-moderator");
        match body {
            Some(body) => request.json(body).send(),
            None => request.send(),
        }
    }
}

const SHIPPED: &str = "groups: [{name: shipped, rules: [{alert: Shipped, expr: load > 1}, {record: a, expr: load}]}]";

#[test]
fn a_moderator_makes_changes_and_removes_rules_and_sees_how_they_stand() {
    let caller = Caller::start(by_hand(SHIPPED));
    caller.app.table.set(&[("__name__", "load"), ("host", "a")], Some(50.0));
    let draft = json!({"name": "HalfLoad", "query": "load > 40", "labels": {"team": "shop"}, "severity": "high"});
    let made = caller.send("POST", "/alerts", Some(&draft));
    assert_eq!(made.status, 201, "{}", made.text());
    let rule = made.json()["data"].clone();
    assert_eq!(
        (&rule["state"], &rule["origin"], &rule["created_by"]),
        (&json!("inactive"), &json!("api"), &json!("mia"))
    );
    let path = format!("/alerts/{}", rule["id"].as_str().unwrap());

    caller.app.evaluate();
    let stands = caller.send("GET", &path, None).json()["data"].clone();
    assert_eq!((&stands["state"], &stands["value"], &stands["alerts"]), (&json!("firing"), &json!(50.0), &json!(1)));
    assert!(stands["since"].is_string() && stands["evaluated_at"].is_string() && stands["error"].is_null(), "{stands}");

    let stale = caller.send("PUT", &path, Some(&json!({"version": 7, "query": "load > 60"})));
    assert_eq!((stale.status, &stale.json()["error"]["code"]), (409, &json!("stale_version")));
    let changed = caller.send("PUT", &path, Some(&json!({"version": 1, "query": "load > 60"})));
    assert_eq!((changed.status, &changed.json()["data"]["version"]), (200, &json!(2)), "{}", changed.text());
    caller.app.evaluate();
    assert_eq!(caller.send("GET", &path, None).json()["data"]["state"], "inactive");

    let list = caller.send("GET", "/alerts", None).json();
    assert_eq!(list["data"].as_array().map(Vec::len), Some(1), "{list}");
    let shipped = caller.send("GET", "/alerts?origin=app", None).json()["data"].clone();
    assert_eq!((shipped.as_array().map(Vec::len), &shipped[0]["state"]), (Some(1), &json!("firing")), "{shipped}");
    let of_the_app = format!("/alerts/{}", shipped[0]["id"].as_str().unwrap());
    assert_eq!(caller.send("DELETE", &of_the_app, None).status, 409);
    assert_eq!(caller.send("GET", &of_the_app, None).json()["data"]["group"], "shipped");

    assert_eq!(caller.send("DELETE", &path, None).status, 200);
    assert_eq!(caller.send("GET", &path, None).status, 404);
    assert_eq!(caller.app.alerts(AlertState::Firing).len(), 1, "that of the app");
}

#[test]
fn a_rule_that_cannot_be_evaluated_is_refused_with_its_field_and_position() {
    let caller = Caller::start(by_hand(SHIPPED));
    for (draft, field, says) in [
        (json!({"name": "A", "query": "load > > 1"}), "query", "at byte 7 of `query`"),
        (json!({"name": "A", "query": "nosuch(load)"}), "query", "unknown function"),
        (json!({"name": "A", "query": "load > 1", "threshold_value": 2}), "threshold_value", "compares with 1"),
        (
            json!({"name": "A", "query": "load", "annotations": {"summary": "{{ $nobody }}"}}),
            "annotations",
            "at byte 3 of",
        ),
        (
            json!({"name": "A", "query": "load", "annotations": {"webhook_url": "http://169.254.169.254/"}}),
            "annotations",
            "webhook",
        ),
        (json!({"name": "A", "query": "load", "nosuch": 1}), "nosuch", "no such field"),
        (json!({"name": "A"}), "query", "missing"),
    ] {
        let answer = caller.send("POST", "/alerts", Some(&draft));
        let error = answer.json()["error"].clone();
        assert_eq!((answer.status, &error["field"]), (400, &json!(field)), "{draft}: {error}");
        assert!(error["message"].as_str().unwrap().contains(says), "{draft}: {error}");
    }
    let user = Request::new("GET", caller.address, "/api/v1/monitoring/alerts");
    assert_eq!(user.header("authorization", "Bearer token-of-ada-the-user").send().status, 403);
}
