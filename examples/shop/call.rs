//! A call: the shop asks a service, and the trace goes along. Here the service is the shop itself.

use axum::Router;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use watchkeeper::trace;

#[derive(Debug, Clone)]
struct Stock {
    client: Client<HttpConnector, Empty<Bytes>>,
    /// Where the service is, such as `127.0.0.1:3000`.
    authority: String,
}

/// `GET /call` asks the service at this address.
pub(crate) fn router(authority: String) -> Router {
    let stock = Stock { client: Client::builder(TokioExecutor::new()).build_http(), authority };
    Router::new().route("/call", get(call)).with_state(stock)
}

#[tracing::instrument(name = "ask the stock", skip_all)]
async fn ask(stock: &Stock) -> Result<StatusCode, Box<dyn std::error::Error + Send + Sync>> {
    let mut request = Request::get(format!("http://{}/orders/7", stock.authority)).body(Empty::new())?;
    trace::inject(request.headers_mut());
    let answer = stock.client.request(request).await?;
    tracing::info!(status = answer.status().as_u16(), "the stock has answered");
    Ok(answer.status())
}

async fn call(State(stock): State<Stock>) -> (StatusCode, &'static str) {
    match ask(&stock).await {
        Ok(StatusCode::OK) => (StatusCode::OK, "in stock\n"),
        Ok(_) => (StatusCode::BAD_GATEWAY, "the stock does not know\n"),
        Err(error) => {
            tracing::error!(error, "the stock cannot be reached");
            (StatusCode::BAD_GATEWAY, "the stock cannot be reached\n")
        }
    }
}
