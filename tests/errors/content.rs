//! What a report says.

use std::io;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use serde_json::{Value, json};

use crate::app::App;
use crate::support::tracker::{OK, Tracker};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

#[derive(Debug)]
struct BankError(io::Error);

impl std::fmt::Display for BankError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the bank does not answer")
    }
}

impl std::error::Error for BankError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

fn routes() -> Router {
    Router::new().route(
        "/orders/{id}",
        get(|| async {
            tracing::info!(step = 1, password = "hunter2", "looking");
            tracing::debug!("too small to be kept");
            tracing::warn!("nothing found");
            let error = BankError(io::Error::other("refused by postgres://ada:hunter2@db/shop"));
            tracing::error!(
                error = &error as &dyn std::error::Error,
                cents = 1999,
                api_token = "hunter2",
                "no payment"
            );
        }),
    )
}

#[tokio::test]
async fn an_error_in_a_handler_says_where_what_and_in_which_request() {
    let tracker = Tracker::start(&[OK]);
    let app = App::reporting_to(&tracker.dsn());
    let request = Request::get("/orders/4711?coupon=hunter2")
        .header("traceparent", format!("00-{TRACE}-b7ad6b7169203331-01"))
        .header("x-request-id", "checkout-7")
        .header("cookie", "session=hunter2")
        .header("authorization", "Bearer hunter2hunter2");
    app.serve(routes(), request.body(Body::empty()).unwrap()).await;

    let event = tracker.event_with("no payment");

    assert_eq!(event["level"], Value::Null, "error is the protocol's default");
    for (field, due) in [
        ("transaction", json!("GET /orders/{id}")),
        ("message", json!("no payment")),
        ("logger", json!("errors::content")),
        ("platform", json!("native")),
        ("release", json!("shop@1.2.3")),
        ("environment", json!("staging")),
        ("request", json!({"method": "GET"})),
        ("extra", json!({"cents": 1999, "api_token": "***"})),
    ] {
        assert_eq!(event[field], due, "{field}");
    }
    let tags = json!({
        "http.route": "/orders/{id}", "request_id": "checkout-7", "trace_id": TRACE, "revision": "abc123"
    });
    assert_eq!(event["tags"], tags);
    assert_eq!(event["contexts"]["trace"]["trace_id"], TRACE);
    // The cause comes first, and the outermost has the calls.
    let exceptions = event["exception"]["values"].as_array().unwrap();
    let said: Vec<_> = exceptions.iter().map(|exception| (&exception["type"], &exception["value"])).collect();
    assert_eq!(
        said,
        [
            (&json!("Custom"), &json!("refused by postgres://***@db/shop")),
            (&json!("BankError"), &json!("the bank does not answer")),
        ]
    );
    let frames = exceptions[1]["stacktrace"]["frames"].as_array().unwrap();
    let last = frames.last().unwrap();
    assert!(last["function"].as_str().unwrap().starts_with("errors::content::routes"), "{last}");
    assert_eq!(last["in_app"], true);
    assert!(frames.iter().any(|frame| frame["in_app"] == false));
    let crumbs = event["breadcrumbs"]["values"].as_array().unwrap();
    let crumbs: Vec<_> = crumbs.iter().map(|crumb| (&crumb["level"], &crumb["message"], &crumb["data"])).collect();
    assert_eq!(
        crumbs,
        [
            (&Value::Null, &json!("looking"), &json!({"step": 1, "password": "***"})),
            (&json!("warning"), &json!("nothing found"), &Value::Null),
        ]
    );
    assert!(!event.to_string().contains("hunter2"), "{event}");
    assert!(app.telemetry.close(std::time::Duration::from_secs(5)).is_complete());
    assert_eq!((app.counts().stored(), app.counts().dropped()), (1, 0));
}

#[test]
fn an_error_outside_of_any_request_is_reported_without_one() {
    let tracker = Tracker::start(&[OK]);
    let app = App::reporting_to(&tracker.dsn());
    app.run(|| {
        tracing::info!("nobody's breadcrumb");
        tracing::error!("out of paper");
    });
    let event = tracker.event_with("out of paper");
    assert_eq!(event["exception"]["values"][0]["type"], "errors::content");
    assert_eq!(event["exception"]["values"][0]["value"], "out of paper");
    assert_eq!((&event["breadcrumbs"], &event["request"]), (&Value::Null, &Value::Null));
    assert_eq!(event["tags"], json!({"revision": "abc123"}));
}

#[test]
fn a_value_without_end_is_cut_and_a_thousand_fields_are_few() {
    struct Endless;
    impl std::fmt::Debug for Endless {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            loop {
                f.write_str("and so on ")?;
            }
        }
    }
    let tracker = Tracker::start(&[OK]);
    let builder = watchkeeper::Telemetry::builder(watchkeeper::ServiceInfo::new("shop", "1"));
    // Without the log, whose lines are as long as a value is.
    let (telemetry, layer) = builder
        .filter("off")
        .masked_fields(["iban"])
        .sentry_dsn(tracker.dsn())
        .writer(io::sink())
        .layer::<tracing_subscriber::Registry>()
        .unwrap();
    use tracing_subscriber::layer::SubscriberExt;
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        tracing::error!(value = ?Endless, customer.iban = "DE02", "without end");
    });
    let event = tracker.event_with("without end");
    assert_eq!(event["extra"]["value"].as_str().unwrap().len(), 1024);
    assert_eq!(event["extra"]["customer.iban"], "***", "what the app wants masked in the log is masked here too");
    drop(telemetry);
}

#[test]
fn a_value_that_logs_while_it_is_printed_holds_nothing_up() {
    struct Chatty;
    impl std::fmt::Display for Chatty {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            tracing::error!("from within");
            f.write_str("chatty")
        }
    }
    let tracker = Tracker::start(&[OK]);
    let app = App::reporting_to(&tracker.dsn());
    app.run(|| {
        let span = tracing::info_span!("job");
        span.in_scope(|| tracing::error!("from {}", Chatty));
    });
    // What it logs itself may get lost: tracing lets no event begin within another where the subscriber is a thread's own.
    tracker.event_with("from chatty");
}
