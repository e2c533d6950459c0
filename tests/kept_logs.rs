//! Log events that are kept as events, with the ids of their request, while the store itself logs.

#[path = "journal/faulty.rs"]
mod faulty;
#[path = "support/mod.rs"]
mod support;

use std::thread;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use faulty::{Does, Faulty};
use http::Request;
use tower::ServiceExt;
use watchkeeper::event::Level;
use watchkeeper::tasks::TaskOptions;
use watchkeeper::{Telemetry, Watchkeeper, service_info};

async fn pay() -> &'static str {
    tracing::info!("a customer pays");
    tracing::error!(order = 7, "the card was refused");
    "sorry"
}

#[tokio::test]
async fn an_error_in_a_handler_becomes_one_event_with_its_request_and_trace_though_the_store_logs_errors() {
    let store = Faulty::new(Duration::ZERO, |call, _| {
        // The store logs whatever is written to it, and the writer logs that it panics.
        tracing::error!(call, "a batch comes");
        if call == 0 { Does::Panics } else { Does::Stores }
    });
    let telemetry = Telemetry::builder(service_info!()).filter("off").writer(std::io::sink());
    let telemetry = telemetry.keep_events(tracing::Level::WARN).init().unwrap();
    let watch = Watchkeeper::builder(&telemetry)
        .store(store.store())
        .tasks(TaskOptions::new().without_scheduler())
        .build()
        .unwrap();
    let app = Router::new().route("/pay", get(pay)).layer(watch.http_layer());
    let request = Request::builder()
        .uri("/pay")
        .header("x-request-id", "checkout-17")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        .body(Body::empty())
        .unwrap();

    let Ok(_) = app.oneshot(request).await;

    support::process::eventually(|| match store.calls() {
        2.. => Ok(()),
        calls => Err(format!("{calls} calls")),
    });
    // As long as a few batches would take.
    thread::sleep(Duration::from_millis(200));
    assert!(watch.close(Duration::from_secs(5)).await.is_complete());
    assert_eq!(store.calls(), 2, "what the store logs does not come back to it");
    let [event] = &store.first_events()[..] else { panic!("{:?}", store.first_events()) };
    assert_eq!(event.source(), "kept_logs");
    assert_eq!((event.level(), event.message()), (Some(Level::Error), Some("the card was refused")));
    assert_eq!(event.payload().get("order"), Some(&7.into()));
    assert_eq!(event.tags().get("request_id"), Some(&"checkout-17".into()));
    assert_eq!(event.trace_id(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
}
