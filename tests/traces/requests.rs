//! A request in its trace: its span, and its id in everything that is said about it.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get as route;
use http::{HeaderMap, Request, StatusCode};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as Code;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use tower::{Service, ServiceBuilder};
use watchkeeper::assert_scrape;
use watchkeeper::trace::{self, InjectLayer, TraceContext};

use crate::receiver::{Answer, Receiver};
use crate::script::{Script, Step, unwind};
use crate::traced::{PARENT, TRACE, Traced, attributes, get, hex, pairs, span, traceparent, watched, with};

fn code(span: &Span) -> Code {
    span.status.as_ref().map_or(Code::Unset, Status::code)
}

fn error_type(span: &Span) -> Option<String> {
    attributes(&span.attributes).into_iter().find(|(key, _)| key == "error.type").map(|(_, value)| value)
}

#[test]
fn a_requests_span_has_its_attributes_by_the_conventions_and_its_clients_parent() {
    let receiver = Receiver::start(&[Answer::Take]);
    let traced = Traced::to(&receiver.endpoint(), &[]);
    let (app, _watch) = watched(Router::new().route("/orders/{id}", route(|| async { "an order" })));

    let request = with(get("/orders/4711?token=t0ps3cret"), "traceparent", &traceparent("01"));
    traced.serve(&app, [with(request, "x-request-id", "r-17")]);

    assert_eq!(traced.settled(1).stored(), 1);
    let spans = receiver.spans();
    let found = span(&spans, "GET /orders/{id}");
    assert_eq!((hex(&found.trace_id), hex(&found.parent_span_id)), (TRACE.into(), PARENT.into()));
    assert_eq!((found.kind(), code(found)), (SpanKind::Server, Code::Unset));
    assert_eq!(
        attributes(&found.attributes),
        pairs([
            ("http.request.method", "GET"),
            ("http.response.status_code", "200"),
            ("http.route", "/orders/{id}"),
            ("network.protocol.version", "1.1"),
            ("request_id", "r-17"),
            ("server.address", "shop.example"),
            ("server.port", "8443"),
            ("url.scheme", "http"),
        ])
    );
    assert_eq!(found.flags, 0x301, "sampled, and its parent is known to be remote");
    assert!(found.end_time_unix_nano > found.start_time_unix_nano);
}

#[test]
fn one_id_is_in_the_span_the_log_the_exemplar_the_answer_and_the_outgoing_request() {
    let receiver = Receiver::start(&[Answer::Take]);
    let traced = Traced::to(&receiver.endpoint(), &[]);
    let handler = || async {
        tracing::warn!("below the request");
        let inner = tracing::info_span!("inner").in_scope(|| {
            tracing::warn!("below the inner span");
            outgoing()
        });
        let mut client =
            ServiceBuilder::new().layer(InjectLayer::new()).service_fn(|request: Request<()>| async move {
                Ok::<_, std::convert::Infallible>(request.headers()["traceparent"].to_str().expect("text").to_owned())
            });
        format!("{}\n{}", inner, client.call(Request::new(())).await.expect("an answer"))
    };
    let (app, watch) = watched(Router::new().route("/", route(handler)));

    let answered = traced.serve(&app, [get("/")]);

    traced.settled(2);
    let spans = receiver.spans();
    let (request, inner) = (span(&spans, "GET /"), span(&spans, "inner"));
    let id = hex(&request.trace_id);
    assert_eq!((hex(&inner.trace_id), &inner.parent_span_id), (id.clone(), &request.span_id));
    assert_eq!(answered[0].headers()["x-trace-id"], id.as_str());
    let [of_request, of_inner] = [request, inner].map(|span| hex(&span.span_id));
    assert_eq!(*answered[0].body(), format!("00-{id}-{of_inner}-01\n00-{id}-{of_request}-01"));
    let lines: Vec<_> = traced.log().iter().map(|line| (line["trace_id"].clone(), line["span_id"].clone())).collect();
    assert_eq!(lines, [(id.as_str().into(), of_request.into()), (id.as_str().into(), of_inner.into())]);
    let scrape = watch.registry().render(watchkeeper::metric::Format::OpenMetrics);
    assert!(scrape.contains(&format!("# {{trace_id=\"{id}\"}}")), "{scrape}");
}

