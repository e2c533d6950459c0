//! The route of Alertmanager's webhook.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use axum::routing::post;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::alerting::{Alerting, MAX_WEBHOOK_BYTES, ReceiveError, WebhookRefusal};

/// Where the webhook is received.
const PATH: &str = "/api/v1/monitoring/webhooks/alertmanager";

/// How many messages are read or wait at a time; any further one is asked to come again.
const MOST: usize = 16;

/// How long a message may take to arrive and to be taken.
const DEADLINE: Duration = Duration::from_secs(10);

/// Returns the route at which Alertmanager's webhook is received.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(alerting: &Alerting) -> Router<S> {
    let (alerting, room) = (alerting.clone(), Arc::new(Semaphore::new(MOST)));
    let take = move |request: Request| {
        let (alerting, room) = (alerting.clone(), Arc::clone(&room));
        async move {
            let Ok(_place) = room.try_acquire() else { return unavailable("too many messages at once") };
            match timeout(DEADLINE, receive(&alerting, request)).await {
                Ok(answer) => answer,
                Err(_) => unavailable("it took too long"),
            }
        }
    };
    Router::new().route(PATH, post(take))
}

async fn receive(alerting: &Alerting, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_WEBHOOK_BYTES).await else {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the message is too large or did not arrive");
    };
    match alerting.receive(&head.headers, &body).await {
        Ok(received) => {
            let data = serde_json::json!({
                "changed": received.changed, "known": received.known, "ours": received.ours,
            });
            answer(StatusCode::OK, &serde_json::json!({ "success": true, "data": data }))
        }
        Err(ReceiveError::Refused(refused)) => {
            let (status, code) = match refused {
                WebhookRefusal::Malformed(_) => (StatusCode::BAD_REQUEST, "invalid_json"),
                WebhookRefusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
                _ => (StatusCode::UNAUTHORIZED, "unauthorized"),
            };
            refusal(status, code, &refused.to_string())
        }
        Err(ReceiveError::Store(error)) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "a webhook's alerts could not be stored");
            unavailable("the alerts cannot be stored now")
        }
    }
}

fn unavailable(message: &str) -> Response {
    let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn refusal(status: StatusCode, code: &str, message: &str) -> Response {
    let error = serde_json::json!({ "code": code, "message": message, "field": null });
    let mut response = answer(status, &serde_json::json!({ "success": false, "error": error }));
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

fn answer(status: StatusCode, body: &serde_json::Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
