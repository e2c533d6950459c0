//! A port of its own for `/metrics`.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::HeaderMap;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use super::Scraper;

impl Scraper {
    /// Returns a router with this scraper at `/metrics`.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let scraper = self.clone();
        let answer = async move |headers: HeaderMap| scraper.answer(&headers).await.map(Body::from);
        Router::new().route("/metrics", get(answer))
    }
}

/// Where to listen: a port number is a port of the loopback address, a `SocketAddr` is taken as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenOn(SocketAddr);

impl From<u16> for ListenOn {
    fn from(port: u16) -> Self {
        Self((Ipv4Addr::LOCALHOST, port).into())
    }
}

impl From<SocketAddr> for ListenOn {
    fn from(address: SocketAddr) -> Self {
        Self(address)
    }
}

/// A server of `/metrics` alone; it ends when this is dropped.
#[derive(Debug)]
#[must_use = "the server ends when this is dropped"]
pub struct MetricsServer {
    address: SocketAddr,
    task: AbortHandle,
}

impl MetricsServer {
    pub(crate) async fn start(scraper: &Scraper, on: ListenOn) -> io::Result<Self> {
        let listener = TcpListener::bind(on.0).await?;
        let address = listener.local_addr()?;
        let router: Router = scraper.router();
        let serving = tokio::spawn(async move {
            // Ends only with the task: axum goes on after an error in accepting.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, task: serving.abort_handle() })
    }

    /// Returns the address it listens on.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for MetricsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
