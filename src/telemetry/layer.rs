//! The layer that turns events into lines.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::SystemTime;

use tracing::field::Visit;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::fields::{FieldWriter, Masks, Owner};
use super::filter::REQUEST_SPAN_TARGET;
use super::ids::{ReadSpanIds, SpanIds};
use super::mask::Masking;
use super::output::Output;
use super::scratch::Scratch;
use super::style::Style;
use super::trail::SpanFields;
use crate::queue::Priority;
use crate::service::ServiceInfo;
use crate::trace::offer;

/// Writes each event as one line of a style.
pub(super) struct LogLayer<S> {
    output: Arc<Output>,
    ids: Option<Arc<dyn ReadSpanIds>>,
    masking: Arc<Masking>,
    /// What every line says of the service.
    constants: String,
    clock: fn() -> SystemTime,
    style: PhantomData<S>,
}

impl<S: Style> LogLayer<S> {
    pub(super) fn new(
        service: &ServiceInfo,
        output: Arc<Output>,
        masking: Arc<Masking>,
        ids: Option<Arc<dyn ReadSpanIds>>,
    ) -> Self {
        Self { output, ids, masking, constants: S::constants(service), clock: SystemTime::now, style: PhantomData }
    }

    /// Replaces the clock, so that a test can state a whole line.
    #[cfg(test)]
    pub(super) fn with_clock(mut self, clock: fn() -> SystemTime) -> Self {
        self.clock = clock;
        self
    }

    /// Tells this layer from another one of its style.
    fn id(&self) -> usize {
        Arc::as_ptr(&self.output).addr()
    }

    /// Writes fields and keeps them in their span's extensions.
    fn keep<'a, R: LookupSpan<'a>>(&self, span: &SpanRef<'a, R>, record: impl FnOnce(&mut dyn Visit)) {
        Scratch::lend(|Scratch { line, names, .. }| {
            let masks = &mut Masks { masking: &self.masking, names, within: false };
            // The fields are written before the extensions are locked: a `Debug` implementation may log.
            let mut fields = FieldWriter::<S>::new(line, span.metadata().fields(), Owner::Span, masks);
            record(&mut fields);
            let ids = fields.into_ids();
            if line.is_empty() {
                return;
            }
            let mut extensions = span.extensions_mut();
            match extensions.get_mut::<SpanFields<S>>() {
                Some(fields) if fields.writer == self.id() => fields.merge(line),
                Some(_) => {}
                None => {
                    extensions.replace(SpanFields::<S>::new(self.id(), line, ids));
                }
            }
        });
    }
}

impl<S: Style, R> Layer<R> for LogLayer<S>
where
    R: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, R>) {
        if let Some(span) = context.span(id) {
            self.keep(&span, |visitor| attributes.record(visitor));
            if attributes.metadata().target() == REQUEST_SPAN_TARGET
                && let Some(ids) = offer::read(|context| SpanIds::from(context))
                && let Some(fields) = span.extensions_mut().get_mut::<SpanFields<S>>()
            {
                fields.traced = Some(ids);
            }
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, R>) {
        if let Some(span) = context.span(id) {
            self.keep(&span, |visitor| values.record(visitor));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, R>) {
        let priority = priority(*event.metadata().level());
        if self.output.refuses(priority) {
            return;
        }
        let written = Scratch::lend(|Scratch { line, trail, stamp, names }| {
            for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
                let extensions = span.extensions();
                trail.push(span.name(), extensions.get::<SpanFields<S>>());
                if let Some(ids) = self.ids.as_ref().and_then(|ids| ids.span_ids(&extensions)) {
                    trail.trace(ids);
                }
            }
            line.push_str(S::LINE_START);
            stamp.write((self.clock)(), line);
            let within = *event.metadata().level() <= Level::WARN;
            let masks = &mut Masks { masking: &self.masking, names, within };
            S::line(line, event, trail, masks, &self.constants);
            line.push('\n');
            self.output.write_line(line.as_bytes(), priority);
        });
        if written.is_none() {
            self.output.lose_line();
        }
    }
}

