//! The middleware around an Actix Web app: `cargo run --example actix --features actix`, then
//! <http://127.0.0.1:3000/metrics>.

use actix_web::{App, HttpServer, web};
use watchkeeper::{Watchkeeper, actix, service_info};

// An app with Actix Web's default features would say `#[actix_web::main]` instead.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    actix_web::rt::System::new().block_on(serve())
}

async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let watch = Watchkeeper::builder(service_info!()).build()?;
    let app = move || {
        App::new()
            .route("/", web::get().to(async || "hello"))
            .route("/greet/{name}", web::get().to(greet))
            .configure(actix::routes(watch.scraper(), watch.health_answers()))
            .wrap(actix::Middleware::new(watch.tower_layer())) // last, so that it is outermost
    };
    let address = std::env::var("LISTEN_ADDR").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    HttpServer::new(app).bind(address)?.run().await?;
    Ok(())
}

async fn greet(name: web::Path<String>) -> String {
    format!("hello {name}")
}
