//! The requests: one route, whose handler logs one line at `info`; without sockets.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::routing::get;
use http_body::Body as _;
use tower::Service;

pub const PATH: &str = "/orders/1000042";

pub fn router() -> Router {
    Router::new().route("/orders/{id}", get(handler))
}

async fn handler() -> &'static str {
    tracing::info!(cents = 1999, "paid");
    "ok"
}

/// Sends so many requests, each with the headers that any client sends. Instructions are counted in here.
#[inline(never)]
pub fn requests(router: &mut Router, count: u32) {
    let headers: HeaderMap = [
        (header::HOST, "shop.example"),
        (header::USER_AGENT, "curl/8.11.0"),
        (header::ACCEPT, "*/*"),
        (header::ACCEPT_ENCODING, "gzip"),
    ]
    .map(|(name, value)| (name, HeaderValue::from_static(value)))
    .into_iter()
    .collect();
    for _ in 0..count {
        assert_eq!(status(router, &headers), StatusCode::OK);
    }
}

/// Sends one request, drains the body of its answer and drops both, as a server does.
fn status(router: &mut Router, headers: &HeaderMap) -> StatusCode {
    let mut request = Request::get(PATH).body(Body::empty()).expect("a request");
    *request.headers_mut() = headers.clone();
    let mut cx = Context::from_waker(Waker::noop());
    let mut answer = pin!(router.call(request));
    let response = loop {
        if let Poll::Ready(Ok(response)) = answer.as_mut().poll(&mut cx) {
            break response;
        }
    };
    let (head, body) = response.into_parts();
    let mut body = pin!(body);
    loop {
        match body.as_mut().poll_frame(&mut cx) {
            Poll::Ready(Some(frame)) => drop(frame.expect("a body that does not fail")),
            Poll::Ready(None) => return head.status,
            Poll::Pending => {}
        }
    }
}
