//! Questions to a watch's routes, and the answers that come back.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use watchkeeper::health::Check;
use watchkeeper::{ServiceInfo, Watchkeeper, WatchkeeperBuilder};

pub fn builder() -> WatchkeeperBuilder {
    Watchkeeper::builder(ServiceInfo::new("shop", "1.0.0"))
}

pub fn watch(checks: impl IntoIterator<Item = Check>) -> Watchkeeper {
    checks.into_iter().fold(builder(), WatchkeeperBuilder::health_check).build().expect("a watch")
}

/// Asks a route, as a caller who shows this token or none.
pub async fn ask(watch: &Watchkeeper, path: &str, token: Option<&str>) -> (u16, Value) {
    let response = raw(watch, path, token).await;
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, serde_json::from_slice(&body).expect("JSON"))
}

pub async fn raw(watch: &Watchkeeper, path: &str, token: Option<&str>) -> Response<Body> {
    let app: Router = watch.routes();
    let mut request = Request::get(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    app.oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer")
}

/// Asks one check, and gives back why it is down; `None` when it is up.
pub async fn cause(check: Check) -> Option<String> {
    let report = watch([check]).health().report().await;
    report.checks[0].cause.clone()
}
