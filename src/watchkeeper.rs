//! The root: one value that holds the parts together.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::api::{HealthAnswers, Scraper};
#[cfg(feature = "axum")]
use crate::api::{ListenOn, MetricsServer};
use crate::health::{Check, Health, Probe};
#[cfg(feature = "axum")]
use crate::http::AxumBody;
use crate::http::{AnyBody, HttpLayer, HttpLayerBuilder};
use crate::metric::{RegisterError, Registry};
use crate::presets::{Group, Presets};
use crate::service::ServiceInfo;
use crate::shutdown;
use crate::telemetry::{CloseReport, Telemetry, TelemetryHandle};

/// The watch over one service. Cloning it copies a handle.
#[derive(Clone)]
pub struct Watchkeeper {
    inner: Arc<Inner>,
}

struct Inner {
    watched: Watched,
    metrics: Presets,
    scraper: Scraper,
    health: HealthAnswers,
    layer: HttpLayer<AnyBody>,
}

impl Watchkeeper {
    /// Builds a watch over a service.
    ///
    /// What is watched is `&telemetry`, so that [`close`](Self::close) closes that too, or a [`ServiceInfo`] alone.
    pub fn builder(watched: impl Into<Watched>) -> WatchkeeperBuilder {
        WatchkeeperBuilder {
            watched: watched.into(),
            registry: Registry::new(),
            groups: None,
            http: HttpLayerBuilder::new(),
            metrics_token: None,
            checks: Vec::new(),
        }
    }

    /// Returns the service that is watched.
    pub fn service(&self) -> &ServiceInfo {
        &self.inner.watched.service
    }

    /// Returns the telemetry that the watch was built with, to change its filter; none where it has none.
    pub fn telemetry(&self) -> Option<&TelemetryHandle> {
        self.inner.watched.telemetry.as_ref()
    }

    /// Returns the ready-made metrics, to record in.
    pub fn metrics(&self) -> &Presets {
        &self.inner.metrics
    }

    /// Returns the registry that every metric is in, to register the app's own.
    pub fn registry(&self) -> &Registry {
        self.inner.metrics.registry()
    }

    /// Returns the layer to put around an axum `Router`, last, so that unmatched requests are seen too.
    #[cfg(feature = "axum")]
    pub fn http_layer(&self) -> HttpLayer<AxumBody> {
        self.inner.layer.for_bodies()
    }

    /// Returns the layer to put around any other tower service of HTTP requests.
    ///
    /// It has no router to ask, so the routes are named by [`HttpLayerBuilder::path`].
    pub fn tower_layer(&self) -> HttpLayer<AnyBody> {
        self.inner.layer.clone()
    }

    /// Returns the routes to merge into the app's own: `/metrics`, `/health`, `/health/live`, `/health/ready`.
    #[cfg(feature = "axum")]
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> axum::Router<S> {
        self.inner.scraper.router().merge(self.inner.health.router())
    }

    /// Returns the health checks, to ask them from code.
    pub fn health(&self) -> &Health {
        self.inner.health.checks()
    }

    /// Returns what answers questions about health, for servers other than axum.
    pub fn health_answers(&self) -> &HealthAnswers {
        &self.inner.health
    }

    /// Returns what answers a scrape, for servers other than axum.
    pub fn scraper(&self) -> &Scraper {
        &self.inner.scraper
    }

    /// Serves `/metrics` on a port of its own, until what this returns is dropped.
    ///
    /// A port number listens on the loopback address alone; a `SocketAddr` is taken as it is. To be called within a
    /// tokio runtime.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on.
    #[cfg(feature = "axum")]
    pub async fn serve_metrics(&self, on: impl Into<ListenOn>) -> std::io::Result<MetricsServer> {
        MetricsServer::start(&self.inner.scraper, on.into()).await
    }
}

impl Watchkeeper {
    /// Ends when the process is told to: at Ctrl-C in a terminal, or at a supervisor's SIGTERM. For axum's
    /// `with_graceful_shutdown`.
    ///
    /// It is to be awaited within a tokio runtime that has its I/O enabled. Where the signals cannot be listened to,
    /// it says so in the log and never ends.
    pub fn shutdown_signal(&self) -> impl Future<Output = ()> + Send + use<> {
        shutdown::signal()
    }

    /// Sends what waits in logs, error reports and traces, and tells what was left after `deadline`.
    ///
    /// The waiting is done on a thread of its own, so this holds no runtime up. It is the same as
    /// [`TelemetryHandle::close`] otherwise; of a watch without telemetry, nothing is left.
    pub async fn close(&self, deadline: Duration) -> CloseReport {
        let Some(telemetry) = self.telemetry().cloned() else { return CloseReport::default() };
        shutdown::on_its_own_thread(move || telemetry.close(deadline)).await
    }
}

