//! The answers about health: whether the process lives, whether it can take requests, and how each check stands.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::token::Token;
use crate::health::{CheckResult, Health, Importance, Report, Status};

/// Answers questions about health, with any HTTP server. Cloning it copies a handle.
///
/// 200 is healthy or degraded, 503 unhealthy. The body is JSON: status, time, and each check's name, state, weight and
/// time. Why a check is down is shown only to who sends the watch's token.
#[derive(Clone)]
pub struct HealthAnswers {
    inner: Arc<Inner>,
}

struct Inner {
    checks: Health,
    token: Option<Token>,
}

impl HealthAnswers {
    pub(crate) fn new(checks: Health, token: Option<String>) -> Self {
        let token = token.as_deref().map(Token::new);
        Self { inner: Arc::new(Inner { checks, token }) }
    }

    pub(crate) fn checks(&self) -> &Health {
        &self.inner.checks
    }

    /// Answers how all checks stand, by the request's headers: `Authorization`.
    ///
    /// To be called within a tokio runtime.
    pub async fn health(&self, headers: &HeaderMap) -> Response<Bytes> {
        self.answer(&self.inner.checks.report().await, headers)
    }

    /// Answers whether the service can take requests: how its critical checks stand.
    ///
    /// To be called within a tokio runtime.
    pub async fn ready(&self, headers: &HeaderMap) -> Response<Bytes> {
        self.answer(&self.inner.checks.readiness().await, headers)
    }

    /// Answers that the process lives. No check has a say in it: restarting does not mend another's failure.
    pub fn live(&self) -> Response<Bytes> {
        let body = json!({ "status": Status::Healthy.as_str(), "timestamp": time(Timestamp::now()), "checks": [] });
        respond(StatusCode::OK, &body)
    }

    fn answer(&self, report: &Report, headers: &HeaderMap) -> Response<Bytes> {
        let shows_causes = self.inner.token.as_ref().is_some_and(|token| token.is_sent_in(headers));
        let checks: Vec<_> = report.checks.iter().map(|check| entry(check, shows_causes)).collect();
        let at = Timestamp::try_from(report.at).unwrap_or_default();
        let body = json!({ "status": report.status.as_str(), "timestamp": time(at), "checks": checks });
        let status = match report.status {
            Status::Healthy | Status::Degraded => StatusCode::OK,
            Status::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
        };
        respond(status, &body)
    }
}

fn entry(check: &CheckResult, shows_causes: bool) -> Value {
    let mut entry = Map::new();
    entry.insert("name".to_owned(), json!(check.name));
    entry.insert("state".to_owned(), json!(check.state.as_str()));
    entry.insert("critical".to_owned(), json!(check.importance == Importance::Critical));
    entry.insert("checked_at".to_owned(), json!(time(Timestamp::try_from(check.checked_at).unwrap_or_default())));
    if let Some(cause) = check.cause.as_ref().filter(|_| shows_causes) {
        entry.insert("took_ms".to_owned(), json!(u64::try_from(check.took.as_millis()).unwrap_or(u64::MAX)));
        entry.insert("cause".to_owned(), json!(cause));
    }
    Value::Object(entry)
}

/// Writes a time as RFC 3339 in UTC, to the millisecond.
fn time(at: Timestamp) -> String {
    format!("{at:.3}")
}

fn respond(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(format!("{body}\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(feature = "axum")]
impl HealthAnswers {
    /// Returns a router with `/health`, `/health/live` and `/health/ready`.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> axum::Router<S> {
        use axum::body::Body;
        use axum::routing::get;
        let [all, live, ready] = std::array::from_fn(|_| self.clone());
        axum::Router::new()
            .route("/health", get(async move |headers: HeaderMap| all.health(&headers).await.map(Body::from)))
            .route("/health/live", get(async move || live.live().map(Body::from)))
            .route("/health/ready", get(async move |headers: HeaderMap| ready.ready(&headers).await.map(Body::from)))
    }
}

impl fmt::Debug for HealthAnswers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthAnswers").field("checks", &self.inner.checks).field("token", &self.inner.token).finish()
    }
}
