//! The layer that hands log events of a chosen level on, to be kept as events.

use std::error::Error;
use std::fmt::Debug;
use std::sync::{Arc, OnceLock};

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use super::filter::REQUEST_SPAN_TARGET;
use super::ids::ReadSpanIds;
use super::mask::{MASK, Masking};
use crate::queue::OwnWork;
use crate::sanitise::redact;
use crate::trace::{TraceContext, offer};

/// The fields of spans that are handed on with an event.
const REQUEST_ID: &str = "request_id";
const TRACE_ID: &str = "trace_id";

/// The longest text in which secrets are looked for; no longer one is kept.
const MAX_SEARCHED: usize = 32 * 1024;

/// A log event, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Logged {
    pub(crate) level: Level,
    pub(crate) target: &'static str,
    pub(crate) message: Option<String>,
    /// The other fields, in their order.
    pub(crate) fields: Vec<(&'static str, Value)>,
    /// Of the innermost span that has one, unless the event has one itself.
    pub(crate) request_id: Option<String>,
    pub(crate) trace_id: Option<String>,
}

/// Where log events go: nowhere before [`connect`](Self::connect).
#[derive(Clone, Default)]
pub(crate) struct Capture {
    keep: Arc<OnceLock<Keep>>,
}

type Keep = Box<dyn Fn(Logged) + Send + Sync>;

impl Capture {
    /// Hands log events to `keep` from now on; the first one stays. It must not block.
    pub(crate) fn connect(&self, keep: impl Fn(Logged) + Send + Sync + 'static) {
        let _ = self.keep.set(Box::new(keep));
    }

    /// Makes the layer for events of a level and graver ones.
    pub(super) fn layer<R>(
        &self,
        least: Level,
        masking: &Arc<Masking>,
        ids: Option<Arc<dyn ReadSpanIds>>,
    ) -> Box<dyn Layer<R> + Send + Sync>
    where
        R: Subscriber + for<'a> LookupSpan<'a>,
    {
        CaptureLayer { capture: self.clone(), masking: Arc::clone(masking), ids }.with_filter(Wanted { least }).boxed()
    }
}

/// Wants events of a level, and the spans that have ids.
struct Wanted {
    least: Level,
}

impl Wanted {
    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        let fields = metadata.fields();
        if metadata.is_span() {
            return fields.field(REQUEST_ID).is_some() || fields.field(TRACE_ID).is_some();
        }
        *metadata.level() <= self.least
    }
}

impl<S> Filter<S> for Wanted {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.wants(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.wants(metadata) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        // The spans of requests are at this level.
        Some(LevelFilter::from_level(self.least.max(Level::INFO)))
    }
}

struct CaptureLayer {
    capture: Capture,
    masking: Arc<Masking>,
    ids: Option<Arc<dyn ReadSpanIds>>,
}

/// What a span says about who its events belong to.
#[derive(Default)]
struct SpanIds {
    request_id: Option<String>,
    trace_id: Option<String>,
}

impl<R> Layer<R> for CaptureLayer
where
    R: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, R>) {
        let mut ids = SpanIds::default();
        attributes.record(&mut ids);
        if attributes.metadata().target() == REQUEST_SPAN_TARGET {
            // The HTTP layer offers the request's context to whoever keeps its span.
            ids.trace_id = ids.trace_id.or_else(|| offer::read(trace_id_of));
        }
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(ids);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, R>) {
        let mut later = SpanIds::default();
        values.record(&mut later);
        let Some(span) = context.span(id) else { return };
        let mut extensions = span.extensions_mut();
        if let Some(ids) = extensions.get_mut::<SpanIds>() {
            ids.request_id = later.request_id.or(ids.request_id.take());
            ids.trace_id = later.trace_id.or(ids.trace_id.take());
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, R>) {
        let Some(keep) = self.capture.keep.get().filter(|_| !OwnWork::is_going_on()) else { return };
        // A field's `Debug` may log, and what keeps events may too.
        let _own = OwnWork::begin();
        let metadata = event.metadata();
        let mut fields = Fields { masking: &self.masking, message: None, fields: Vec::new(), ids: SpanIds::default() };
        event.record(&mut fields);
        let Fields { message, fields, mut ids, .. } = fields;
        for span in context.event_scope(event).into_iter().flatten() {
            if ids.request_id.is_some() && ids.trace_id.is_some() {
                break;
            }
            let extensions = span.extensions();
            if let Some(of_span) = extensions.get::<SpanIds>() {
                ids.request_id = ids.request_id.or_else(|| of_span.request_id.clone());
                ids.trace_id = ids.trace_id.or_else(|| of_span.trace_id.clone());
            }
            if ids.trace_id.is_none()
                && let Some(traced) = self.ids.as_ref().and_then(|ids| ids.span_ids(&extensions))
            {
                ids.trace_id = Some(traced.trace.iter().map(|byte| format!("{byte:02x}")).collect());
            }
        }
        let SpanIds { request_id, trace_id } = ids;
        // Work that was carried into a task may have no span.
        let trace_id = trace_id.or_else(|| Some(trace_id_of(&TraceContext::current()?)));
        keep(Logged { level: *metadata.level(), target: metadata.target(), message, fields, request_id, trace_id });
    }
}

