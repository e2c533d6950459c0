//! Reports: events on their way to the worker.

use std::time::SystemTime;

use backtrace::Backtrace;
use sentry::Scope;
use sentry::protocol::{
    Breadcrumb, Context, Envelope, Event, Exception, Level, Mechanism, Request, TraceContext, Value,
};
use tracing::Metadata;

use super::fields::{Fields, MOST_MESSAGE, RequestFields};
use super::limits::Kind;
use super::stack::capture;
use super::work::Work;
use crate::sanitise::truncate;
use crate::telemetry::ids::SpanIds;
use crate::telemetry::panics::Panic;

/// What one frame without a name takes, roughly.
const FRAME_BYTES: usize = 128;

/// What waits for the worker.
pub(super) enum Report {
    /// Something of ours, still to be completed.
    Event(Box<Pending>),
    /// Something that the app gave to the `sentry` crate.
    Envelope(Box<Envelope>, Option<Backtrace>),
}

/// An event as far as the thread knew it where it happened.
pub(super) struct Pending {
    pub(super) event: Event<'static>,
    /// The scope that the app has filled, if any.
    pub(super) scope: Option<Scope>,
    /// Missing where it could not be had in time; the event says where it happened all the same.
    pub(super) backtrace: Option<Backtrace>,
    weight: usize,
}

impl Pending {
    /// Makes the report of an event at level `ERROR`.
    pub(super) fn error(
        metadata: &Metadata<'_>,
        fields: Fields<'_>,
        work: Option<&Work>,
        ids: Option<SpanIds>,
    ) -> Self {
        let (weight, target) = (fields.weight(), metadata.target());
        let mut event = Event { level: Level::Error, logger: Some(target.to_owned()), ..Event::default() };
        if fields.errors.is_empty() {
            event.exception.values.push(exception(target, fields.message, "log", true));
        } else {
            // The innermost comes first.
            let chain = fields.errors.into_iter().rev();
            event.exception.values.extend(chain.map(|(kind, text)| exception(&kind, text, "log", true)));
            event.message = Some(fields.message).filter(|message| !message.is_empty());
        }
        event.extra = fields.values;
        let mut pending = Self::of(event, weight, work, ids);
        if pending.backtrace.is_none()
            && let Some((file, line)) = metadata.file().zip(metadata.line())
        {
            pending.event.extra.insert("location".to_owned(), Value::from(format!("{file}:{line}")));
        }
        pending
    }

    /// Makes the report of a panic.
    pub(super) fn panic(panic: &Panic<'_>, work: Option<&Work>, ids: Option<SpanIds>) -> Self {
        let mut event = Event { level: Level::Fatal, logger: Some("panic".to_owned()), ..Event::default() };
        let message = truncate(panic.message, MOST_MESSAGE);
        event.exception.values.push(exception("panic", message.to_owned(), "panic", false));
        // Where there are no symbols, this is all that tells where.
        if let Some(location) = panic.location {
            event.extra.insert("location".to_owned(), Value::from(location.to_string()));
        }
        Self::of(event, message.len(), work, ids)
    }

    fn of(mut event: Event<'static>, weight: usize, work: Option<&Work>, ids: Option<SpanIds>) -> Self {
        event.timestamp = SystemTime::now();
        event.platform = "native".into();
        complete(&mut event, work, ids);
        // Its parts are shared, not copied.
        let scope = work.map(|work| work.hub.configure_scope(|scope| scope.clone()));
        let backtrace = capture();
        let crumbs: usize = event.breadcrumbs.iter().map(crumb_weight).sum();
        let weight = 1024 + weight + crumbs + frame_bytes(backtrace.as_ref());
        Self { event, scope, backtrace, weight }
    }
}