/// What a client without a layer sends along.
fn outgoing() -> String {
    let mut headers = HeaderMap::new();
    trace::inject(&mut headers);
    headers.get("traceparent").map_or_else(String::new, |value| value.to_str().expect("text").to_owned())
}

#[test]
fn without_a_receiver_a_request_has_its_ids_all_the_same() {
    let traced = Traced::new(&[]);
    let handler = || async {
        tracing::warn!("a line");
        outgoing()
    };
    let (app, _watch) = watched(Router::new().route("/", route(handler)));

    let answered = traced.serve(&app, [get("/"), with(get("/"), "traceparent", &traceparent("01"))]);

    let log = traced.log();
    for (line, answer) in log.iter().zip(&answered) {
        let [id, span] = ["trace_id", "span_id"].map(|key| line[key].as_str().expect("an id"));
        assert_eq!(answer.headers()["x-trace-id"], id);
        let sampled = if id == TRACE { "01" } else { "00" };
        assert_eq!(*answer.body(), format!("00-{id}-{span}-{sampled}"));
    }
    assert_eq!(log[1]["trace_id"], TRACE, "what a client has begun is carried on");
    assert_ne!(log[0]["trace_id"], TRACE);
}

#[test]
fn an_unsampled_request_leaves_no_span_and_says_so_to_whom_it_calls() {
    let receiver = Receiver::start(&[Answer::Take]);
    let traced = Traced::to(&receiver.endpoint(), &[]);
    let handler = || async { tracing::info_span!("inner").in_scope(outgoing) };
    let (app, watch) = watched(Router::new().route("/", route(handler)));

    let scrape = get("/metrics");
    let answered = traced.serve(&app, [with(get("/"), "traceparent", &traceparent("00")), scrape]);

    assert!(answered[0].body().starts_with(&format!("00-{TRACE}-")) && answered[0].body().ends_with("-00"));
    assert!(traced.close().is_complete());
    assert_eq!((traced.counts().accepted(), receiver.connections()), (0, 0));
    drop(watch);
}

#[test]
fn only_what_the_server_did_wrong_is_an_error() {
    let receiver = Receiver::start(&[Answer::Take]);
    let traced = Traced::to(&receiver.endpoint(), &[]);
    let status = |status: StatusCode| route(move || async move { status });
    let (app, _watch) = watched(
        Router::new()
            .route("/missing", status(StatusCode::NOT_FOUND))
            .route("/broken", status(StatusCode::SERVICE_UNAVAILABLE)),
    );

    let brew = Request::builder().method("BREW").uri("/missing").body(Body::empty()).expect("a request");
    traced.serve(&app, [get("/missing"), get("/broken"), get("/no/such/p4th-of-a-cl1ent"), brew]);

    traced.settled(4);
    let spans = receiver.spans();
    let (missing, broken) = (span(&spans, "GET /missing"), span(&spans, "GET /broken"));
    assert_eq!((code(missing), error_type(missing)), (Code::Unset, None));
    assert_eq!((code(broken), error_type(broken)), (Code::Error, Some("503".into())));
    let unmatched = attributes(&span(&spans, "GET").attributes);
    assert!(unmatched.iter().all(|(key, value)| key != "http.route" && !value.contains("p4th")), "{unmatched:?}");
    let brew = attributes(&span(&spans, "HTTP /missing").attributes);
    assert!(brew.contains(&("http.request.method".into(), "_OTHER".into())), "{brew:?}");
}

async fn panics() -> &'static str {
    unwind("asked to")
}

