//! An app with traces, set up by variables for the calling thread alone.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{Request, Response};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::runtime::Runtime;
use tower::ServiceExt;
use tracing::Dispatch;
use tracing::dispatcher::with_default;
use tracing_subscriber::prelude::*;
use watchkeeper::presets::monitoring::{DropReason, Sink};
use watchkeeper::queue::Counts;
use watchkeeper::telemetry::{CloseReport, LogFormat};
use watchkeeper::{Telemetry, Watchkeeper, service_info};

/// Telemetry and the subscriber it makes.
pub struct Traced {
    pub telemetry: Telemetry,
    dispatch: Dispatch,
    log: Log,
}

impl Traced {
    /// Sets telemetry up with these variables. Everything is sampled, and sent at once, unless they say otherwise.
    pub fn new(variables: &[(&str, &str)]) -> Self {
        let defaults = [("OTEL_TRACES_SAMPLER", "parentbased_always_on"), ("OTEL_BSP_SCHEDULE_DELAY", "20")];
        let log = Log::default();
        let builder = Telemetry::builder(service_info!())
            .environment(defaults.iter().chain(variables).copied().collect())
            .format(LogFormat::Json)
            .filter("info")
            .writer(log.clone());
        let (telemetry, layer) = builder.layer().expect("settings that are accepted");
        Self { telemetry, dispatch: Dispatch::new(tracing_subscriber::registry().with(layer)), log }
    }

    /// Sets telemetry up with traces that go to an address.
    pub fn to(endpoint: &str, variables: &[(&str, &str)]) -> Self {
        let mut all = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)];
        all.extend_from_slice(variables);
        Self::new(&all)
    }

    /// Does something that is traced.
    pub fn run<T>(&self, act: impl FnOnce() -> T) -> T {
        with_default(&self.dispatch, act)
    }

    /// Makes so many spans that nothing is above.
    pub fn make_spans(&self, count: usize) {
        self.run(|| (0..count).for_each(|number| drop(tracing::info_span!("work", number))));
    }

    /// Sends requests to an app, one after the other.
    pub fn serve(&self, app: &Router, requests: impl IntoIterator<Item = Request<Body>>) -> Vec<Answered> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        self.serve_on(&runtime, app, requests)
    }

    pub fn serve_on(
        &self,
        runtime: &Runtime,
        app: &Router,
        requests: impl IntoIterator<Item = Request<Body>>,
    ) -> Vec<Answered> {
        let one = async |request: Request<Body>| {
            let Ok(answer) = app.clone().oneshot(request).await;
            let (head, body): (_, Body) = answer.into_parts();
            let body = to_bytes(body, 1 << 20).await.expect("a body");
            Response::from_parts(head, String::from_utf8(body.to_vec()).expect("text"))
        };
        self.run(|| requests.into_iter().map(|request| runtime.block_on(one(request))).collect())
    }

    pub fn counts(&self) -> Counts {
        self.telemetry.accounts().of(Sink::Traces).expect("traces are on")
    }

    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.counts().dropped_for(reason)
    }

    /// Waits until so many spans were taken or dropped.
    #[track_caller]
    pub fn settled(&self, spans: u64) -> Counts {
        let start = Instant::now();
        loop {
            let counts = self.counts();
            assert_eq!(counts.accepted(), counts.stored() + counts.dropped() + counts.queued());
            if counts.accepted() == spans && counts.queued() == 0 {
                return counts;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "{counts:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn close(&self) -> CloseReport {
        self.telemetry.close(Duration::from_secs(5))
    }

    /// The lines of the log so far.
    pub fn log(&self) -> Vec<serde_json::Value> {
        std::thread::sleep(Duration::from_millis(50));
        let bytes = self.log.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = String::from_utf8(bytes).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect()
    }
}

pub type Answered = Response<String>;

/// An app with a watch around it.
pub fn watched(routes: Router) -> (Router, Watchkeeper) {
    let watch = Watchkeeper::builder(service_info!()).build().expect("an empty registry");
    let app = routes.merge(watch.routes()).layer(watch.http_layer());
    (app, watch)
}

pub fn get(path: &str) -> Request<Body> {
    Request::get(path).header("host", "shop.example:8443").body(Body::empty()).expect("a request")
}

/// A request with one more header.
pub fn with(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request.headers_mut().append(name, value.parse().expect("a value"));
    request
}

pub const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub const PARENT: &str = "00f067aa0ba902b7";

pub fn traceparent(flags: &str) -> String {
    format!("00-{TRACE}-{PARENT}-{flags}")
}

/// Bytes as an id is written.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The span of this name, which there is once.
#[track_caller]
pub fn span<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let mut found = spans.iter().filter(|span| span.name == name);
    let first = found.next().unwrap_or_else(|| panic!("no span {name} in {spans:#?}"));
    assert!(found.next().is_none(), "{name} is there twice: {spans:#?}");
    first
}

/// Attributes as text, in the order of their keys.
pub fn attributes(attributes: &[KeyValue]) -> Vec<(String, String)> {
    let value = |attribute: &KeyValue| match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        Some(any_value::Value::BoolValue(value)) => value.to_string(),
        Some(any_value::Value::DoubleValue(value)) => value.to_string(),
        other => format!("{other:?}"),
    };
    let mut all: Vec<_> = attributes.iter().map(|attribute| (attribute.key.clone(), value(attribute))).collect();
    all.sort();
    all
}

pub fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