/// Adds what is known of the work that an event happened in: the request, the breadcrumbs, the trace.
pub(super) fn complete(event: &mut Event<'static>, work: Option<&Work>, ids: Option<SpanIds>) {
    let mut trace = ids.map(|ids| (hex(&ids.trace), Some(hex(&ids.span))));
    if let Some(work) = work {
        let (request, crumbs) = work.so_far();
        event.breadcrumbs.values.splice(0..0, crumbs);
        trace = trace.or_else(|| request.trace.clone().map(|trace| (trace, None)));
        describe(event, request);
    }
    if let Some((trace, span)) = trace {
        set_trace(event, trace, span.as_deref());
    }
}

impl Report {
    /// Returns what a server limits it as.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Envelope(envelope, _) if envelope.event().is_none() => Kind::Transaction,
            _ => Kind::Error,
        }
    }

    /// Returns roughly how many bytes it takes.
    pub(super) fn weight(&self) -> u64 {
        let weight = match self {
            Self::Event(pending) => pending.weight,
            Self::Envelope(envelope, backtrace) => {
                // The app's own, so its size is unknown: written down once, into nothing, to learn it.
                let mut size = Size(0);
                let _ = envelope.to_writer(&mut size);
                size.0 + frame_bytes(backtrace.as_ref())
            }
        };
        weight as u64
    }
}

fn frame_bytes(backtrace: Option<&Backtrace>) -> usize {
    backtrace.map_or(0, |backtrace| backtrace.frames().len() * FRAME_BYTES)
}

/// Takes bytes, and keeps their number alone.
struct Size(usize);

impl std::io::Write for Size {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn exception(kind: &str, text: String, mechanism: &str, handled: bool) -> Exception {
    let mechanism = Mechanism { ty: mechanism.to_owned(), handled: Some(handled), ..Mechanism::default() };
    Exception { ty: kind.to_owned(), value: Some(text), mechanism: Some(mechanism), ..Exception::default() }
}

/// Says which request it was: its method, its route's template and its id, and nothing that its client sent besides.
fn describe(event: &mut Event<'static>, request: RequestFields) {
    let RequestFields { method, route, id, .. } = request;
    event.transaction = match (&method, &route) {
        (Some(method), Some(route)) => Some(format!("{method} {route}")),
        _ => None,
    };
    if method.is_some() {
        event.request = Some(Request { method, ..Request::default() });
    }
    event.tags.extend(
        [("http.route", route), ("request_id", id)]
            .into_iter()
            .filter_map(|(tag, value)| Some((tag.to_owned(), value?))),
    );
}

fn set_trace(event: &mut Event<'static>, trace: String, span: Option<&str>) {
    if let Ok(trace_id) = trace.parse() {
        // The protocol wants a span too; where there is none of ours, any will do.
        let span_id = span.and_then(|span| span.parse().ok()).unwrap_or_default();
        let context = TraceContext { trace_id, span_id, ..TraceContext::default() };
        event.contexts.insert("trace".to_owned(), Context::Trace(Box::new(context)));
    }
    event.tags.insert("trace_id".to_owned(), trace);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        use std::fmt::Write;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Returns roughly how many bytes a breadcrumb takes.
fn crumb_weight(crumb: &Breadcrumb) -> usize {
    let data = crumb.data.iter().map(|(name, value)| 64 + name.len() + value.as_str().map_or(0, str::len));
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    size_of::<Breadcrumb>() + text(&crumb.message) + text(&crumb.category) + data.sum::<usize>()
}

/// Makes a breadcrumb of an event at level `INFO` or `WARN`, or of an error for those that follow.
pub(super) fn crumb(level: Level, target: &str, fields: &Fields<'_>) -> Breadcrumb {
    let mut data = fields.values.clone();
    if let Some((kind, text)) = fields.errors.first() {
        data.insert("error".to_owned(), Value::from(format!("{kind}: {text}")));
    }
    Breadcrumb {
        timestamp: SystemTime::now(),
        ty: "log".to_owned(),
        category: Some(target.to_owned()),
        level,
        message: Some(fields.message.clone()),
        data,
    }
}
