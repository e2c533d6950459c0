//! The scope of a request: its id, its trace, and the span that every line it logs stands in.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{Entry, HeaderName, HeaderValue};
use http::{HeaderMap, Request, Response};
use tracing::Span;
use tracing::field::Empty;

use super::core::Core;
use super::local;
use super::options::{ScopeOptions, TraceInAnswer};
use super::request_id::{self, RequestId};
#[cfg(feature = "otlp")]
use super::server_span::{Running, ServerSpan};
use super::visit::Visit;
use crate::presets::http::Outcome;
use crate::telemetry::REQUEST_SPAN_TARGET;
use crate::trace::offer::{self, Offer};
use crate::trace::{Remote, Swapped, TraceContext, swap_in};

const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What belongs to one request while it is served.
pub(super) struct Scope {
    id: RequestId,
    /// Exchanged for the thread's while the request runs.
    context: Option<TraceContext>,
    in_answer: TraceInAnswer,
    /// The exported span, which ends before the other one.
    #[cfg(feature = "otlp")]
    exported: Option<ServerSpan>,
    span: Span,
}

impl Scope {
    /// Takes the request's id and trace, or gives it new ones, and opens its span.
    #[inline(never)] // It is long, and a layer without request ids jumps over it.
    pub(super) fn begin<B>(
        request: &mut Request<B>,
        visit: &mut Visit,
        layer: u32,
        options: ScopeOptions,
    ) -> Box<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let id = RequestId::from_headers(request.headers()).unwrap_or_else(|| RequestId::made_at(now));
        let block = visit.route();
        let (offer, named) = offer_of(request, now, visit.is_recorded() || layer == Core::NONE);
        let spare = offer.context.clone();
        let (span, offer) = offer::with(offer, || {
            tracing::info_span!(
                target: REQUEST_SPAN_TARGET,
                "request",
                method = request.method().as_str(),
                path = block.as_ref().map(|block| &*block.route.path),
                request_id = id.as_str(),
                trace_id = Empty,
            )
        });
        if options.trace_header && !named && !span.is_disabled() {
            local::with(layer, |layer| {
                let name = layer.core.options.trace_header.as_ref()?;
                span.record("trace_id", foreign_trace(request.headers(), name)?);
                Some(())
            });
        }
        if options.share_id {
            request.extensions_mut().insert(id.clone());
        }
        let context = offer.as_ref().map_or(spare, |offer| offer.context.clone());
        if named || context.is_sampled() {
            visit.set_trace(context.trace_id());
        }
        #[cfg(feature = "otlp")]
        let exported = offer.and_then(|offer| offer.span).map(|open| {
            let route = block.as_ref().map(|block| &*block.route.path);
            ServerSpan::begin(open, request, route_of(request, route), &id)
        });
        Box::new(Self {
            id,
            context: Some(context),
            in_answer: options.trace_in_answer,
            #[cfg(feature = "otlp")]
            exported,
            span,
        })
    }

    /// Enters the request's span and its trace until the guard is dropped.
    #[inline]
    pub(super) fn enter(&mut self) -> Entered<'_> {
        Entered {
            #[cfg(feature = "otlp")]
            _running: self.exported.as_mut().map(ServerSpan::run),
            _context: swap_in(&mut self.context),
            _span: self.span.enter(),
        }
    }

    /// Puts the ids into the answer, unless the handler has put them there or left no room for them.
    pub(super) fn answer<B>(&mut self, response: &mut Response<B>) {
        #[cfg(feature = "otlp")]
        if let Some(exported) = &mut self.exported {
            exported.answer(response.status());
        }
        let headers = response.headers_mut();
        put(headers, request_id::HEADER, || self.id.to_header_value());
        if let Some(context) = &self.context {
            let value = |bytes: &[u8]| HeaderValue::from_bytes(bytes).unwrap_or(HeaderValue::from_static(""));
            match self.in_answer {
                TraceInAnswer::TraceId => put(headers, TRACE_ID, || value(&context.trace_id().to_hex())),
                TraceInAnswer::Traceparent => put(headers, TRACEPARENT, || value(context.traceparent().as_bytes())),
                TraceInAnswer::Nothing => {}
            }
        }
    }

    /// Notes that the service returned an error instead of an answer.
    pub(super) fn fail(&mut self) {
        #[cfg(feature = "otlp")]
        if let Some(exported) = &mut self.exported {
            exported.fail();
        }
    }

    /// Notes how a body ended that was followed.
    pub(super) fn end_of_body(&self, outcome: Outcome) {
        #[cfg(feature = "otlp")]
        if let Some(exported) = &self.exported {
            exported.end_of_body(outcome);
        }
        #[cfg(not(feature = "otlp"))]
        let _ = outcome;
    }
}

/// Keeps a request's span and its trace the thread's own.
pub(super) struct Entered<'a> {
    #[cfg(feature = "otlp")]
    _running: Option<Running<'a>>,
    _context: Swapped<'a>,
    _span: tracing::span::Entered<'a>,
}

/// Reads from which trace a request comes, and offers its span; says too whether the headers name a trace.
fn offer_of<B>(request: &Request<B>, now: Duration, wanted: bool) -> (Offer, bool) {
    let mut remote = Remote::read(request.headers());
    let offer = Offer {
        context: TraceContext::of_request(&mut remote, now),
        parent: remote.parent.map(|(_, span)| span),
        sampled: remote.sampled,
        wanted,
        #[cfg(feature = "otlp")]
        span: None,
    };
    (offer, remote.parent.is_some())
}

/// Returns the route that an exported span is named by: none where no route matched.
#[cfg(feature = "otlp")]
fn route_of<'a, B>(request: &'a Request<B>, recorded: Option<&'a str>) -> Option<&'a str> {
    #[cfg(feature = "axum")]
    if let Some(path) = request.extensions().get::<axum::extract::MatchedPath>() {
        return Some(path.as_str());
    }
    let _ = request;
    recorded.filter(|path| *path != super::route::UNMATCHED && *path != crate::metric::OVERFLOW)
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: impl FnOnce() -> HeaderValue) {
    if let Ok(Entry::Vacant(place)) = headers.try_entry(name) {
        let _ = place.try_insert(value());
    }
}

/// Returns the trace id that a header of the app's choice carries, where no `traceparent` says one.
fn foreign_trace<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let visible = |value: &&str| !value.is_empty() && value.len() <= 128 && value.bytes().all(|b| b.is_ascii_graphic());
    headers.get(name).map(HeaderValue::to_str)?.ok().filter(visible)
}
