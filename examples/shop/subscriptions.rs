//! Subscriptions: begun, called off, taken up again, and how many run.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use watchkeeper::presets::subscription::{SubscriptionEvent, SubscriptionMetrics};

/// Numbers, not customers: the shop has no database, so it takes every id for one that it has given out.
struct Subscriptions {
    metrics: SubscriptionMetrics,
    numbers: Mutex<Numbers>,
}

#[derive(Default)]
struct Numbers {
    given_out: u64,
    running: u64,
}

/// Returns `POST /subscriptions`, `DELETE /subscriptions/{id}` and `POST /subscriptions/{id}/reactivate`.
pub(crate) fn router(metrics: &SubscriptionMetrics) -> Router {
    let subscriptions = Subscriptions { metrics: metrics.clone(), numbers: Mutex::default() };
    Router::new()
        .route("/subscriptions", post(create))
        .route("/subscriptions/{id}", delete(cancel))
        .route("/subscriptions/{id}/reactivate", post(reactivate))
        .with_state(Arc::new(subscriptions))
}

async fn create(State(subscriptions): State<Arc<Subscriptions>>) -> (StatusCode, Json<Value>) {
    let id = subscriptions.record(SubscriptionEvent::Created);
    (StatusCode::CREATED, Json(json!({"id": id, "state": "active"})))
}

async fn cancel(State(subscriptions): State<Arc<Subscriptions>>) -> StatusCode {
    subscriptions.record(SubscriptionEvent::Canceled);
    StatusCode::NO_CONTENT
}

async fn reactivate(State(subscriptions): State<Arc<Subscriptions>>, Path(id): Path<String>) -> Json<Value> {
    subscriptions.record(SubscriptionEvent::Reactivated);
    Json(json!({"id": id, "state": "active"}))
}

impl Subscriptions {
    /// Records what happened, and returns the last number given out.
    fn record(&self, event: SubscriptionEvent) -> u64 {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            SubscriptionEvent::Created => {
                numbers.given_out += 1;
                numbers.running += 1;
            }
            SubscriptionEvent::Canceled => numbers.running = numbers.running.saturating_sub(1),
            SubscriptionEvent::Reactivated => numbers.running += 1,
        }
        self.metrics.record_event(event);
        // Under the lock, so that the last number set is the last one that was true.
        self.metrics.record_active(numbers.running);
        numbers.given_out
    }
}
