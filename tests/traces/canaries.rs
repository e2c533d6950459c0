//! Secrets that a client, an app or an operator may have, and none of which is in what leaves the process.

use axum::Router;
use axum::routing::{get as route, post};
use http::StatusCode;

use crate::receiver::{Answer, Receiver};
use crate::traced::{Traced, get, watched, with};

const CANARIES: [&str; 15] = [
    "canary-query",
    "canary-path",
    "canary-unmatched",
    "canary-cookie",
    "canary-bearer",
    "canary-header",
    "canary-user",
    "canary-agent",
    "canary-referer",
    "canary-baggage",
    "canary-field",
    "canary-text",
    "canary-chain",
    "canary-panic",
    "canary-number",
];

#[test]
fn no_secret_of_a_request_is_in_the_bytes_that_are_sent() {
    let receiver = Receiver::start(&[Answer::Take]);
    let traced = Traced::to(&receiver.endpoint(), &[]);
    let handler = || async {
        let _span = tracing::info_span!("work", password = "canary-field", api_key = ?"canary-field").entered();
        tracing::info!(text = "asked https://ada:canary-text@bank/pay?iban=canary-text", "token=canary-text");
        let cause = std::io::Error::other("postgres://ada:canary-chain@db refused");
        tracing::error!(error = &cause as &dyn std::error::Error, "password: canary-chain");
        tracing::error!(target: "panic", "cannot use Authorization: Bearer canary-panic");
        StatusCode::INTERNAL_SERVER_ERROR
    };
    let (app, _watch) = watched(
        Router::new().route("/reset/{token}", route(handler)).route("/orders", post(|| async { StatusCode::OK })),
    );

    let mut request =
        with(get("http://canary-user:canary-user@shop.example/reset/canary-path?key=canary-query"), "x", "y");
    for (name, value) in [
        ("cookie", "session=canary-cookie"),
        ("authorization", "Bearer canary-bearer"),
        ("x-secret", "canary-header"),
        ("user-agent", "canary-agent"),
        ("referer", "https://elsewhere.example/canary-referer"),
        ("baggage", "user=canary-baggage"),
        ("host", "canary-user:canary-user@shop.example"),
    ] {
        request = with(request, name, value);
    }
    traced.serve(&app, [request, get("/no/such/canary-unmatched?canary-query=1"), get("/orders?canary-query")]);
    traced.settled(4);

    let requests = receiver.requests();
    assert_eq!(requests.iter().map(|request| request.spans().len()).sum::<usize>(), 4);
    for request in &requests {
        let sent = format!("{}{}", request.head, String::from_utf8_lossy(&request.body));
        assert!(!sent.contains("canary"), "{:?} in {sent}", CANARIES.iter().find(|canary| sent.contains(**canary)));
    }
    assert!(requests.iter().any(|request| String::from_utf8_lossy(&request.body).contains("shop.example")));
}
