//! The layer that records `tracing` spans as spans of a trace.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber, dispatcher};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{Extensions, LookupSpan, SpanRef};
use tracing_subscriber::{Layer, Registry};

use super::fields::Fields;
use super::pipeline::Pipeline;
use super::span::{OpenSpan, Parent, now};
use crate::queue::OwnWork;
use crate::telemetry::filter::REQUEST_SPAN_TARGET;
use crate::telemetry::ids::{ReadSpanIds, SpanIds};
use crate::trace::{self, TraceContext, offer};

/// Whether any span of the process could be recorded.
static INSTALLED: AtomicBool = AtomicBool::new(false);

/// Marks a span in the registry as one that is recorded.
struct Recorded(Arc<OpenSpan>);

/// Records the spans of sampled traces. A span is in the trace of its parent; one without a parent is in the trace of
/// the request that the thread serves, or begins a trace of its own. What an unsampled trace costs is one look at the
/// parent.
pub(crate) struct OtlpLayer {
    pipeline: Arc<Pipeline>,
}

impl OtlpLayer {
    pub(super) fn new(pipeline: Arc<Pipeline>) -> Self {
        INSTALLED.store(true, Ordering::Relaxed);
        Self { pipeline }
    }

    /// Decides on a request, and gives its span to the HTTP layer where it is recorded.
    fn accept<'a, R: LookupSpan<'a>>(&self, mut offer: offer::Offer, span: &SpanRef<'a, R>) {
        let sampled = offer.wanted && self.pipeline.sampler().samples(offer.context.trace_id(), offer.sampled);
        offer.context.set_sampled(sampled);
        if sampled && offer.span.is_none() {
            let parent = offer.parent.map(|span| Parent { span, remote: true });
            let name = span.metadata().name();
            let open =
                Arc::new(OpenSpan::begin(&self.pipeline, offer.context.clone(), parent, name, now()).of_request());
            span.extensions_mut().insert(Recorded(Arc::clone(&open)));
            offer.span = Some(open);
        }
        offer::give_back(offer);
    }

    /// Returns the context of a new span, and its parent within the process; none where the trace is not sampled.
    fn place<'a, R>(&self, attributes: &Attributes<'_>, span: &SpanRef<'a, R>) -> Option<(TraceContext, Option<Parent>)>
    where
        R: LookupSpan<'a>,
    {
        let within = |parent: &TraceContext| {
            let parent_span = Parent { span: parent.span_id(), remote: false };
            parent.is_sampled().then(|| (parent.of_child(now()), Some(parent_span)))
        };
        if let Some(parent) = span.parent() {
            return within(&parent.extensions().get::<Recorded>()?.0.context);
        }
        match trace::of_thread() {
            Some(context) if !attributes.is_root() => within(&context),
            _ => {
                let mut context = TraceContext::of_new_trace(now());
                context.set_sampled(self.pipeline.sampler().samples(context.trace_id(), None));
                context.is_sampled().then_some((context, None))
            }
        }
    }
}

impl<R> Layer<R> for OtlpLayer
where
    R: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, R>) {
        // What the sending itself does is not sent.
        if OwnWork::is_going_on() {
            return;
        }
        let Some(span) = context.span(id) else { return };
        if attributes.metadata().target() == REQUEST_SPAN_TARGET
            && let Some(offer) = offer::take()
        {
            return self.accept(offer, &span);
        }
        let Some((context, parent)) = self.place(attributes, &span) else { return };
        let open = OpenSpan::begin(&self.pipeline, context, parent, span.metadata().name(), now());
        // A field's `Debug` implementation may log, so nothing is locked meanwhile.
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        open.record(fields);
        span.extensions_mut().insert(Recorded(Arc::new(open)));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, R>) {
        if let Some(open) = context.span(id).as_ref().and_then(recorded) {
            let mut fields = Fields::default();
            values.record(&mut fields);
            open.record(fields);
        }
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, context: Context<'_, R>) {
        if let Some(open) = context.span(id).as_ref().and_then(recorded)
            && let Some(other) = context.span(follows).as_ref().and_then(recorded)
        {
            open.link(&other.context);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, R>) {
        if OwnWork::is_going_on() {
            return;
        }
        if let Some(open) = context.event_span(event).as_ref().and_then(recorded) {
            let mut fields = Fields::default();
            event.record(&mut fields);
            open.event(*event.metadata().level(), event.metadata().target(), fields, now());
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, R>) {
        if let Some(open) = context.span(&id).as_ref().and_then(recorded)
            && !open.of_request
        {
            open.end();
        }
    }
}

fn recorded<'a, R: LookupSpan<'a>>(span: &SpanRef<'a, R>) -> Option<Arc<OpenSpan>> {
    span.extensions().get::<Recorded>().map(|recorded| Arc::clone(&recorded.0))
}

/// Reads the ids of recorded spans, for the log.
pub(super) struct RecordedIds;

impl ReadSpanIds for RecordedIds {
    fn span_ids(&self, extensions: &Extensions<'_>) -> Option<SpanIds> {
        extensions.get::<Recorded>().map(|recorded| SpanIds::from(&recorded.0.context))
    }
}

/// Returns the context of the innermost recorded span that the calling thread is in.
pub(crate) fn current_context() -> Option<TraceContext> {
    if !INSTALLED.load(Ordering::Relaxed) {
        return None;
    }
    dispatcher::get_default(|dispatch| {
        let registry = dispatch.downcast_ref::<Registry>()?;
        let current = dispatch.current_span();
        let span = registry.span(current.id()?)?;
        span.scope().find_map(|span| recorded(&span)).map(|open| open.context.clone())
    })
}
