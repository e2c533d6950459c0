//! Futures and bodies, polled by hand so that a test says where they end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as _, Frame};

use crate::script::BoxError;

/// Polls once.
pub fn once<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// Asks for a frame once.
pub fn frame(body: &mut Body) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
    Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()))
}

/// Reads a body to its end.
pub async fn read(body: Body) -> Result<Bytes, BoxError> {
    Ok(http_body_util::BodyExt::collect(body).await?.to_bytes())
}

/// Runs something that panics, and returns what it said.
#[track_caller]
pub fn panics<T>(act: impl FnOnce() -> T) -> &'static str {
    let Err(said) = catch_unwind(AssertUnwindSafe(act)) else { panic!("nothing panics") };
    said.downcast_ref::<&'static str>().expect("it is passed on as it was thrown")
}
