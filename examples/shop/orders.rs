//! Orders: a page to look at; whatever its number, it is one route and one path label.

use axum::extract::Path;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

/// Returns `GET /orders/{id}`.
pub(crate) fn router() -> Router {
    Router::new().route("/orders/{id}", get(show))
}

async fn show(Path(id): Path<String>) -> Json<Value> {
    Json(json!({"id": id, "state": "shipped", "total_cents": 1999}))
}
