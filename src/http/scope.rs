//! The scope of a request: its id, and the span that every line it logs stands in.

use http::header::{Entry, HeaderName, HeaderValue};
use http::{HeaderMap, Request};
use tracing::Span;
use tracing::field::Empty;

use super::core::Core;
use super::local;
use super::options::ScopeOptions;
use super::request_id::{self, RequestId};
use super::visit::Visit;
use crate::metric::TraceId;
use crate::telemetry::REQUEST_SPAN_TARGET;

/// What belongs to one request while it is served.
pub(super) struct Scope {
    id: RequestId,
    span: Span,
}

impl Scope {
    /// Takes the request's id, or gives it one, and opens its span.
    #[inline(never)] // It is long, and a layer without request ids jumps over it.
    pub(super) fn begin<B>(request: &mut Request<B>, visit: &Visit, layer: u32, options: ScopeOptions) -> Box<Self> {
        let id = RequestId::from_headers(request.headers()).unwrap_or_else(RequestId::generate);
        let block = visit.route();
        let span = tracing::info_span!(
            target: REQUEST_SPAN_TARGET,
            "request",
            method = request.method().as_str(),
            path = block.as_ref().map(|block| &*block.route.path),
            request_id = id.as_str(),
            trace_id = Empty,
        );
        if !span.is_disabled() {
            if let Some(trace) = if layer == Core::NONE { trace_id(request.headers()) } else { visit.trace() } {
                span.record("trace_id", tracing::field::display(trace));
            } else if options.trace_header {
                local::with(layer, |layer| {
                    let name = layer.core.options.trace_header.as_ref()?;
                    span.record("trace_id", foreign_trace(request.headers(), name)?);
                    Some(())
                });
            }
        }
        if options.share_id {
            request.extensions_mut().insert(id.clone());
        }
        Box::new(Self { id, span })
    }

    /// Enters the request's span until the guard is dropped.
    pub(super) fn enter(&self) -> tracing::span::Entered<'_> {
        self.span.enter()
    }

    /// Puts the id into the answer, unless the handler has put one there or left no room for it.
    pub(super) fn answer(&self, headers: &mut HeaderMap) {
        if let Ok(Entry::Vacant(place)) = headers.try_entry(request_id::HEADER) {
            let _ = place.try_insert(self.id.to_header_value());
        }
    }
}

/// Returns the trace that a request belongs to, as its `traceparent` says.
pub(super) fn trace_id(headers: &HeaderMap) -> Option<TraceId> {
    const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
    TraceId::from_traceparent(headers.get(TRACEPARENT)?.to_str().ok()?)
}

/// Returns the trace id that a header of the app's choice carries, where no `traceparent` says one.
fn foreign_trace<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let visible = |value: &&str| !value.is_empty() && value.len() <= 128 && value.bytes().all(|b| b.is_ascii_graphic());
    headers.get(name).map(HeaderValue::to_str)?.ok().filter(visible)
}
