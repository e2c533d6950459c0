//! An app built from the packaged crate: it serves, records, keeps events and is scraped. `tests/consumer.sh` starts it.

use axum::{Router, routing::get};
use serde_json::json;
use watchkeeper::event::{Event, Level};
use watchkeeper::metric::Registry;
use watchkeeper::store::{EventQuery, Memory, Scope};
use watchkeeper::{Telemetry, Watchkeeper, service_info};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A switch that other crates may have set: numbers are kept as they were written.
    assert_eq!(serde_json::to_string(&serde_json::from_str::<serde_json::Value>("1.10")?)?, "1.10", "the features are on");
    let telemetry = Telemetry::builder(service_info!()).init()?;
    tokio::runtime::Runtime::new()?.block_on(serve(&telemetry))
}

async fn serve(telemetry: &Telemetry) -> Result<(), Box<dyn std::error::Error>> {
    // A collector of the app's own, by the crate whose features are on.
    let parcels = prometheus::IntCounter::new("consumer_parcels_total", "Parcels of the consumer.")?;
    let registry = Registry::new();
    registry.register_collector(Box::new(parcels.clone()))?;
    let store = Memory::new();
    let watch = Watchkeeper::builder(telemetry).registry(&registry).store(store).build()?;

    let recorder = watch.clone();
    let order = get(async move || {
        parcels.inc();
        recorder.record_event(Event::log("orders").level(Level::Info).message("sent").detail("weight", json!(1.10)));
        tracing::info!(weight = 1.10, "sent");
        "an order"
    });
    let app = Router::new().route("/orders/{id}", order).merge(watch.routes()).layer(watch.http_layer());
    let listener = tokio::net::TcpListener::bind(std::env::var("LISTEN_ADDR")?).await?;
    axum::serve(listener, app).with_graceful_shutdown(watch.shutdown_signal()).await?;

    let report = watch.close(std::time::Duration::from_secs(5)).await;
    assert!(report.is_complete(), "{report}");
    let kept = watch.store().events(&EventQuery::new(Scope::All)).await?;
    println!("events kept: {}, the first with weight {}", kept.items.len(), serde_json::to_value(&*kept.items[0])?["payload"]["weight"]);
    Ok(())
}
