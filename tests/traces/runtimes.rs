//! Traces without a runtime, on a runtime of one thread, and after the runtime is gone.

use std::time::Duration;

use axum::Router;
use axum::routing::get as route;

use crate::receiver::{Answer, Receiver};
use crate::traced::{Traced, get, watched};

fn app() -> Router {
    watched(Router::new().route("/", route(|| async { "done" }))).0
}

#[test]
fn spans_are_sent_without_any_runtime() {
    for protocol in ["http/protobuf", "grpc"] {
        let receiver = Receiver::start(&[Answer::Take]);
        let traced = Traced::to(&receiver.endpoint(), &[("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)]);
        traced.make_spans(10);
        if protocol == "grpc" {
            // Nobody understands it there, and nothing panics for want of a runtime.
            assert_eq!(traced.telemetry.close(Duration::from_millis(300)).sinks.len(), 2);
            assert_eq!(traced.counts().dropped(), 10);
        } else {
            assert_eq!(traced.settled(10).stored(), 10);
        }
    }
}

#[test]
fn spans_are_sent_though_the_only_thread_of_the_runtime_is_busy_and_the_runtime_is_dropped() {
    let receiver = Receiver::start(&[Answer::Take]);
    let traced = Traced::to(&receiver.endpoint(), &[]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let app = app();

    traced.serve_on(&runtime, &app, (0..10).map(|_| get("/")));
    // The thread does not run the runtime meanwhile.
    assert_eq!(traced.settled(10).stored(), 10);
    traced.serve_on(&runtime, &app, (0..10).map(|_| get("/")));
    drop(runtime);

    assert!(traced.close().is_complete());
    assert_eq!(receiver.spans().len(), 20);
}

#[test]
fn requests_that_a_dropped_runtime_never_ended_are_sent_as_cancelled() {
    let receiver = Receiver::start(&[Answer::Take]);
    let traced = Traced::to(&receiver.endpoint(), &[]);
    let (app, _watch) = watched(Router::new().route("/", route(std::future::pending::<()>)));
    traced.run(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            for _ in 0..10 {
                let app = app.clone();
                tokio::spawn(async move { tower::ServiceExt::oneshot(app, get("/")).await });
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        });
        drop(runtime);
    });

    assert!(traced.close().is_complete());
    assert_eq!(receiver.spans().len(), 10);
}

#[test]
fn telemetry_is_set_up_and_closed_within_a_runtime() {
    let receiver = Receiver::start(&[Answer::Take]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let stored = runtime.block_on(async {
        let traced = Traced::to(&receiver.endpoint(), &[]);
        traced.make_spans(10);
        assert!(traced.close().is_complete());
        traced.counts().stored()
    });
    assert_eq!(stored, 10);
}
