//! A careful tower layer around whatever a row records with: no `from_fn`, no box, no owned strings of its own.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::response::Response;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

/// What a row does around a request. It is `Copy`, so that no reference count is a part of a row's cost.
pub trait Record: Copy {
    /// What is kept from the request until its answer.
    type Begun;

    fn begin(self, request: &Request) -> Self::Begun;
    fn end(self, begun: Self::Begun, response: &Response);
}

/// The path label: axum's pattern, or one value for all requests that no route matched.
pub fn pattern(path: Option<&MatchedPath>) -> &str {
    path.map_or("unmatched", MatchedPath::as_str)
}

/// The method label: one value for whatever HTTP does not know.
pub fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::PATCH => "PATCH",
        Method::TRACE => "TRACE",
        _ => "other",
    }
}

/// The layer.
#[derive(Clone, Copy)]
pub struct Timed<R>(pub R);

impl<S, R: Copy> Layer<S> for Timed<R> {
    type Service = TimedService<S, R>;

    fn layer(&self, inner: S) -> TimedService<S, R> {
        TimedService { inner, record: self.0 }
    }
}

#[derive(Clone)]
pub struct TimedService<S, R> {
    inner: S,
    record: R,
}

impl<S: Service<Request, Response = Response>, R: Record> Service<Request> for TimedService<S, R> {
    type Response = Response;
    type Error = S::Error;
    type Future = TimedFuture<S::Future, R, R::Begun>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let begun = Some(self.record.begin(&request));
        TimedFuture { inner: self.inner.call(request), record: self.record, begun }
    }
}

pin_project! {
    pub struct TimedFuture<F, R, B> {
        #[pin]
        inner: F,
        record: R,
        begun: Option<B>,
    }
}

impl<F: Future<Output = Result<Response, E>>, E, R: Record<Begun = B>, B> Future for TimedFuture<F, R, B> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(cx));
        if let (Ok(response), Some(begun)) = (&result, this.begun.take()) {
            this.record.end(begun, response);
        }
        Poll::Ready(result)
    }
}
