//! Panics, as the error tracker hears of them: once each, with the request they happened in, and the process lives on.
#![cfg(feature = "sentry")]
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

#[path = "support/mod.rs"]
mod support;

use std::fmt;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use serde_json::{Value, json};
use support::process::eventually;
use support::tracker::{OK, Tracker};
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;
use watchkeeper::presets::monitoring::{DropReason, Sink};
use watchkeeper::{Telemetry, Watchkeeper, service_info};

/// The process' telemetry, and the tracker that it reports to. One for all tests, since it is the process'.
struct Process {
    tracker: Tracker,
    telemetry: Telemetry,
    watch: Watchkeeper,
}

fn process() -> &'static Process {
    static PROCESS: OnceLock<Process> = OnceLock::new();
    PROCESS.get_or_init(|| {
        // What the tests let panic is no news.
        std::panic::set_hook(Box::new(|_| {}));
        let tracker = Tracker::start(&[OK]);
        let telemetry = Telemetry::builder(service_info!()).sentry_dsn(tracker.dsn()).writer(std::io::sink());
        let telemetry = telemetry.sentry_traces_sample_rate(1.0).init().unwrap();
        let watch = Watchkeeper::builder(&telemetry).build().unwrap();
        Process { tracker, telemetry, watch }
    })
}

/// Sends a request in a task of its own, which may panic; gives back the status, if there is an answer.
async fn send(app: Router, path: &str) -> Option<u16> {
    let request = Request::get(path).header("x-request-id", "id-of-the-panic").body(Body::empty()).unwrap();
    tokio::spawn(app.oneshot(request)).await.ok().map(|answer| answer.unwrap().status().as_u16())
}

/// Waits for the events with this text until no more come.
#[track_caller]
fn events_with(text: &str) -> Vec<Value> {
    let tracker = &process().tracker;
    tracker.event_with(text);
    // Whoever reports after this reports twice.
    tracing::error!("marker behind {text}");
    tracker.event_with(&format!("marker behind {text}"));
    let of = |event: &Value| event["exception"]["values"][0]["value"].as_str() == Some(text);
    tracker.events().into_iter().filter(of).collect()
}

#[tokio::test]
async fn a_panic_in_a_handler_is_one_event_with_its_request_wherever_it_is_caught() {
    let panics =
        |text: &'static str| Router::new().route("/orders/{id}", get(async move || -> () { panic!("{text}") }));
    let layer = || process().watch.http_layer();
    let inside = panics("caught inside").layer(CatchPanicLayer::new()).layer(layer());
    let outside = panics("caught outside").layer(layer()).layer(CatchPanicLayer::new());
    let uncaught = panics("not caught").layer(layer());
    assert_eq!(send(inside, "/orders/7").await, Some(500));
    assert_eq!(send(outside, "/orders/7").await, Some(500));
    assert_eq!(send(uncaught, "/orders/7").await, None);
    for text in ["caught inside", "caught outside", "not caught"] {
        let events = events_with(text);
        assert_eq!(events.len(), 1, "{text}");
        let event = &events[0];
        assert_eq!((&event["level"], &event["transaction"]), (&json!("fatal"), &json!("GET /orders/{id}")));
        assert_eq!(event["tags"]["request_id"], "id-of-the-panic");
        assert_eq!(event["exception"]["values"][0]["mechanism"]["handled"], false);
        assert!(event["extra"]["location"].as_str().unwrap().starts_with("tests/panic_reports.rs:"), "{event}");
        let frames = event["exception"]["values"][0]["stacktrace"]["frames"].as_array().unwrap();
        let innermost = frames.last().unwrap()["function"].as_str().unwrap();
        assert!(innermost.starts_with("panic_reports::a_panic_in_a_handler"), "{innermost}");
    }
}

#[tokio::test]
async fn what_a_catching_layer_logs_is_not_a_second_event() {
    let app = Router::new()
        .route("/", get(async || -> () { panic!("logged by the catcher") }))
        .layer(CatchPanicLayer::custom(|_| {
            tracing::error!(target: "tower_http::catch_panic", "Service panicked: logged by the catcher");
            axum::http::Response::builder().status(500).body(Body::empty()).unwrap()
        }))
        .layer(process().watch.http_layer());
    assert_eq!(send(app, "/").await, Some(500));
    assert_eq!(events_with("logged by the catcher").len(), 1);
    let all = process().tracker.bodies();
    assert!(!all.iter().any(|body| body.contains("Service panicked")));
}

#[tokio::test]
async fn a_panic_in_the_body_of_an_answer_has_its_request_too() {
    let body = || {
        let chunks = futures_util::stream::iter([0, 1]).map(|n| match n {
            0 => Ok::<_, std::io::Error>("first"),
            _ => panic!("within the body"),
        });
        Body::from_stream(chunks)
    };
    use futures_util::StreamExt;
    let app = Router::new().route("/stream", get(async move || body())).layer(process().watch.http_layer());
    let request = Request::get("/stream").header("x-request-id", "id-of-the-stream").body(Body::empty()).unwrap();
    let read = tokio::spawn(async move {
        let answer = app.oneshot(request).await.unwrap();
        http_body_util::BodyExt::collect(answer.into_body()).await.unwrap();
    });
    assert!(read.await.is_err());
    let events = events_with("within the body");
    assert_eq!((events.len(), &events[0]["tags"]["request_id"]), (1, &json!("id-of-the-stream")));
}

