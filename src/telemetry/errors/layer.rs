//! The layer that sees spans and events: errors become reports, the rest breadcrumbs.

use std::sync::Arc;

use sentry::protocol;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::fields::{Fields, RequestFields};
use super::report::{Pending, crumb};
use super::reporter::Reporter;
use super::work::{self, Work};
use crate::queue::OwnWork;
use crate::telemetry::REQUEST_SPAN_TARGET;
use crate::telemetry::ids::{ReadSpanIds, SpanIds};
use crate::telemetry::mask::Masking;
use crate::trace::offer;

/// Targets whose errors repeat what the panic hook has reported already.
const SAID_BY_THE_HOOK: [&str; 2] = [crate::telemetry::panics::PANIC_TARGET, "tower_http::catch_panic"];

/// Reports errors, and keeps breadcrumbs for each piece of work.
pub(super) struct ErrorLayer {
    reporter: Arc<Reporter>,
    masking: Option<Masking>,
    ids: Option<Arc<dyn ReadSpanIds>>,
}

impl ErrorLayer {
    pub(super) fn new(reporter: Arc<Reporter>, masking: Option<Masking>, ids: Option<Arc<dyn ReadSpanIds>>) -> Self {
        Self { reporter, masking, ids }
    }

    fn ids_of<'a, S: LookupSpan<'a>>(&self, span: &SpanRef<'a, S>) -> Option<SpanIds> {
        self.ids.as_ref()?.span_ids(&span.extensions())
    }
}

impl<S> Layer<S> for ErrorLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let is_request = attributes.metadata().target() == REQUEST_SPAN_TARGET;
        let outer = if is_request { None } else { span.parent().and_then(|parent| work_of(&parent)) };
        let work = outer.unwrap_or_else(|| {
            let mut request = RequestFields::default();
            if is_request {
                attributes.record(&mut request);
                request.trace = offer::read(|context| context.trace_id().to_string());
            }
            Work::begin(request)
        });
        span.extensions_mut().replace(OfWork(work));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).filter(|span| span.metadata().target() == REQUEST_SPAN_TARGET);
        if let Some(work) = span.and_then(|span| work_of(&span)) {
            let mut later = RequestFields::default();
            values.record(&mut later);
            work.merge(later);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        if OwnWork::is_going_on() || SAID_BY_THE_HOOK.contains(&metadata.target()) {
            return;
        }
        let is_error = *metadata.level() == Level::ERROR;
        let span = context.event_span(event);
        let work = span.as_ref().and_then(work_of);
        if work.is_none() && !is_error {
            // Of nobody's work, so it belongs into nobody's report.
            return;
        }
        // The app's own code runs here, and may log.
        let mut fields = Fields::new(self.masking.as_ref());
        event.record(&mut fields);
        let level = match *metadata.level() {
            Level::ERROR => protocol::Level::Error,
            Level::WARN => protocol::Level::Warning,
            _ => protocol::Level::Info,
        };
        let crumb = work.as_ref().map(|work| (work, crumb(level, metadata.target(), &fields)));
        if is_error {
            let ids = span.as_ref().and_then(|span| span.scope().find_map(|span| self.ids_of(&span)));
            self.reporter.report(|| Pending::error(metadata, fields, work.as_deref(), ids));
        }
        if let Some((work, crumb)) = crumb {
            work.add(crumb);
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(work) = work_of(&span)
        {
            work::enter(&work, self.ids_of(&span));
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if let Some(work) = context.span(id).and_then(|span| work_of(&span)) {
            work::exit(&work);
        }
    }
}

/// The piece of work that a span belongs to, in the span's extensions.
struct OfWork(Arc<Work>);

fn work_of<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> Option<Arc<Work>> {
    span.extensions().get::<OfWork>().map(|OfWork(work)| Arc::clone(work))
}
