//! One layer and `/metrics`: `cargo run --example minimal`, then <http://127.0.0.1:3000/metrics>.

use axum::{Router, routing::get};
use watchkeeper::{Watchkeeper, service_info};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let watch = Watchkeeper::builder(service_info!()).build()?;
    let app = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/greet/{name}", get(greet))
        .merge(watch.routes())
        .layer(watch.http_layer());
    let address = std::env::var("LISTEN_ADDR").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    axum::serve(tokio::net::TcpListener::bind(address).await?, app).await?;
    Ok(())
}

async fn greet(axum::extract::Path(name): axum::extract::Path<String>) -> String {
    format!("hello {name}")
}
