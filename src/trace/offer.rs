//! The hand-over between the layer that serves a request and the subscriber that may export its span.
//!
//! `tracing` has no way to give a span's maker something back, so both sides meet in a place of the thread: the HTTP
//! layer puts the request's context there before it makes the span, and takes it out again when the span is made.

use std::cell::RefCell;

use super::context::TraceContext;
use super::id::SpanId;

thread_local! {
    static OFFER: RefCell<Option<Offer>> = const { RefCell::new(None) };
}

/// What the maker of a request's span offers, and what comes back.
#[derive(Debug)]
#[cfg_attr(not(feature = "otlp"), expect(dead_code, reason = "nobody decides on a request then"))]
pub(crate) struct Offer {
    /// The context of the request; whoever exports it decides whether it is sampled.
    pub(crate) context: TraceContext,
    /// The client's span.
    pub(crate) parent: Option<SpanId>,
    /// Whether the client records the trace; none where it leaves that open.
    pub(crate) sampled: Option<bool>,
    /// Whether the request is to be exported at all: a scrape is not.
    pub(crate) wanted: bool,
    /// The exported span, where there is one.
    #[cfg(feature = "otlp")]
    pub(crate) span: Option<std::sync::Arc<crate::telemetry::otlp::OpenSpan>>,
}

/// Makes a span while an offer stands; returns the span and the offer as it was left.
pub(crate) fn with<S>(offer: Offer, make: impl FnOnce() -> S) -> (S, Option<Offer>) {
    let put = |offer| OFFER.try_with(|place| place.try_borrow_mut().ok().and_then(|mut place| place.replace(offer)));
    let _ = put(offer);
    let made = make();
    (made, take())
}

/// Takes the offer; whoever does puts it back by [`give_back`].
pub(crate) fn take() -> Option<Offer> {
    OFFER.try_with(|place| place.try_borrow_mut().ok()?.take()).ok()?
}

/// Reads the context of the offer that stands.
pub(crate) fn read<T>(read: impl FnOnce(&TraceContext) -> T) -> Option<T> {
    OFFER.try_with(|place| place.try_borrow().ok()?.as_ref().map(|offer| read(&offer.context))).ok()?
}

/// Gives an offer back to who made it.
#[cfg(feature = "otlp")]
pub(crate) fn give_back(offer: Offer) {
    let _ = OFFER.try_with(|place| place.try_borrow_mut().ok().and_then(|mut place| place.replace(offer)));
}
