//! A server whose requests log a line each, and an error now and then: its sinks come from the environment.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::routing::get;
use watchkeeper::{Telemetry, Watchkeeper, service_info};

/// One request in so many logs an error, which is reported where reports are on.
const ONE_ERROR_IN: u64 = 500;

/// Serves on a port of its own, which it tells on standard error: standard output is the log's.
pub fn serve(kind: &str) {
    let routes = Router::new().route("/orders/{id}", get(handler));
    let mut kept = None;
    let routes = if kind == "bare" {
        routes
    } else {
        let telemetry = Telemetry::init(service_info!()).expect("the first set-up");
        let watch = Watchkeeper::builder(&telemetry).build().expect("a registry");
        let routes = routes.merge(watch.routes()).layer(watch.http_layer());
        kept = Some((telemetry, watch));
        routes
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        writeln!(std::io::stderr(), "{port}").expect("a reader");
        let _ = axum::serve(listener, routes).await;
    });
    drop(kept);
}

async fn handler() -> &'static str {
    static REQUESTS: AtomicU64 = AtomicU64::new(0);
    tracing::info!(cents = 1999, "paid");
    if REQUESTS.fetch_add(1, Ordering::Relaxed).is_multiple_of(ONE_ERROR_IN) {
        tracing::error!(cents = 1999, "the bank has refused");
    }
    "ok"
}
