//! Requests at the same time, and what of one never shows in the report of another.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::Request;
use axum::routing::get;
use serde_json::Value;
use tracing::Instrument;
use tracing::instrument::WithSubscriber;

use crate::app::App;
use crate::support::tracker::{OK, Tracker};

/// Tells the log, the `sentry` crate and a task of its own who it is, again and again, and lets others in between.
async fn chatty(Path(name): Path<String>) {
    sentry::configure_scope(|scope| scope.set_tag("customer", &name));
    for _ in 0..3 {
        tracing::info!(customer = name, "step");
        sentry::add_breadcrumb(sentry::Breadcrumb { message: Some(format!("direct {name}")), ..Default::default() });
        tokio::time::sleep(Duration::from_millis(1)).await;
        let name = name.clone();
        let task = async move { tracing::info!(customer = name, "task") };
        let _ = tokio::spawn(task.in_current_span().with_current_subscriber()).await;
    }
    if name.starts_with("direct") {
        sentry::capture_message(&format!("failed {name}"), sentry::Level::Error);
    } else {
        tracing::error!(customer = name, "failed");
    }
}

/// Every name of a customer that an event holds.
fn names(event: &Value) -> std::collections::BTreeSet<String> {
    let text = event.to_string();
    let starts = text.match_indices("customer-").chain(text.match_indices("direct-"));
    starts.map(|(at, _)| text[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect()).collect()
}

fn check(tracker: &Tracker, requests: usize) {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while tracker.events().len() < requests && std::time::Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    let events = tracker.events();
    assert_eq!(events.len(), requests);
    let mut ids = std::collections::BTreeSet::new();
    for event in &events {
        let names = names(event);
        assert_eq!(names.len(), 1, "{names:?} in {event}");
        let name = names.first().unwrap();
        assert_eq!(event["tags"]["request_id"], format!("id-{name}").as_str(), "{event}");
        assert_eq!(event["tags"]["customer"], name.as_str(), "{event}");
        let crumbs = event["breadcrumbs"]["values"].as_array().unwrap();
        assert_eq!(crumbs.len(), 9, "{event}");
        ids.insert(event["tags"]["request_id"].to_string());
    }
    assert_eq!(ids.len(), requests);
}

async fn storm(app: &App, requests: usize, kind: &str) {
    let routes = Router::new().route("/of/{name}", get(chatty));
    let one = |number: usize| {
        let name = format!("{kind}-{number}");
        let request = Request::get(format!("/of/{name}")).header("x-request-id", format!("id-{name}"));
        app.serve(routes.clone(), request.body(Body::empty()).unwrap())
    };
    let mut all: Vec<_> = (0..requests).map(|number| Box::pin(one(number))).collect();
    // All of them at once, on one thread that goes from one to the next.
    std::future::poll_fn(|context| {
        all.retain_mut(|request| request.as_mut().poll(context).is_pending());
        if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

/// One test, since the `sentry` crate has one client for the process.
#[test]
fn forty_requests_at_the_same_time_never_mix_what_they_say() {
    let tracker = Tracker::start(&[OK]);
    let app = App::reporting_to(&tracker.dsn());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(storm(&app, 40, "customer"));
    check(&tracker, 40);
}
