//! What an answer's head says about how the answer is recorded.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Response, StatusCode};
use http_body::Body;

use crate::presets::http::{ConnectionKind, Method, Outcome};

/// How an answer is to be recorded.
pub(super) struct Answer {
    pub(super) size: Size,
    pub(super) kind: Kind,
    /// Whether its duration ends with the head.
    pub(super) timed: bool,
}

/// How many bytes the body has.
pub(super) enum Size {
    Known(u64),
    /// There is no body to measure: the connection is the app's from here on.
    None,
    AtEnd,
}

/// What an answer is beside an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    /// A stream that stays open.
    Stream(ConnectionKind),
    /// A call of gRPC, and whether it has failed as far as is known.
    Grpc {
        failed: bool,
    },
}

/// Returns the size of what nearly all answers are: a 200 whose body is there and of known size. All that
/// [`Answer::of`] has to say of it beside its size is that it is plain, and timed to its head.
#[inline]
pub(super) fn plain<B: Body>(response: &Response<B>, method: Method, to_end_of_body: bool) -> Option<u64> {
    let plain = response.status() == StatusCode::OK && !matches!(method, Method::Head | Method::Connect);
    if plain && !to_end_of_body { response.body().size_hint().exact().filter(|bytes| *bytes > 0) } else { None }
}

impl Answer {
    pub(super) fn of<B: Body>(response: &Response<B>, method: Method, to_end_of_body: bool) -> Self {
        let (status, size) = (response.status(), response.body().size_hint().exact());
        if status == StatusCode::SWITCHING_PROTOCOLS || (method == Method::Connect && status.is_success()) {
            return Self { size: Size::None, kind: Kind::Plain, timed: false };
        }
        // These have no body on the wire, whatever the handler gave.
        let bodiless = method == Method::Head || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        match size {
            _ if bodiless => Self { size: Size::Known(0), kind: Kind::Plain, timed: true },
            Some(bytes @ 1..) if !to_end_of_body => Self { size: Size::Known(bytes), kind: Kind::Plain, timed: true },
            _ => Self::of_body(response, to_end_of_body),
        }
    }

    /// Looks closer at an answer whose body is followed or empty.
    fn of_body<B: Body>(response: &Response<B>, to_end_of_body: bool) -> Self {
        let kind = Kind::of(response);
        // Nobody asks an empty body for its end. One of gRPC may have trailers yet.
        let empty =
            (length(response) == Some(0) && !matches!(kind, Kind::Grpc { .. })) || response.body().is_end_stream();
        if empty {
            return Self { size: Size::Known(0), kind, timed: true };
        }
        Self { size: Size::AtEnd, kind, timed: !to_end_of_body && !matches!(kind, Kind::Stream(_)) }
    }
}

impl Kind {
    fn of<B: Body>(response: &Response<B>) -> Self {
        let kind = response.headers().get(CONTENT_TYPE).map_or(&[][..], |kind| kind.as_bytes());
        let is = |name: &[u8]| kind.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        if is(b"application/grpc") {
            return Self::Grpc { failed: has_failed(response.headers()).unwrap_or(false) };
        }
        // One of known size ends by itself.
        if is(b"text/event-stream") && response.body().size_hint().exact().is_none() {
            return Self::Stream(ConnectionKind::Sse);
        }
        Self::Plain
    }

    /// Takes the status of a call from the trailers, where they have one.
    pub(super) fn read(&mut self, trailers: &HeaderMap) {
        if let Self::Grpc { failed } = self {
            *failed = has_failed(trailers).unwrap_or(*failed);
        }
    }

    /// Returns what an outcome of the body means for the request.
    pub(super) const fn outcome(self, of_body: Outcome) -> Outcome {
        match (self, of_body) {
            (Self::Grpc { failed: true }, Outcome::Completed) => Outcome::Failed,
            // Events have no end of their own: the client's leaving is how they end.
            (Self::Stream(_), Outcome::Cancelled) => Outcome::Completed,
            _ => of_body,
        }
    }

    /// Returns what counts as open while the answer lasts.
    pub(super) const fn connection(self) -> Option<ConnectionKind> {
        match self {
            Self::Stream(kind) => Some(kind),
            Self::Plain | Self::Grpc { .. } => None,
        }
    }
}

/// Returns how many bytes a server takes of the body, where it is known: it does not ask for an end after them.
pub(super) fn length<B: Body>(response: &Response<B>) -> Option<u64> {
    let named = || response.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
    response.body().size_hint().exact().or_else(named)
}

/// Tells whether a call of gRPC has failed, where its status is among these headers.
fn has_failed(headers: &HeaderMap) -> Option<bool> {
    headers.get("grpc-status").map(|status| status != "0")
}
