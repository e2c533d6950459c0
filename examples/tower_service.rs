//! The layer without axum, around a plain hyper service: `cargo run --example tower_service`.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tower::{ServiceBuilder, service_fn};
use watchkeeper::http::MeteredBody;
use watchkeeper::{Watchkeeper, service_info};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Without a router the routes are named by a function; what it leaves out is `unmatched`.
    let watch = Watchkeeper::builder(service_info!())
        .http(|http| http.path(|head| route(head.uri.path()).map(Into::into)))
        .build()?;
    let metrics = watch.clone();
    let service = ServiceBuilder::new().layer(watch.tower_layer()).service(service_fn(move |request| {
        let watch = metrics.clone();
        async move { Ok::<_, Infallible>(answer(&watch, request).await) }
    }));
    let address = std::env::var("LISTEN_ADDR").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            // A connection that breaks off is the client's affair.
            let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn route(path: &str) -> Option<&'static str> {
    match path.split('/').collect::<Vec<_>>()[..] {
        ["", ""] => Some("/"),
        ["", "greet", _] => Some("/greet/{name}"),
        _ => None,
    }
}

async fn answer(watch: &Watchkeeper, request: Request<MeteredBody<Incoming>>) -> Response<Full<Bytes>> {
    match (request.uri().path(), route(request.uri().path())) {
        ("/metrics", _) => watch.scraper().answer(request.headers()).await.map(Full::new),
        (path, Some("/greet/{name}")) => text(StatusCode::OK, format!("hello {}\n", &path["/greet/".len()..])),
        (_, Some(_)) => text(StatusCode::OK, "hello\n".to_owned()),
        (_, None) => text(StatusCode::NOT_FOUND, "nothing here\n".to_owned()),
    }
}

fn text(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response
}
