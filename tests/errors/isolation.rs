//! Requests at the same time, and what of one never shows in the report of another.

use std::time::Duration;

use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::web;
use axum::Router;
use axum::body::Body;
use axum::extract::Path as AxumPath;
use axum::http::Request;
use axum::routing::get;
use serde_json::Value;
use tracing::instrument::WithSubscriber;
use watchkeeper::actix::Middleware;
use watchkeeper::trace::carry;

use crate::app::App;
use crate::support::tracker::{OK, Tracker};

/// Tells the log, the `sentry` crate and a task of its own who it is, again and again, and lets others in between.
async fn chatty(name: String) {
    sentry::configure_scope(|scope| scope.set_tag("customer", &name));
    for _ in 0..3 {
        tracing::info!(customer = name, "step");
        sentry::add_breadcrumb(sentry::Breadcrumb { message: Some(format!("direct {name}")), ..Default::default() });
        tokio::time::sleep(Duration::from_millis(1)).await;
        let name = name.clone();
        let task = async move { tracing::info!(customer = name, "task") };
        let _ = tokio::spawn(carry(task).with_current_subscriber()).await;
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

/// The header by which each request says whose it is.
fn id_of(name: &str) -> (&'static str, String) {
    ("x-request-id", format!("id-{name}"))
}

async fn storm(app: &App, requests: usize, kind: &str) {
    let routes = Router::new().route("/of/{name}", get(|AxumPath(name): AxumPath<String>| chatty(name)));
    let one = |number: usize| {
        let name = format!("{kind}-{number}");
        let (header, id) = id_of(&name);
        let request = Request::get(format!("/of/{name}")).header(header, id);
        app.serve(routes.clone(), request.body(Body::empty()).unwrap())
    };
    at_once((0..requests).map(one)).await;
}

/// The same behind Actix Web.
async fn storm_of_actix(app: &App, requests: usize, kind: &str) {
    let routes = actix_web::App::new()
        .route(
            "/of/{name}",
            web::get().to(async |name: web::Path<String>| {
                chatty(name.into_inner()).await;
                "done"
            }),
        )
        .wrap(Middleware::new(app.watch.tower_layer()));
    let service = init_service(routes).await;
    let one = |number: usize| {
        let name = format!("{kind}-{number}");
        let request = TestRequest::with_uri(&format!("/of/{name}")).insert_header(id_of(&name)).to_request();
        call_service(&service, request).with_subscriber(app.dispatch.clone())
    };
    at_once((0..requests).map(one)).await;
}

/// Drives all of them on one thread that goes from one to the next.
async fn at_once<F: Future>(all: impl Iterator<Item = F>) {
    let mut all: Vec<_> = all.map(Box::pin).collect();
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
    runtime.block_on(storm_of_actix(&app, 40, "customer-of-actix"));
    check(&tracker, 80);
}