/// Who loses lines first where there is no room for all.
fn priority(level: Level) -> Priority {
    match level {
        Level::ERROR => Priority::High,
        Level::WARN => Priority::Normal,
        _ => Priority::Low,
    }
}

#[cfg(test)]
mod tests {
    use super::super::ecs::Ecs;
    use super::super::human::Human;
    use super::super::json::Json;
    use super::super::written::{Log, json, logged};
    use crate::sanitise::is_control;
    use tracing::{field, info, info_span, subscriber};
    use tracing_subscriber::prelude::*;

    #[test]
    fn a_field_recorded_later_shows_once_with_its_last_value() {
        let value = json(|| {
            let span = info_span!("request", request_id = field::Empty, status = 0).entered();
            for status in 0..=200 {
                span.record("status", status);
            }
            span.record("request_id", "r-9");
            info!("x");
        });
        assert_eq!(value["span"], serde_json::json!({ "name": "request", "status": 200, "request_id": "r-9" }));
        assert_eq!(value["request_id"], "r-9");
    }

    #[test]
    fn two_layers_of_a_style_both_know_the_fields() {
        let (mut first, mut second, mut human) = (Log::<Json>::new(), Log::<Json>::new(), Log::<Human>::new());
        let registry = tracing_subscriber::registry().with(first.layer.take()).with(second.layer.take());
        subscriber::with_default(registry.with(human.layer.take()), || {
            let span = info_span!("request", request_id = "r-1", status = field::Empty).entered();
            span.record("status", 200);
            info!("x");
        });
        let lines = first.lines();
        assert_eq!(lines, second.lines());
        assert!(lines[0].contains(r#"{"name":"request","request_id":"r-1","status":200}"#));
        assert!(human.lines()[0].contains("x request_id=r-1 status=200 at "));
    }

    #[test]
    fn a_line_that_would_find_no_room_is_not_put_together() {
        use std::sync::atomic::{AtomicU64, Ordering};
        struct Value<'a>(&'a AtomicU64);
        impl std::fmt::Debug for Value<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fetch_add(1, Ordering::Relaxed);
                f.write_str("printed")
            }
        }
        let (hangs, writer) = std::io::pipe().unwrap();
        let mut log = Log::<Json>::to(writer, 1 << 20);
        let (printed, said) = (AtomicU64::new(0), 20_000);
        log.run(|| (0..said).for_each(|_| info!(value = ?Value(&printed), "x")));

        let (printed, lost) = (printed.into_inner(), log.lost());
        assert!(lost > 0 && printed < said);
        // One line was put together in vain.
        assert_eq!(printed + lost, said + 1);
        drop(hangs);
    }

    #[test]
    fn every_character_gives_one_line_and_json_gives_it_back() {
        #[derive(serde::Deserialize)]
        struct Line {
            message: String,
            fields: Fields,
        }
        #[derive(serde::Deserialize)]
        struct Fields {
            text: String,
            printed: String,
        }
        fn say(text: &str) {
            info!(text, printed = %text, "{text}");
        }
        let visible = |line: &str| !line.chars().any(is_control);
        let starts = || (0..=u32::from(char::MAX)).step_by(64);
        let text = |start: u32| (start..start + 64).filter_map(char::from_u32).collect::<String>();
        let say_all = || starts().for_each(|start| say(&text(start)));
        let (json, human, ecs) = (logged::<Json>(say_all), logged::<Human>(say_all), logged::<Ecs>(say_all));
        assert_eq!([json.len(), human.len(), ecs.len()], [starts().count(); 3]);
        for (((start, json), human), ecs) in starts().zip(&json).zip(&human).zip(&ecs) {
            let text = text(start);
            for line in [json, ecs] {
                let read: Line = serde_json::from_str(line).unwrap();
                assert_eq!((&read.message, &read.fields.text, &read.fields.printed), (&text, &text, &text));
            }
            let all = [json, human, ecs];
            assert!(all.iter().all(|line| visible(line)), "{text:?} stands in {all:?}");
        }
    }
}