/// Spells a trace's id as W3C trace context does.
fn trace_id_of(context: &TraceContext) -> String {
    format!("{:032x}", context.trace_id().to_u128())
}

impl Visit for SpanIds {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            REQUEST_ID => self.request_id = Some(value.to_owned()),
            TRACE_ID => self.trace_id = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if [REQUEST_ID, TRACE_ID].contains(&field.name()) {
            self.record_str(field, &format!("{value:?}"));
        }
    }
}

/// The fields of an event, taken apart.
struct Fields<'a> {
    masking: &'a Masking,
    message: Option<String>,
    fields: Vec<(&'static str, Value)>,
    ids: SpanIds,
}

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: Value) {
        let name = field.name();
        match (name, value) {
            ("message", Value::String(text)) => self.message = Some(redact(&text, MAX_SEARCHED)),
            (REQUEST_ID, Value::String(text)) => self.ids.request_id = Some(text),
            (TRACE_ID, Value::String(text)) => self.ids.trace_id = Some(text),
            (_, value) => {
                let value = match value {
                    _ if self.masking.masks(name) => MASK.into(),
                    Value::String(text) => redact(&text, MAX_SEARCHED).into(),
                    value => value,
                };
                self.fields.push((name.strip_prefix("r#").unwrap_or(name), value));
            }
        }
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        let mut text = error.to_string();
        let mut source = error.source();
        for _ in 0..16 {
            let Some(cause) = source else { break };
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        self.put(field, text.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format!("{value:?}").into());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tracing::{debug, error, field::Empty, info, info_span, warn};
    use tracing_subscriber::prelude::*;

    use super::*;

    fn logged(act: impl FnOnce()) -> Vec<Logged> {
        let capture = Capture::default();
        let kept = Arc::new(Mutex::new(Vec::new()));
        let keeps = Arc::clone(&kept);
        capture.connect(move |logged| {
            error!("what is kept is logged");
            keeps.lock().unwrap().push(logged);
        });
        let masking = Arc::new(Masking::of(["password"]));
        let layer = capture.layer(Level::WARN, &masking, None);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), act);
        std::mem::take(&mut *kept.lock().unwrap())
    }

    #[test]
    fn events_of_the_level_and_graver_ones_are_kept_with_the_ids_of_their_request() {
        let kept = logged(|| {
            let request = info_span!("request", path = "/pay", request_id = "r-1", trace_id = Empty).entered();
            request.record("trace_id", tracing::field::display("4bf92f3577b34da6a3ce929d0e0e4736"));
            let _inner = info_span!("charge", order = 7).entered();
            warn!(order = 7, amount = 19.99, ok = false, card = ?"visa", "slow");
            info!("not grave");
            debug!("not at all");
            error!(request_id = "r-2", user_password = "open sesame", "failed: https://me:pass@host/");
        });
        assert_eq!(kept.len(), 2, "{kept:?}");
        let first = Logged {
            level: Level::WARN,
            target: "watchkeeper::telemetry::capture::tests",
            message: Some("slow".into()),
            fields: vec![
                ("order", 7.into()),
                ("amount", 19.99.into()),
                ("ok", false.into()),
                ("card", "\"visa\"".into()),
            ],
            request_id: Some("r-1".into()),
            trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".into()),
        };
        assert_eq!(kept[0], first);
        assert_eq!(kept[1].request_id.as_deref(), Some("r-2"));
        assert_eq!(kept[1].fields, [("user_password", "***".into())]);
        assert!(!format!("{:?}", kept[1]).contains("pass@"), "{:?}", kept[1]);
    }

    #[test]
    fn an_error_is_kept_with_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot charge")]
        struct Charge(#[source] std::fmt::Error);
        let kept = logged(|| error!(error = &Charge(std::fmt::Error) as &dyn Error, "failed"));
        let text = "cannot charge: an error occurred when formatting an argument";
        assert_eq!(kept[0].fields, [("error", text.into())]);
    }

    #[test]
    fn what_is_logged_in_the_course_of_keeping_is_not_kept() {
        struct Chatty;
        impl Debug for Chatty {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                error!("formatting");
                f.write_str("chatty")
            }
        }
        let kept = logged(|| {
            error!(value = ?Chatty, "once");
            let _own = OwnWork::begin();
            error!("the library's own");
        });
        let messages: Vec<_> = kept.iter().map(|logged| logged.message.as_deref()).collect();
        assert_eq!(messages, [Some("once")]);
    }
}
