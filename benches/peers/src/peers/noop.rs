//! A layer that does nothing: what axum charges for any layer at all.

use std::task::{Context, Poll};

use axum::extract::Request;
use tower::{Layer, Service};

use crate::peer::{Peer, Running};

pub fn peer() -> Peer {
    Peer { key: "noop", title: "no-op layer", attacked: false, start: || Running::idle(|router| router.layer(NoOp)) }
}

#[derive(Clone)]
struct NoOp;

impl<S> Layer<S> for NoOp {
    type Service = Through<S>;

    fn layer(&self, inner: S) -> Through<S> {
        Through { inner }
    }
}

#[derive(Clone)]
struct Through<S> {
    inner: S,
}

impl<S: Service<Request>> Service<Request> for Through<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> S::Future {
        self.inner.call(request)
    }
}
