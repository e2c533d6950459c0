//! A shop that keeps its own watch: `cargo run --example shop`, then <http://127.0.0.1:3000/metrics>.
//!
//! `cargo run --example shop -- --traffic 20` makes it its own customer, so that the numbers move; with `--failing 20`
//! every fifth request fails, and within some minutes an alert fires.

mod alerts;
mod arguments;
mod call;
mod failures;
mod logins;
mod monitoring;
mod orders;
mod payments;
mod sessions;
mod subscriptions;
mod traffic;
mod trouble;

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tracing::Level;
use watchkeeper::store::Parts;
use watchkeeper::{Telemetry, Watchkeeper, service_info};

use arguments::{Arguments, Refusal};

/// How long requests may take to end once the shop was told to close.
const CLOSING_TIME: Duration = Duration::from_secs(5);

/// How long it may then take to send what waits.
const SENDING_TIME: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::of_this_process()?;
    // Before the runtime, so that everything that follows is logged.
    let telemetry = Telemetry::builder(service_info!()).keep_events(Level::ERROR).init()?;
    tokio::runtime::Runtime::new()?.block_on(serve(&telemetry, arguments))
}

async fn serve(telemetry: &Telemetry, arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let address = &arguments.listen_addr;
    let listener = TcpListener::bind(address).await.map_err(|error| Refusal::address(address, &error))?;
    let address = listener.local_addr()?;

    let watch = Watchkeeper::builder(telemetry)
        .store(Parts::from_env()?) // in Postgres with MONITORING_DATABASE_URL or DATABASE_URL, else in memory
        .check("bank", payments::bank_answers)
        .history(alerts::history(address))
        .alerts(alerts::options(address)?) // and Alertmanager's webhook with MONITORING_ALERTMANAGER_TOKEN
        .principals(monitoring::principals()?)
        .build()?;
    let metrics = watch.metrics();
    let shop = Router::new()
        .merge(logins::router(&watch))
        .merge(orders::router())
        .merge(subscriptions::router(metrics.subscription()))
        .merge(payments::router(&watch))
        .merge(trouble::router())
        .merge(call::router(traffic::reachable(address).to_string()))
        .merge(watch.routes()) // /metrics, /health, /api/v1/monitoring
        .layer(watch.http_layer()); // last, so that unmatched requests are seen too

    say_where_to_look(address, &arguments);
    if let Some(rate) = arguments.traffic {
        traffic::start(address, rate, arguments.failing);
    }
    // With each client's address, so that who tries tokens is slowed.
    let shop = shop.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, shop).with_graceful_shutdown(watch.shutdown_signal()).into_future();
    tokio::select! {
        ended = serving => ended?,
        () = closing_time_over(&watch) => tracing::warn!("some requests had not ended at closing time"),
    }
    // Logs and whatever else leaves the process: what is not sent by then is counted, and the shop closes anyway.
    let report = watch.close(SENDING_TIME).await;
    if !report.is_complete() {
        tracing::warn!("the shop closes, and {report}");
    }
    Ok(())
}

fn say_where_to_look(address: SocketAddr, arguments: &Arguments) {
    tracing::info!("metrics: http://{address}/metrics");
    tracing::info!("health: http://{address}/health");
    tracing::info!("monitoring: http://{address}/api/v1/monitoring/openapi.json, with a bearer token");
    tracing::info!("a request to begin with: curl -i http://{address}/orders/7");
    tracing::info!("logs: here, on standard output; as JSON with RUST_LOG_FORMAT=json");
    tracing::info!("errors: to an error tracker with SENTRY_DSN or GLITCHTIP_DSN; /fail and /panic make some");
    match arguments.traffic {
        Some(rate) => tracing::info!("traffic: {rate} requests a second, sent by the shop itself"),
        None => tracing::info!("traffic: none but yours; --traffic 20 makes the shop send itself some"),
    }
}

async fn closing_time_over(watch: &Watchkeeper) {
    watch.shutdown_signal().await;
    tokio::time::sleep(CLOSING_TIME).await;
}
