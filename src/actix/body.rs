//! The body of an answer: counted as it streams, and followed to its end.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use http_body::Frame;
use pin_project_lite::pin_project;

use crate::http::Meter;

pin_project! {
    /// A body that the middleware follows. It passes everything on as it is.
    pub struct FollowedBody<B> {
        #[pin]
        inner: B,
        meter: Meter,
    }
}

impl<B> FollowedBody<B> {
    pub(super) const fn new(inner: B, meter: Meter) -> Self {
        Self { inner, meter }
    }
}

impl<B: MessageBody> MessageBody for FollowedBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.inner.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, B::Error>>> {
        let this = self.project();
        let frame = this.meter.poll(|| {
            let data = this.inner.poll_next(context);
            (data.map(|data| data.map(|data| data.map(Frame::data))), false)
        });
        // It was data when it came in.
        frame.map(|frame| frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default())))
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        // One that is followed is to be polled.
        match self.meter {
            Meter::Nobody => self.inner.try_into_bytes().map_err(|inner| Self::new(inner, Meter::Nobody)),
            meter @ Meter::Request(_) | meter @ Meter::Response { .. } => Err(Self::new(self.inner, meter)),
        }
    }
}

impl<B: fmt::Debug> fmt::Debug for FollowedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FollowedBody").field("inner", &self.inner).finish_non_exhaustive()
    }
}
