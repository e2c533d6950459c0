//! Trouble, to see what it looks like from outside: slow answers, long ones, errors and panics.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::routing::get;
use futures_util::stream;
use serde::Deserialize;

/// The longest that an answer is held back.
const SLOWEST: Duration = Duration::from_secs(60);

/// Returns `GET /slow?ms=N`, `GET /stream?chunks=N`, `GET /fail` and `GET /panic`.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/slow", get(slow))
        .route("/stream", get(chunks))
        .route("/fail", get(fail))
        .route("/panic", get(panics))
}

#[derive(Deserialize)]
#[serde(default)]
struct Slow {
    ms: u64,
}

impl Default for Slow {
    fn default() -> Self {
        Self { ms: 100 }
    }
}

async fn slow(Query(slow): Query<Slow>) -> &'static str {
    tokio::time::sleep(Duration::from_millis(slow.ms).min(SLOWEST)).await;
    "at last\n"
}

#[derive(Deserialize)]
#[serde(default)]
struct Stream {
    chunks: u32,
}

impl Default for Stream {
    fn default() -> Self {
        Self { chunks: 10 }
    }
}

/// Makes each chunk when the client is ready for it, so that a long answer takes no room.
async fn chunks(Query(asked): Query<Stream>) -> Body {
    Body::from_stream(stream::iter((1..=asked.chunks).map(|number| Ok::<_, Infallible>(format!("chunk {number}\n")))))
}

async fn fail() -> (StatusCode, &'static str) {
    tracing::error!(warehouse = "north", "the warehouse does not answer");
    (StatusCode::INTERNAL_SERVER_ERROR, "something went wrong\n")
}

async fn panics() {
    panic!("asked to panic");
}
