//! The body: counted as it streams, and followed to its end.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::passage::Followed;
use super::request_meter::RequestMeter;
use super::scope::Scope;
use super::visit::Visit;
use crate::presets::http::Outcome;

pin_project! {
    /// A body that the layer follows. It passes everything on as it is: frames, trailers, errors, size hints.
    pub struct MeteredBody<B> {
        #[pin]
        inner: B,
        meter: Meter,
    }
}

/// Who is told about the body.
pub(crate) enum Meter {
    Nobody,
    Request(RequestMeter),
    Response {
        visit: Visit,
        bytes: u64,
        /// How many bytes there are, where somebody said so.
        length: Option<u64>,
        scope: Option<Box<Scope>>,
    },
}

impl<B> MeteredBody<B> {
    pub(super) fn request(inner: B, meter: Option<RequestMeter>) -> Self {
        Self { inner, meter: meter.map_or(Meter::Nobody, Meter::Request) }
    }

    pub(super) fn response(inner: B, followed: Option<Followed>) -> Self {
        Self { inner, meter: Meter::of_response(followed) }
    }
}

impl<B: Body> Body for MeteredBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        this.meter.poll(|| {
            let frame = this.inner.as_mut().poll_frame(context);
            let over = matches!(frame, Poll::Ready(Some(Ok(_)))) && this.inner.is_end_stream();
            (frame, over)
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Meter {
    /// Tells a visit about an answer's body, where it is still to be followed.
    pub(crate) fn of_response(followed: Option<Followed>) -> Self {
        let meter = |Followed { visit, length, scope }| Self::Response { visit, bytes: 0, length, scope };
        followed.map_or(Self::Nobody, meter)
    }

    /// Asks the body for a frame, in its request's scope, and counts it. What asks says also whether the frame is the last.
    #[inline]
    pub(crate) fn poll<D: Buf, E>(
        &mut self,
        poll: impl FnOnce() -> (Poll<Option<Result<Frame<D>, E>>>, bool),
    ) -> Poll<Option<Result<Frame<D>, E>>> {
        let (frame, over) = match self {
            Self::Response { visit, scope, .. } => {
                let _entered = scope.as_mut().map(|scope| scope.enter());
                visit.run();
                let polled = poll();
                visit.pause();
                polled
            }
            _ => poll(),
        };
        let frame = ready!(frame);
        let end = match &frame {
            Some(Ok(frame)) => {
                // A reader may stop at any of these without asking for the end.
                let last = self.pass(frame) || over;
                last.then_some(Outcome::Completed)
            }
            Some(Err(_)) => Some(Outcome::Failed),
            None => Some(Outcome::Completed),
        };
        if let Some(outcome) = end {
            self.end(outcome);
        }
        Poll::Ready(frame)
    }

    /// Counts a frame; says whether it is the last one that a reader asks for.
    fn pass<D: Buf>(&mut self, frame: &Frame<D>) -> bool {
        let more = frame.data_ref().map_or(0, |data| data.remaining() as u64);
        match self {
            Self::Nobody => {}
            Self::Request(meter) => meter.count(more),
            Self::Response { visit, bytes, length, .. } => {
                *bytes += more;
                if let Some(trailers) = frame.trailers_ref() {
                    visit.trailers(trailers);
                }
                return frame.is_trailers() || length.is_some_and(|length| *bytes >= length);
            }
        }
        frame.is_trailers()
    }

    fn end(&mut self, outcome: Outcome) {
        self.record(outcome);
        // A request's meter records when it is dropped, which is now.
        *self = Self::Nobody;
    }

    /// Records the end of an answer's body; a second one is none.
    fn record(&mut self, outcome: Outcome) {
        if let Self::Response { visit, bytes, scope, .. } = self {
            if let Some(scope) = scope
                && let Some(outcome) = visit.outcome_of_body(outcome)
            {
                scope.end_of_body(outcome);
            }
            visit.end_of_body(*bytes, outcome);
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Self::Response { visit, .. } = self {
            let outcome = visit.outcome_of_drop();
            self.record(outcome);
        }
    }
}

impl<B: Default> Default for MeteredBody<B> {
    fn default() -> Self {
        Self { inner: B::default(), meter: Meter::Nobody }
    }
}

impl<B: fmt::Debug> fmt::Debug for MeteredBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MeteredBody").field("inner", &self.inner).finish_non_exhaustive()
    }
}