#[test]
fn a_panic_of_a_thread_without_a_request_is_reported_without_one() {
    process();
    assert!(std::thread::spawn(|| panic!("in a thread")).join().is_err());
    let events = events_with("in a thread");
    assert_eq!((events.len(), &events[0]["request"]), (1, &Value::Null));
}

/// Cannot be printed.
struct Unprintable;

impl fmt::Display for Unprintable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("unprintable as a text")
    }
}

impl fmt::Debug for Unprintable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("unprintable in detail")
    }
}

#[test]
fn a_payload_that_panics_when_it_is_printed_ends_nothing() {
    process();
    let thread = std::thread::spawn(|| std::panic::panic_any(Unprintable));
    assert!(thread.join().is_err());
    assert_eq!(events_with("a panic without a text").len(), 1);
}

#[test]
fn a_logged_value_that_panics_when_it_is_printed_costs_its_own_text_alone() {
    process();
    tracing::error!(value = ?Unprintable, other = 7, "a value that {Unprintable}");
    let event = process().tracker.event_with("a value that ");
    assert_eq!(event["exception"]["values"][0]["value"], "a value that (it panicked)");
    assert_eq!(event["extra"], json!({"value": "(it panicked)", "other": 7}));
}

#[test]
fn what_the_app_gives_to_the_sentry_crate_goes_the_same_way_and_through_the_same_mask() {
    process();
    sentry::capture_message("directly, with password=hunter2", sentry::Level::Error);
    let event = process().tracker.event_with("directly, with");
    assert_eq!(event["message"], "directly, with password=***");
    assert!(event["threads"]["values"][0]["stacktrace"]["frames"].as_array().unwrap().len() > 3, "{event}");
    assert_eq!(event["release"], concat!("watchkeeper@", env!("CARGO_PKG_VERSION")));
    assert!(sentry::Hub::main().client().unwrap().flush(Some(Duration::from_secs(10))));
}

#[test]
fn a_transaction_of_the_apps_own_is_masked_too() {
    process();
    let transaction = sentry::start_transaction(sentry::TransactionContext::new("import token=hunter2", "job"));
    let span = transaction.start_child("db", "SELECT 1 -- password=hunter2");
    span.set_request(sentry::protocol::Request { query_string: Some("q=hunter2".to_owned()), ..Default::default() });
    span.set_data("api_key", "hunter2".into());
    span.finish();
    transaction.finish();
    let sent = process().tracker.event_with("import token=***");
    assert_eq!(sent["spans"][0]["description"], "SELECT 1 -- password=***");
    assert!(!sent.to_string().contains("hunter2"), "{sent}");
}

#[tokio::test]
async fn an_event_processor_of_the_app_that_panics_costs_its_own_event_alone() {
    let app = Router::new()
        .route(
            "/",
            get(async || {
                sentry::configure_scope(|scope| scope.add_event_processor(|_| panic!("in the processor")));
                tracing::error!("never arrives");
            }),
        )
        .layer(process().watch.http_layer());
    assert_eq!(send(app, "/").await, Some(200));
    let lost = || process().telemetry.accounts().of(Sink::Errors).unwrap().dropped_for(DropReason::Lost);
    eventually(|| if lost() == 1 { Ok(()) } else { Err(format!("{} lost", lost())) });
    tracing::error!("the worker lives on");
    process().tracker.event_with("the worker lives on");
    assert!(!process().tracker.bodies().iter().any(|body| body.contains("never arrives")));
}

#[test]
fn a_second_set_up_is_an_error_and_the_first_reports_on() {
    process();
    let tries: Vec<_> = (0..16)
        .map(|_| {
            std::thread::spawn(|| {
                Telemetry::builder(service_info!()).sentry_dsn("http://k@127.0.0.1:9/1").init().is_err()
            })
        })
        .collect();
    assert!(tries.into_iter().all(|refused| refused.join().unwrap()));
    tracing::error!("still the first");
    process().tracker.event_with("still the first");
}

#[test]
fn a_panic_takes_its_thread_little_time_while_others_are_given_their_names() {
    process();
    // The worker is at it all the while: a hundred reports wait.
    (0..100).for_each(|number| tracing::error!(number, "keeping the worker busy"));
    let mut times: Vec<Duration> = (0..100)
        .map(|_| {
            let start = Instant::now();
            let caught = std::panic::catch_unwind(|| panic!("timed"));
            assert!(caught.is_err());
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    println!("a panic takes {:?} at the median, {:?} in 99 of 100", times[50], times[98]);
    assert!(times[50] < Duration::from_millis(2), "{:?}", times[50]);
}