/// What a [`Watchkeeper`] watches: a service, and its telemetry where it has that set up.
#[derive(Debug, Clone)]
pub struct Watched {
    service: ServiceInfo,
    telemetry: Option<TelemetryHandle>,
}

impl From<ServiceInfo> for Watched {
    fn from(service: ServiceInfo) -> Self {
        Self { service, telemetry: None }
    }
}

impl From<&Telemetry> for Watched {
    fn from(telemetry: &Telemetry) -> Self {
        Self::from(&**telemetry)
    }
}

impl From<&TelemetryHandle> for Watched {
    fn from(telemetry: &TelemetryHandle) -> Self {
        Self { service: telemetry.service(), telemetry: Some(telemetry.clone()) }
    }
}

impl AsRef<Registry> for Watchkeeper {
    fn as_ref(&self) -> &Registry {
        self.registry()
    }
}

impl fmt::Debug for Watchkeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchkeeper").field("service", self.service()).finish_non_exhaustive()
    }
}

/// Builds a [`Watchkeeper`]; made by [`Watchkeeper::builder`].
#[must_use = "a builder does nothing until it is built"]
pub struct WatchkeeperBuilder {
    watched: Watched,
    registry: Registry,
    groups: Option<Vec<Group>>,
    http: HttpLayerBuilder,
    metrics_token: Option<String>,
    checks: Vec<Check>,
}

impl WatchkeeperBuilder {
    /// Uses a registry with choices of its own. Default: a new one without prefix or constant labels.
    pub fn registry(mut self, registry: &Registry) -> Self {
        self.registry = registry.clone();
        self
    }

    /// Exports these groups of ready-made metrics from the start, and no other. Default: process, runtime and build
    /// from the start, any other from its first use.
    pub fn groups(mut self, groups: &[Group]) -> Self {
        self.groups = Some(groups.to_vec());
        self
    }

    /// Makes choices about the HTTP layer. Default: none.
    pub fn http(mut self, choose: impl FnOnce(HttpLayerBuilder) -> HttpLayerBuilder) -> Self {
        self.http = choose(self.http);
        self
    }

    /// Adds a critical check: while it is down the service is unhealthy, and `/health` answers 503.
    ///
    /// The name is public. The probe has 2 s, and its result is kept for 5 s; [`health_check`](Self::health_check) takes
    /// a check with other choices. A name that is taken gets a number.
    pub fn check(self, name: &str, probe: impl Probe) -> Self {
        self.health_check(Check::new(name, probe))
    }

    /// Adds a check with choices of its own.
    pub fn health_check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// Answers `/metrics` only to who sends this bearer token, and shows the causes of failed checks to nobody else.
    /// Default: `/metrics` is for everybody who reaches it, and causes are for nobody.
    pub fn metrics_token(mut self, token: impl Into<String>) -> Self {
        self.metrics_token = Some(token.into());
        self
    }

    /// Builds the watch.
    ///
    /// Called within a tokio runtime, it watches that runtime too.
    ///
    /// # Errors
    ///
    /// When the registry has a metric of another meaning under one of our names.
    pub fn build(self) -> Result<Watchkeeper, RegisterError> {
        let served = self.groups.as_ref().is_none_or(|groups| groups.contains(&Group::Http));
        let layer = if served { self.http.build(&self.registry)? } else { self.http.build_unrecorded() };
        let scraper = Scraper::with_token(self.registry.clone(), self.metrics_token.clone());
        let metrics = match self.groups {
            Some(groups) => Presets::with_groups(self.registry, &groups)?,
            None => Presets::new(self.registry),
        };
        for group in [Group::Process, Group::Runtime, Group::Build] {
            metrics.enable(group)?;
        }
        if let Some(telemetry) = &self.watched.telemetry {
            telemetry.accounts().export(&metrics);
        }
        metrics.build().record_service(&self.watched.service);
        let mut checks = self.checks;
        checks.extend(self.watched.telemetry.iter().flat_map(checks_of_sinks));
        let health = HealthAnswers::new(Health::new(checks, &metrics), self.metrics_token);
        Ok(Watchkeeper { inner: Arc::new(Inner { watched: self.watched, metrics, scraper, health, layer }) })
    }
}

/// Checks of where telemetry goes. That something does not arrive there is no reason to serve nobody.
fn checks_of_sinks(telemetry: &TelemetryHandle) -> Vec<Check> {
    let mut checks = Vec::new();
    for (sink, trouble) in telemetry.sinks() {
        let probe = move || std::future::ready(trouble().map_or(Ok(()), Err));
        checks.push(Check::new(&format!("{sink}_sink"), probe).informational().keep(Duration::ZERO));
    }
    checks
}

impl fmt::Debug for WatchkeeperBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchkeeperBuilder").field("service", &self.watched.service).finish_non_exhaustive()
    }
}
