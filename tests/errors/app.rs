//! An app that reports its errors, within the test's own process: its subscriber is this thread's alone.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use tower::ServiceExt;
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;
use tracing_subscriber::layer::SubscriberExt;
use watchkeeper::presets::monitoring::Sink;
use watchkeeper::queue::Counts;
use watchkeeper::{ServiceInfo, Telemetry, Watchkeeper};

pub struct App {
    pub telemetry: Telemetry,
    pub watch: Watchkeeper,
    pub dispatch: Dispatch,
}

impl App {
    pub fn reporting_to(dsn: &str) -> Self {
        let builder = Telemetry::builder(ServiceInfo::new("shop", "1.2.3").with_revision("abc123"));
        let (telemetry, layer) = builder
            .environment([("SENTRY_DSN", dsn), ("ENVIRONMENT", "staging")].into_iter().collect())
            .writer(std::io::sink())
            .layer()
            .unwrap();
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
        let watch = Watchkeeper::builder(&telemetry).build().unwrap();
        Self { telemetry, watch, dispatch }
    }

    /// Runs what reports.
    pub fn run<T>(&self, act: impl FnOnce() -> T) -> T {
        tracing::dispatcher::with_default(&self.dispatch, act)
    }

    /// Serves one request with these routes and our layer around them.
    pub async fn serve(&self, routes: Router, request: Request<Body>) -> axum::http::Response<Body> {
        let routes = routes.layer(self.watch.http_layer());
        routes.oneshot(request).with_subscriber(self.dispatch.clone()).await.unwrap()
    }

    pub fn counts(&self) -> Counts {
        self.telemetry.accounts().of(Sink::Errors).unwrap()
    }
}
