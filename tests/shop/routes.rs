//! What each route of the shop answers.

use serde_json::{Value, json};

use crate::support::client::Answer;
use crate::support::example::{Server, example};
use crate::support::process::{Process, eventually};
use crate::{shop, shop_with};

#[track_caller]
fn login(shop: &Server, email: &str, password: &str) -> u16 {
    shop.request("POST", "/login").json(&json!({"email": email, "password": password})).send().status
}

#[track_caller]
fn pay(shop: &Server, body: Value) -> Answer {
    shop.request("POST", "/payments").json(&body).send()
}

/// The value of a line of the shop's scrape that starts with `series`.
#[track_caller]
fn scraped(shop: &Server, series: &str) -> f64 {
    let scrape = shop.get("/metrics");
    let line = scrape.text().lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{}", scrape.text())).parse().expect("a number")
}

#[test]
fn the_right_password_signs_in_and_a_wrong_one_does_not() {
    let shop = shop();

    assert_eq!(login(&shop, "ada@example.org", "open sesame"), 200);
    assert_eq!(login(&shop, "ada@example.org", "open barley"), 401);

    assert_eq!(scraped(&shop, r#"login_attempts_total{result="success"}"#), 1.0);
    assert_eq!(scraped(&shop, r#"login_attempts_total{result="invalid_credentials"}"#), 1.0);
}

#[test]
fn five_wrong_passwords_lock_one_e_mail_and_no_other() {
    let shop = shop();

    for _ in 0..5 {
        assert_eq!(login(&shop, "eve@example.org", "guess"), 401);
    }

    assert_eq!(login(&shop, "eve@example.org", "guess"), 429);
    assert_eq!(login(&shop, "eve@example.org", "open sesame"), 429);
    assert_eq!(login(&shop, "ada@example.org", "open sesame"), 200);
    assert_eq!(scraped(&shop, r#"login_attempts_total{result="rate_limited"}"#), 2.0);
}

#[test]
fn its_health_is_that_of_the_bank() {
    let shop = shop();

    for path in ["/health", "/health/ready"] {
        let answer = shop.get(path);
        assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("healthy")), "{path}");
        assert_eq!(
            (&answer.json()["checks"][0]["name"], &answer.json()["checks"][0]["state"]),
            (&json!("bank"), &json!("up"))
        );
    }
    assert_eq!(shop.get("/health/live").status, 200);
    assert_eq!(scraped(&shop, r#"watchkeeper_health_check_up{check="bank"}"#), 1.0);
}

#[test]
fn a_subscription_is_made_ended_and_taken_up_again() {
    let shop = shop();

    let made = shop.request("POST", "/subscriptions").send();
    assert_eq!(made.status, 201);
    assert_eq!(shop.request("DELETE", "/subscriptions/1").send().status, 204);
    assert_eq!(shop.request("POST", "/subscriptions/1/reactivate").send().status, 200);

    for event in ["created", "canceled", "reactivated"] {
        assert_eq!(scraped(&shop, &format!(r#"subscription_events_total{{event="{event}"}}"#)), 1.0);
    }
}

#[test]
fn a_payment_is_counted_in_cents_and_a_declined_card_as_failed() {
    let shop = shop();

    assert_eq!(pay(&shop, json!({"amount_cents": 1999, "card": "visa"})).status, 200);
    assert_eq!(pay(&shop, json!({"amount_cents": 1, "card": "visa"})).status, 200);
    assert_eq!(pay(&shop, json!({"amount_cents": 5000, "card": "declined"})).status, 402);

    assert_eq!(scraped(&shop, "revenue_cents_total"), 2000.0);
    assert_eq!(scraped(&shop, r#"payments_total{status="succeeded"}"#), 2.0);
    assert_eq!(scraped(&shop, r#"payments_total{status="failed"}"#), 1.0);
}

#[test]
fn cards_that_keep_being_declined_are_one_incident_with_a_timeline() {
    let shop = shop_with(&[], &[("MONITORING_TOKENS", "ann:moderator:0123456789abcdef")]);
    let ask = |path: &str| shop.request("GET", path).header("authorization", "Bearer 0123456789abcdef").send().json();
    for _ in 0..12 {
        pay(&shop, json!({"amount_cents": 5000, "card": "declined"}));
    }

    let incidents = eventually(|| {
        let incidents = ask("/api/v1/monitoring/incidents");
        let found = incidents["data"].as_array().is_some_and(|incidents| !incidents.is_empty());
        if found { Ok(incidents) } else { Err(incidents.to_string()) }
    });
    let [incident] = &incidents["data"].as_array().unwrap()[..] else { panic!("{incidents}") };
    assert_eq!((&incident["title"], &incident["status"]), (&json!("payments keep failing"), &json!("open")));
    let timeline = ask(&format!("/api/v1/monitoring/incidents/{}/timeline", incident["id"].as_str().unwrap()));
    let items = timeline["data"].as_array().unwrap();
    let of =
        |kind: &str| items.iter().filter(|item| item["type"] == kind).map(|item| &item["item"]).collect::<Vec<_>>();
    assert!(of("entry").iter().any(|entry| entry["kind"] == "created"), "{timeline}");
    assert!(of("event").iter().any(|event| event["message"] == "card declined"), "{timeline}");
}

#[test]
fn a_slow_answer_takes_as_long_as_was_asked_for() {
    let shop = shop();

    assert_eq!(shop.get("/slow?ms=300").status, 200);

    let spent = scraped(&shop, r#"http_request_duration_seconds_sum{method="GET",path="/slow"}"#);
    assert!(spent >= 0.3, "{spent} s were measured");
}

#[test]
fn a_stream_arrives_whole_and_its_bytes_are_counted() {
    let shop = shop();

    let few = shop.get("/stream?chunks=2");
    let many = shop.get("/stream?chunks=200");

    assert_eq!((few.status, many.status), (200, 200));
    assert!(many.body.len() > few.body.len(), "{} bytes, {} bytes", few.body.len(), many.body.len());
    let sent = scraped(&shop, r#"http_response_body_bytes_sum{method="GET",path="/stream"}"#);
    assert_eq!(sent, (few.body.len() + many.body.len()) as f64);
}

#[test]
fn an_order_is_shown_and_what_is_not_there_is_not_found() {
    let shop = shop();

    assert_eq!(shop.get("/orders/7").status, 200);
    assert_eq!(shop.get("/no/such/page").status, 404);
}

#[test]
fn the_shop_serves_on_after_an_error_and_a_panic() {
    let shop = shop();

    assert_eq!(shop.get("/fail").status, 500);
    // A panic is answered with 500, or the connection is closed.
    if let Ok(answer) = shop.request("GET", "/panic").try_send() {
        assert_eq!(answer.status, 500);
    }

    assert_eq!(shop.get("/orders/7").status, 200);
    assert_eq!(scraped(&shop, r#"http_request_outcomes_total{path="/panic",outcome="panicked"}"#), 1.0);
    assert_eq!(scraped(&shop, r#"http_requests_in_flight{method="GET",path="/panic"}"#), 0.0);
}

#[test]
fn on_start_the_shop_says_where_to_look() {
    let shop = shop();

    let metrics = format!("http://{}/metrics", shop.address);
    eventually(|| {
        let said = shop.process.stdout() + &shop.process.stderr();
        if said.lines().any(|line| line.contains(&metrics)) { Ok(()) } else { Err(format!("no {metrics} in\n{said}")) }
    });
}

#[test]
fn the_shop_sends_itself_traffic_when_asked() {
    let shop = shop_with(&["--traffic", "50"], &[]);

    eventually(|| match scraped(&shop, r#"login_attempts_total{result="success"}"#) {
        logins if logins >= 1.0 => Ok(()),
        logins => Err(format!("{logins} logins")),
    });
}

#[test]
fn an_unknown_argument_ends_the_shop_with_its_usage() {
    let mut process = Process::start(example("shop").arg("--trafic"));

    assert!(!process.wait().success());
    assert!(process.stderr().contains("--traffic"), "{}", process.stderr());
}

#[test]
fn the_shop_ends_by_itself_when_it_is_told_to() {
    let mut shop = shop();
    // From when on it waits to be told.
    assert_eq!(shop.get("/orders/7").status, 200);

    shop.process.signal("TERM");

    assert!(shop.process.wait().success(), "{}", shop.process.stderr());
}
