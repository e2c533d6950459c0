//! An app with every sink, set up by the variables that an operator sets; its subscriber is the test's thread's alone.

use std::io::Write;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use axum::routing::get;
use tokio::runtime::Runtime;
use tower::ServiceExt;
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt;
use watchkeeper::presets::monitoring::Sink;
use watchkeeper::queue::Counts;
use watchkeeper::store::Store;
use watchkeeper::{Telemetry, Watchkeeper, service_info};

use crate::receiver::Receiver;
use crate::support::tracker::Tracker;

pub struct App {
    pub telemetry: Telemetry,
    pub watch: Watchkeeper,
    router: Router,
    dispatch: Dispatch,
    runtime: Runtime,
}

impl App {
    /// Starts an app that sends to these.
    pub fn start(log: impl Write + Send + 'static, to: &Tracker, and: &Receiver, store: impl Store + 'static) -> Self {
        let variables = [
            ("RUST_LOG", "info"),
            ("RUST_LOG_FORMAT", "json"),
            ("SENTRY_DSN", &to.dsn()),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &and.endpoint()),
            ("OTEL_TRACES_SAMPLER", "parentbased_always_on"),
            ("OTEL_BSP_SCHEDULE_DELAY", "20"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "200"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "50"),
        ];
        let builder = Telemetry::builder(service_info!()).environment(variables.into_iter().collect());
        let builder = builder.writer(log).queue_bytes(256 * 1024).keep_events(tracing::Level::ERROR);
        let (telemetry, layer) = builder.layer().unwrap();
        let watch = Watchkeeper::builder(&telemetry).store(store).build().unwrap();
        let routes = Router::new()
            .route("/orders/{id}", get(async || tracing::info!(cents = 1999, "paid")))
            .route("/fail/{id}", get(async || tracing::error!(cents = 1999, "the bank has refused")));
        Self {
            router: routes.layer(watch.http_layer()),
            dispatch: Dispatch::new(tracing_subscriber::registry().with(layer)),
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            telemetry,
            watch,
        }
    }

    /// Serves one request.
    pub fn serve(&self, request: Request<Body>) -> Response<Body> {
        let Ok(answer) = tracing::dispatcher::with_default(&self.dispatch, || {
            self.runtime.block_on(self.router.clone().oneshot(request))
        });
        answer
    }

    /// Serves so many requests, one in ten of which fails, and gives the longest time that one took.
    pub fn serve_many(&self, count: u32) -> Duration {
        let request = |number: u32| {
            let path = if number.is_multiple_of(10) { "fail" } else { "orders" };
            let request = Request::get(format!("/{path}/{number}")).body(Body::empty()).unwrap();
            let start = Instant::now();
            assert!(self.serve(request).status().is_success());
            start.elapsed()
        };
        (0..count).map(request).max().unwrap_or_default()
    }

    pub fn counts(&self, sink: Sink) -> Counts {
        self.telemetry.accounts().of(sink).unwrap()
    }
}
