//! The ways into a watch over HTTP: its layer, its routes, its port.

use crate::api::{HealthAnswers, Scraper};
#[cfg(feature = "axum")]
use crate::api::{ListenOn, MetricsServer};
#[cfg(feature = "axum")]
use crate::http::AxumBody;
use crate::http::{AnyBody, HttpLayer};

use super::Watchkeeper;

impl Watchkeeper {
    /// Returns the layer to put around an axum `Router`, last, so that unmatched requests are seen too.
    #[cfg(feature = "axum")]
    pub fn http_layer(&self) -> HttpLayer<AxumBody> {
        self.inner.layer.for_bodies()
    }

    /// Returns the layer to put around any other tower service of HTTP requests.
    ///
    /// It has no router to ask, so the routes are named by [`HttpLayerBuilder::path`](crate::http::HttpLayerBuilder::path).
    pub fn tower_layer(&self) -> HttpLayer<AnyBody> {
        self.inner.layer.clone()
    }

    /// Returns the routes to merge into the app's own: `/metrics`, `/health`, `/health/live`, `/health/ready`, and the
    /// monitoring API where the builder was told [who calls](crate::WatchkeeperBuilder::principals). Where alerts are to be
    /// received, `/api/v1/monitoring/webhooks/alertmanager` is among them.
    ///
    /// An app that has one of these itself, which axum's `merge` panics at, merges
    /// [`scraper().router()`](crate::api::Scraper::router), which is `/metrics` alone, or
    /// [`health_answers().router()`](crate::api::HealthAnswers::router), which is the rest.
    #[cfg(feature = "axum")]
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> axum::Router<S> {
        let routes = self.inner.scraper.router().merge(self.inner.health.router());
        #[cfg(feature = "alerting")]
        let routes = match self.inner.alerting.as_ref().filter(|alerting| alerting.receives()) {
            Some(alerting) => routes.merge(crate::api::webhooks(alerting)),
            None => routes,
        };
        #[cfg(feature = "api")]
        if self.inner.api.has_source() {
            return routes.merge(self.inner.api.router());
        }
        routes
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
