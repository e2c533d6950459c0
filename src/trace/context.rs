//! The context of a trace: where in which trace something happens.

use std::sync::Arc;
#[cfg(feature = "otlp")]
use std::time::Duration;

use http::{HeaderMap, HeaderValue};

use super::header::{self, TRACEPARENT};
use super::id::{self, SpanId};
use super::propagator::Propagators;
use super::random::Draws;
use super::{baggage, current, state};
use crate::metric::TraceId;

/// Says where in which trace something happens. Cheap to clone.
///
/// ```
/// use watchkeeper::trace::TraceContext;
///
/// let mut headers = http::HeaderMap::new();
/// headers.insert("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse()?);
/// let context = TraceContext::from_headers(&headers).ok_or("no trace")?;
/// assert_eq!(context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
/// assert!(context.is_sampled());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    trace: TraceId,
    span: SpanId,
    sampled: bool,
    beside: Option<Arc<Beside>>,
}

/// What travels beside the ids, unread and unchanged.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Beside {
    state: Option<HeaderValue>,
    baggage: Option<HeaderValue>,
}

/// What a request's headers say about the trace that it belongs to.
#[derive(Debug)]
pub(crate) struct Remote {
    /// The ids of the trace and of the client's span.
    pub(crate) parent: Option<(TraceId, SpanId)>,
    /// Whether the client records the trace; none where it leaves that open.
    pub(crate) sampled: Option<bool>,
    beside: Option<Arc<Beside>>,
}

impl Remote {
    /// What headers say that have none of the [names](Self::is_said_by).
    pub(crate) const NONE: Self = Self { parent: None, sampled: None, beside: None };

    /// Tells whether a header of this name says anything by itself.
    #[inline]
    pub(crate) fn is_said_by(name: &str) -> bool {
        matches!(name, "traceparent" | "sentry-trace" | "baggage")
    }

    /// Reads the headers. What is not valid is ignored, without a word: a client could fill the log with it.
    #[inline(never)] // Most requests have none of them.
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let propagators = Propagators::chosen();
        let trace = if propagators.trace_context() { header::read(headers) } else { None };
        let mut beside = Beside::default();
        if let Some(trace) = &trace
            && trace.standard
        {
            beside.state = state::read(headers);
        }
        if propagators.baggage() {
            beside.baggage = baggage::read(headers);
        }
        Self {
            parent: trace.as_ref().map(|trace| (trace.trace, trace.span)),
            sampled: trace.and_then(|trace| trace.sampled),
            beside: (beside != Beside::default()).then(|| Arc::new(beside)),
        }
    }
}