#[test]
fn a_request_that_ends_early_says_how() {
    let receiver = Receiver::start(&[Answer::Take]);
    let traced = Traced::to(&receiver.endpoint(), &[]);
    let body = |step: Step| {
        route(move || {
            let steps = [Step::data("some"), step.clone()];
            async move { Body::new(Script::new(steps)) }
        })
    };
    let (app, _watch) = watched(
        Router::new()
            .route("/hangs", route(std::future::pending::<()>))
            .route("/panics", route(panics))
            .route("/streams", body(Step::data("more")))
            .route("/breaks", body(Step::Fail))
            .route("/stalls", body(Step::Stall)),
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let poll_once = |path: &str| {
        traced.run(|| {
            let mut app = app.clone();
            let whole = async move {
                let answer = app.call(get(path)).await.expect("an answer");
                axum::body::to_bytes(answer.into_body(), 1 << 20).await
            };
            let within = async { tokio::time::timeout(Duration::from_millis(20), whole).await };
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(runtime.block_on(within)))).is_err()
        })
    };

    let panicked: Vec<bool> =
        ["/hangs", "/panics", "/streams", "/breaks", "/stalls"].into_iter().map(poll_once).collect();

    assert_eq!(panicked, [false, true, false, false, false]);
    traced.settled(5);
    let spans = receiver.spans();
    let ended = |name: &str| (code(span(&spans, name)), error_type(span(&spans, name)));
    assert_eq!(ended("GET /hangs"), (Code::Unset, Some("cancelled".into())));
    assert_eq!(ended("GET /panics"), (Code::Error, Some("panic".into())));
    assert_eq!(ended("GET /streams"), (Code::Unset, None));
    assert_eq!(ended("GET /breaks"), (Code::Error, Some("body_error".into())));
    assert_eq!(ended("GET /stalls"), (Code::Unset, Some("cancelled".into())));
}

#[test]
fn a_service_that_panics_while_it_makes_its_future_has_panicked_in_its_span_as_in_the_metrics() {
    let receiver = Receiver::start(&[Answer::Take]);
    let traced = Traced::to(&receiver.endpoint(), &[]);
    let (_, watch) = watched(Router::new());
    let panics = |_: Request<Body>| -> std::future::Ready<Result<http::Response<Body>, std::convert::Infallible>> {
        unwind("no future at all")
    };
    traced.run(|| {
        let mut service = ServiceBuilder::new().layer(watch.http_layer()).service_fn(panics);
        let call = std::panic::AssertUnwindSafe(|| drop(service.call(get("/early"))));
        assert!(std::panic::catch_unwind(call).is_err());
    });
    traced.settled(1);
    let spans = receiver.spans();
    let found = span(&spans, "GET");
    assert_eq!((code(found), error_type(found)), (Code::Error, Some("panic".into())));
    assert_scrape!(watch, r#"http_request_outcomes_total{path="unmatched",outcome="panicked"} 1"#);
}

#[test]
fn a_task_of_its_own_stays_in_the_trace_by_being_carried() {
    let receiver = Receiver::start(&[Answer::Take]);
    let traced = Traced::to(&receiver.endpoint(), &[]);
    let handler = || async {
        let carried = tokio::spawn(trace::carry(async {
            tokio::task::yield_now().await;
            tracing::warn!("in the background");
            tracing::info_span!("in the background").in_scope(outgoing)
        }));
        let lost = tokio::spawn(async { TraceContext::current().is_none() });
        assert!(lost.await.expect("it ends"));
        carried.await.expect("it ends")
    };
    let (app, _watch) = watched(Router::new().route("/", route(handler)));

    let answered = traced.serve(&app, [with(get("/"), "traceparent", &traceparent("01"))]);

    traced.settled(2);
    let spans = receiver.spans();
    let background = span(&spans, "in the background");
    assert_eq!(background.parent_span_id, span(&spans, "GET /").span_id);
    assert_eq!(*answered[0].body(), format!("00-{TRACE}-{}-01", hex(&background.span_id)));
    assert_eq!(traced.log()[0]["trace_id"], TRACE);
    assert!(traced.log()[0]["request_id"].is_string());
}
