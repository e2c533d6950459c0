//! The rows of the table of costs: ours with each sink, and the peers put together as their documentation shows it.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::Request;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter};
use sentry::integrations::tower::{NewSentryLayer, SentryHttpLayer};
use sentry::integrations::tracing as sentry_tracing;
use sentry::{ClientOptions, Envelope, Transport, TransportFactory, TransportOptions};
use tower::{Layer, Service, ServiceBuilder};
use tower_http::trace::{DefaultMakeSpan, TraceLayer};
use tracing::Level;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;
use watchkeeper::{Telemetry, Watchkeeper, service_info};

use crate::receiver::Receiver;

/// The row that the others are measured against.
pub const NO_OP: usize = 0;

/// Each row's name on the command line and in the table.
pub const ROWS: [(&str, &str); 12] = [
    ("no-op", "no-op layer"),
    ("default", "**watchkeeper**, no telemetry set up"),
    ("off", "**watchkeeper**, logs off"),
    ("info", "**watchkeeper**, logs at `info`"),
    ("sentry", "**watchkeeper**, error reports"),
    ("otlp", "**watchkeeper**, traces, a tenth sampled"),
    ("all", "**watchkeeper**, logs at `info`, error reports and traces"),
    ("trace-layer", "tower-http 0.7 `TraceLayer`, nobody subscribes"),
    ("trace-layer-json", "`TraceLayer` and tracing-subscriber 0.3 `.json()` at `info`"),
    ("sentry-tower", "sentry-tower 0.49, both layers, no-op transport"),
    ("otel", "`TraceLayer` and tracing-opentelemetry 0.34, a tenth sampled"),
    ("peers-all", "`TraceLayer`, `.json()`, sentry-tower, sentry-tracing and tracing-opentelemetry"),
];

/// A row that is up.
pub struct Row {
    pub router: Router,
    /// What must live as long.
    _kept: (Option<Telemetry>, Option<Watchkeeper>, Option<sentry::ClientInitGuard>),
}

impl Row {
    /// Puts a row's layers around a router; once in a process.
    pub fn start(name: &str, router: Router) -> Self {
        let mut kept = (None, None, None);
        let trace_layer = || TraceLayer::new_for_http().make_span_with(DefaultMakeSpan::new().level(Level::INFO));
        let fmt = || tracing_subscriber::fmt::layer().json().with_writer(io::sink);
        let registry = tracing_subscriber::registry().with(LevelFilter::INFO);
        let sentry_layers =
            || ServiceBuilder::new().layer(NewSentryLayer::<Request>::new_from_top()).layer(SentryHttpLayer::new());
        let router = match name {
            "no-op" => router.layer(NoOp),
            "default" => {
                kept.1.insert(Watchkeeper::builder(service_info!()).build().expect("a registry")).around(router)
            }
            "trace-layer" => router.layer(trace_layer()),
            "trace-layer-json" => {
                registry.with(fmt()).init();
                router.layer(trace_layer())
            }
            "sentry-tower" => {
                kept.2 = Some(sentry_client());
                router.layer(sentry_layers())
            }
            "otel" => {
                registry.with(tracing_opentelemetry::layer().with_tracer(provider().tracer("sinks"))).init();
                router.layer(trace_layer())
            }
            "peers-all" => {
                kept.2 = Some(sentry_client());
                let traces = tracing_opentelemetry::layer().with_tracer(provider().tracer("sinks"));
                registry
                    .with(fmt())
                    .with(sentry_tracing::BreadcrumbLayer::new())
                    .with(sentry_tracing::ErrorLayer::new())
                    .with(traces)
                    .init();
                router.layer(trace_layer()).layer(sentry_layers())
            }
            ours => {
                let telemetry = kept.0.insert(telemetry(ours));
                kept.1.insert(Watchkeeper::builder(&*telemetry).build().expect("a registry")).around(router)
            }
        };
        Self { router, _kept: kept }
    }
}

trait Around {
    fn around(&self, router: Router) -> Router;
}

impl Around for Watchkeeper {
    fn around(&self, router: Router) -> Router {
        router.layer(self.http_layer())
    }
}

/// Telemetry by the variables that an app has; what is sent is taken, the log's lines are thrown away.
fn telemetry(name: &str) -> Telemetry {
    let [sentry, otlp] = ["sentry", "otlp"].map(|sink| name == sink || name == "all");
    let log = match name {
        "info" | "all" => "info",
        "off" | "sentry" | "otlp" => "off",
        _ => panic!("no row {name}"),
    };
    let address = || Receiver::Takes.start();
    let mut variables = vec![("RUST_LOG", log.to_owned()), ("RUST_LOG_FORMAT", "json".to_owned())];
    if sentry {
        variables.push(("SENTRY_DSN", format!("http://key@{}/1", address())));
    }
    if otlp {
        variables.push(("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", address())));
        // A queue that takes them all, so that every span pays for being queued.
        variables.push(("OTEL_BSP_MAX_QUEUE_SIZE", "100000".to_owned()));
    }
    let environment = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Telemetry::builder(service_info!()).environment(environment).writer(io::sink()).init().expect("the first set-up")
}

fn sentry_client() -> sentry::ClientInitGuard {
    let mut options = ClientOptions::new().transport(Nowhere).default_integrations(false);
    options.dsn = Some("http://key@127.0.0.1:9/1".parse().expect("a DSN"));
    sentry::init(options)
}

fn provider() -> SdkTracerProvider {
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(0.1)));
    let provider = SdkTracerProvider::builder().with_sampler(sampler).with_batch_exporter(Nowhere).build();
    // It shuts down when the last of its handles goes.
    std::mem::forget(provider.clone());
    provider
}

/// What the peers send to.
#[derive(Debug)]
struct Nowhere;

impl SpanExporter for Nowhere {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        Ok(())
    }
}

impl Transport for Nowhere {
    fn send_envelope(&self, _: Envelope) {}
}

impl TransportFactory for Nowhere {
    fn create_transport_with_options(&self, _: TransportOptions) -> Arc<dyn Transport> {
        Arc::new(Self)
    }
}

/// A layer that does nothing: what axum charges for any layer at all.
#[derive(Clone)]
struct NoOp;

impl<S> Layer<S> for NoOp {
    type Service = Through<S>;

    fn layer(&self, inner: S) -> Through<S> {
        Through { inner }
    }
}

#[derive(Clone)]
struct Through<S> {
    inner: S,
}

impl<S: Service<Request>> Service<Request> for Through<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> S::Future {
        self.inner.call(request)
    }
}