impl TraceContext {
    /// Reads the context that a request's headers carry: a valid `traceparent`, or failing that `sentry-trace`.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let remote = Remote::read(headers);
        let (trace, span) = remote.parent?;
        Some(Self { trace, span, sampled: remote.sampled == Some(true), beside: remote.beside })
    }

    /// Returns where the calling thread is: in the innermost span that is exported, else in the request that it serves
    /// or was given by [`carry`](super::carry). `None` outside of any trace.
    pub fn current() -> Option<Self> {
        current::of_span().or_else(current::of_thread)
    }

    /// Begins the part of a trace that is the work on one request; not sampled as yet.
    #[inline]
    pub(crate) fn of_request(remote: &mut Remote, draws: &mut Draws) -> Self {
        let (trace, span) = match remote.parent {
            Some((trace, _)) => (trace, SpanId::draw(draws)),
            None => id::new_trace(draws),
        };
        Self { trace, span, sampled: remote.sampled == Some(true), beside: remote.beside.take() }
    }

    /// Begins a new trace; not sampled as yet.
    #[cfg(feature = "otlp")]
    pub(crate) fn of_new_trace(now: Duration) -> Self {
        let (trace, span) = id::new_trace(&mut Draws::at(now));
        Self { trace, span, sampled: false, beside: None }
    }

    /// Returns the context of a span within this one.
    #[cfg(feature = "otlp")]
    pub(crate) fn of_child(&self, now: Duration) -> Self {
        Self { span: SpanId::generate(now), ..self.clone() }
    }

    /// Returns the id of the trace.
    pub const fn trace_id(&self) -> TraceId {
        self.trace
    }

    /// Returns the id of the span that is under way.
    pub const fn span_id(&self) -> SpanId {
        self.span
    }

    /// Tells whether the trace is recorded, so that services further on record their part of it too.
    pub const fn is_sampled(&self) -> bool {
        self.sampled
    }

    #[cfg(feature = "otlp")]
    pub(crate) const fn set_sampled(&mut self, sampled: bool) {
        self.sampled = sampled;
    }

    /// Returns what the `tracestate` of the client said.
    #[cfg(feature = "otlp")]
    pub(crate) fn state(&self) -> Option<&HeaderValue> {
        self.beside.as_ref()?.state.as_ref()
    }

    /// Returns the value of a `traceparent` header: `00-{trace id}-{span id}-{flags}`.
    pub fn traceparent(&self) -> String {
        String::from_utf8_lossy(&self.traceparent_bytes()).into_owned()
    }

    /// Writes the value of a `traceparent` header.
    pub(crate) fn traceparent_bytes(&self) -> [u8; 55] {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        text[3..35].copy_from_slice(&self.trace.to_hex());
        text[36..52].copy_from_slice(&self.span.to_hex());
        text[54] = b'0' + u8::from(self.sampled);
        text
    }

    /// Writes the context into the headers of an outgoing request, in place of any that is there.
    pub fn inject(&self, headers: &mut HeaderMap) {
        let propagators = Propagators::chosen();
        let beside = self.beside.as_deref();
        let put = |headers: &mut HeaderMap, name, value: Option<HeaderValue>| {
            if let Some(value) = value {
                let _ = headers.try_insert(name, value);
            }
        };
        if propagators.trace_context() {
            put(headers, TRACEPARENT, HeaderValue::from_bytes(&self.traceparent_bytes()).ok());
            headers.remove(state::TRACESTATE);
            put(headers, state::TRACESTATE, beside.and_then(|beside| beside.state.clone()));
        }
        if propagators.baggage() {
            put(headers, baggage::BAGGAGE, beside.and_then(|beside| beside.baggage.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn draws() -> Draws {
        Draws::at(Duration::ZERO)
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn a_request_stays_in_its_clients_trace_and_has_a_span_of_its_own() {
        let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let mut remote = Remote::read(&headers(&[("traceparent", &parent), ("tracestate", "a=1"), ("baggage", "k=v")]));
        let context = TraceContext::of_request(&mut remote, &mut draws());

        let mut outgoing = headers(&[("traceparent", "an older one"), ("tracestate", "x=9")]);
        context.inject(&mut outgoing);

        let span = context.span_id();
        assert_eq!(outgoing["traceparent"], format!("00-{TRACE}-{span}-01"));
        assert_ne!(span.to_string(), "00f067aa0ba902b7");
        assert_eq!((&outgoing["tracestate"], &outgoing["baggage"]), (&"a=1".parse().unwrap(), &"k=v".parse().unwrap()));
    }

    #[test]
    fn a_browsers_trace_comes_by_sentrys_header_where_there_is_no_traceparent() {
        let sentry = format!("{TRACE}-00f067aa0ba902b7-1");
        let context = TraceContext::from_headers(&headers(&[("sentry-trace", &sentry)])).unwrap();
        assert_eq!((context.trace_id().to_string().as_str(), context.is_sampled()), (TRACE, true));

        let other = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
        let both = headers(&[("sentry-trace", &sentry), ("traceparent", other)]);
        assert_eq!(TraceContext::from_headers(&both).unwrap().traceparent(), other);
    }

    #[test]
    fn a_state_without_its_traceparent_is_not_passed_on() {
        let mut remote = Remote::read(&headers(&[("tracestate", "a=1")]));
        let mut outgoing = HeaderMap::new();
        TraceContext::of_request(&mut remote, &mut draws()).inject(&mut outgoing);
        assert!(outgoing.get("tracestate").is_none() && outgoing.get("traceparent").is_some());
    }
}
