//! The shop's errors, as a real error tracker has them.

use std::collections::BTreeSet;
use std::thread;

use serde_json::Value;

use crate::support::bugsink::Bugsink;
use crate::support::example::{Server, example};
use crate::support::process::Process;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn traceparent() -> String {
    format!("00-{TRACE}-b7ad6b7169203331-01")
}

/// The innermost call of the app's own.
fn innermost(event: &Value) -> String {
    let stack = &event["exception"]["values"].as_array().expect("exceptions").last().expect("one")["stacktrace"];
    let frames = stack["frames"].as_array().expect("frames");
    let ours = frames.iter().rev().find(|frame| frame["in_app"] == true).expect("a frame of the app's own");
    ours["function"].as_str().expect("a name").to_owned()
}

/// What every event of the shop says.
#[track_caller]
fn says_which_request(event: &Value, route: &str, request_id: &str) {
    assert_eq!(event["release"], concat!("watchkeeper@", env!("CARGO_PKG_VERSION")), "{event}");
    assert_eq!(event["environment"], "staging", "{event}");
    assert_eq!(event["transaction"], format!("GET {route}").as_str(), "{event}");
    assert_eq!(event["request"], serde_json::json!({"method": "GET"}));
    let tags = &event["tags"];
    assert_eq!((&tags["http.route"], &tags["request_id"]), (&route.into(), &request_id.into()), "{event}");
    assert_eq!((&tags["trace_id"], &event["contexts"]["trace"]["trace_id"]), (&TRACE.into(), &TRACE.into()), "{event}");
}

#[test]
fn errors_and_panics_become_issues_that_say_which_request_it_was_and_requests_never_mix() {
    let bugsink = Bugsink::start();
    let shop = Server::start("shop", &[], &[("GLITCHTIP_DSN", &bugsink.dsn), ("ENVIRONMENT", "staging")]);
    let send = |path: &str, id: &str| {
        let request = shop.request("GET", path).header("traceparent", &traceparent()).header("x-request-id", id);
        // A panic closes the connection.
        let _ = request.try_send();
    };

    send("/fail?card=4111111111111111", "fail-1");
    let issues = bugsink.issues(1);
    send("/panic", "panic-1");
    let both = bugsink.issues(2);
    let (failed, panicked) = (&issues[0], both.iter().find(|issue| issue["id"] != issues[0]["id"]).expect("another"));

    assert_eq!(failed["calculated_type"], "shop::trouble");
    assert_eq!(failed["calculated_value"], "the warehouse does not answer");
    let event = &bugsink.events(failed, 1)[0];
    says_which_request(event, "/fail", "fail-1");
    assert!(innermost(event).starts_with("shop::trouble::fail"), "{}", innermost(event));
    assert_eq!(event["extra"]["warehouse"], "north");
    assert!(!event.to_string().contains("4111"), "{event}");

    assert_eq!(
        (&panicked["calculated_type"], &panicked["calculated_value"]),
        (&"panic".into(), &"asked to panic".into())
    );
    let events = bugsink.events(panicked, 1);
    assert_eq!(events.len(), 1, "one panic is one event");
    says_which_request(&events[0], "/panic", "panic-1");
    assert!(innermost(&events[0]).starts_with("shop::trouble::panics"), "{}", innermost(&events[0]));
    assert_eq!(events[0]["level"], "fatal");

    // Several at the same time, on several threads: each event has the id of its own request.
    thread::scope(|scope| {
        for number in 0..20 {
            let send = &send;
            scope.spawn(move || send("/fail", &format!("together-{number}")));
        }
    });
    let ids: BTreeSet<String> = bugsink
        .events(failed, 21)
        .iter()
        .map(|event| {
            let id = event["tags"]["request_id"].as_str().expect("an id").to_owned();
            says_which_request(event, "/fail", &id);
            assert_eq!(event.to_string().matches("together-").count(), usize::from(id != "fail-1"), "{event}");
            id
        })
        .collect();
    assert_eq!(ids.len(), 21, "{ids:?}");
}

#[test]
fn a_dsn_that_is_none_ends_the_shop_with_the_variable_and_without_the_key() {
    for (variable, value) in [("GLITCHTIP_DSN", "https://hunter2@host"), ("SENTRY_DSN", "hunter2")] {
        let mut process = Process::start(example("shop").env(variable, value).env("LISTEN_ADDR", "127.0.0.1:0"));
        assert!(!process.wait().success());
        let said = process.stderr();
        assert!(said.contains(variable) && said.contains("https://key@host/project"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn two_variables_that_differ_end_the_shop_and_two_that_agree_do_not() {
    let (one, two) = ("http://a@127.0.0.1:9/1", "http://b@127.0.0.1:9/1");
    let mut shop = example("shop");
    shop.env("SENTRY_DSN", one).env("GLITCHTIP_DSN", two).env("LISTEN_ADDR", "127.0.0.1:0");
    let mut process = Process::start(&mut shop);
    assert!(!process.wait().success());
    assert!(process.stderr().contains("SENTRY_DSN and GLITCHTIP_DSN are both set and differ"), "{}", process.stderr());
    let shop = Server::start("shop", &[], &[("SENTRY_DSN", one), ("GLITCHTIP_DSN", one)]);
    assert_eq!(shop.get("/orders/7").status, 200);
}
