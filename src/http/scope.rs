//! The scope of a request: its id, its trace, and the span that every line it logs stands in.

use std::time::{SystemTime, UNIX_EPOCH};

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Request, Response};
use tracing::Span;
use tracing::field::Empty;
use tracing::level_filters::LevelFilter;

use super::core::Core;
use super::local;
use super::options::{ScopeOptions, TraceInAnswer};
use super::request_id::{self, RequestId};
#[cfg(feature = "otlp")]
use super::server_span::{Running, ServerSpan};
use super::values;
use super::visit::Visit;
use crate::presets::http::Outcome;
use crate::telemetry::REQUEST_SPAN_TARGET;
use crate::trace::offer::{self, Offer};
use crate::trace::random::Draws;
use crate::trace::{Remote, Swapped, TraceContext, swap_in};

const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What belongs to one request while it is served.
pub(crate) struct Scope {
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
    /// Takes the request's id and trace, or gives it new ones, and opens its span where anybody subscribes to any.
    #[inline(never)] // It is long, and a layer without request ids jumps over it.
    pub(super) fn begin<B>(
        request: &mut Request<B>,
        visit: &mut Visit,
        layer: u32,
        options: ScopeOptions,
    ) -> Box<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut draws = Draws::at(now);
        let headers = request.headers();
        let (has_id, has_trace) = told(headers);
        let given = if has_id { RequestId::from_headers(headers) } else { None };
        let id = given.unwrap_or_else(|| RequestId::made_at(now, &mut draws));
        let mut remote = if has_trace { Remote::read(headers) } else { Remote::NONE };
        let context = TraceContext::of_request(&mut remote, &mut draws);
        if options.share_id {
            request.extensions_mut().insert(id.clone());
        }
        let mut scope = Box::new(Self {
            id,
            context: Some(context),
            in_answer: options.trace_in_answer,
            #[cfg(feature = "otlp")]
            exported: None,
            span: Span::none(),
        });
        if LevelFilter::current() >= LevelFilter::INFO {
            scope.open(request, visit, layer, options, &remote);
        }
        if let Some(context) = &scope.context
            && (remote.parent.is_some() || context.is_sampled())
        {
            visit.set_trace(context.trace_id());
        }
        scope
    }

    /// Opens the request's span, and offers it for export.
    #[inline(never)] // Nobody may subscribe.
    fn open<B>(&mut self, request: &Request<B>, visit: &Visit, layer: u32, options: ScopeOptions, remote: &Remote) {
        let Some(context) = self.context.clone() else { return };
        let offer = Offer {
            context,
            parent: remote.parent.map(|(_, span)| span),
            sampled: remote.sampled,
            wanted: visit.is_recorded() || layer == Core::NONE,
            #[cfg(feature = "otlp")]
            span: None,
        };
        let block = visit.route();
        let (span, offer) = offer::with(offer, || {
            tracing::info_span!(
                target: REQUEST_SPAN_TARGET,
                "request",
                method = request.method().as_str(),
                path = block.as_ref().map(|block| &*block.route.path),
                request_id = self.id.as_str(),
                trace_id = Empty,
            )
        });
        self.span = span;
        if options.trace_header && remote.parent.is_none() && !self.span.is_disabled() {
            local::with(layer, |layer| {
                let name = layer.core.options.trace_header.as_ref()?;
                self.span.record("trace_id", foreign_trace(request.headers(), name)?);
                Some(())
            });
        }
        let Some(offer) = offer else { return };
        self.context = Some(offer.context);
        #[cfg(feature = "otlp")]
        if let Some(open) = offer.span {
            let route = block.as_ref().map(|block| &*block.route.path);
            self.exported = Some(ServerSpan::begin(open, request, route_of(request, route), &self.id));
        }
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
    #[inline(never)] // As `begin`.
    pub(super) fn answer<B>(&mut self, response: &mut Response<B>) {
        #[cfg(feature = "otlp")]
        if let Some(exported) = &mut self.exported {
            exported.answer(response.status());
        }
        let headers = response.headers_mut();
        if let (Some(id), Some(context), TraceInAnswer::TraceId) = (self.id.made(), &self.context, self.in_answer)
            && headers.keys().all(|name| *name != request_id::HEADER && *name != TRACE_ID)
        {
            // Nearly all answers are such.
            let (id, trace) = values::of_both(id, &context.trace_id().to_hex());
            let _ = headers.try_insert(request_id::HEADER, id).and_then(|_| headers.try_insert(TRACE_ID, trace));
            return;
        }
        put(headers, request_id::HEADER, || self.id.to_header_value());
        if let Some(context) = &self.context {
            let value = |bytes: &[u8]| HeaderValue::from_bytes(bytes).unwrap_or(HeaderValue::from_static(""));
            match self.in_answer {
                TraceInAnswer::TraceId => put(headers, TRACE_ID, || value(&context.trace_id().to_hex())),
                TraceInAnswer::Traceparent => put(headers, TRACEPARENT, || value(&context.traceparent_bytes())),
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

/// Tells which headers are worth a look: one for the id, any for the trace. Most requests have none of them, and to look
/// four names up takes as long as passing some thirty headers by.
fn told(headers: &HeaderMap) -> (bool, bool) {
    let (mut id, mut trace) = (false, false);
    for name in headers.keys() {
        let name = name.as_str();
        id |= name == "x-request-id";
        trace |= Remote::is_said_by(name);
    }
    (id, trace)
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: impl FnOnce() -> HeaderValue) {
    // An answer has few headers: to pass them by takes less than to look up where the name belongs twice.
    if headers.keys().all(|there| *there != name) {
        let _ = headers.try_insert(name, value());
    }
}

/// Returns the trace id that a header of the app's choice carries, where no `traceparent` says one.
fn foreign_trace<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let visible = |value: &&str| !value.is_empty() && value.len() <= 128 && value.bytes().all(|b| b.is_ascii_graphic());
    headers.get(name).map(HeaderValue::to_str)?.ok().filter(visible)
}
