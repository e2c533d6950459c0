//! The filter that is in force, which can be changed while the app runs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::{EnvFilter, Layer};

/// A filter for all threads. Cloning it copies a handle.
///
/// Of a filter that names no span, nothing is asked for when spans are made, entered and left, and what it says about
/// a call site is remembered there: the lock is out of the way of requests.
#[derive(Clone)]
pub(super) struct LiveFilter(Arc<Inner>);

struct Inner {
    /// Shared, so that no lock is held while the filter prints a span's values, which may log.
    filter: RwLock<Arc<EnvFilter>>,
    /// Whether the filter, or one before it, names spans.
    names_spans: AtomicBool,
}

impl LiveFilter {
    pub(super) fn new(filter: EnvFilter) -> Self {
        let names_spans = AtomicBool::new(names_spans(&filter));
        Self(Arc::new(Inner { filter: RwLock::new(Arc::new(filter)), names_spans }))
    }

    /// Puts another filter in force, for all threads and from the next event on.
    pub(super) fn set(&self, filter: EnvFilter) {
        if names_spans(&filter) {
            self.0.names_spans.store(true, Ordering::Relaxed);
        }
        *self.0.filter.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(filter);
        // Asks the filter about every call site, so no lock may be held.
        tracing::callsite::rebuild_interest_cache();
    }

    /// Spells the filter out.
    pub(super) fn text(&self) -> String {
        self.read().to_string()
    }

    fn read(&self) -> Arc<EnvFilter> {
        Arc::clone(&self.0.filter.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn about_spans(&self) -> Option<Arc<EnvFilter>> {
        self.0.names_spans.load(Ordering::Relaxed).then(|| self.read())
    }
}

fn names_spans(filter: &EnvFilter) -> bool {
    filter.to_string().contains('[')
}

/// As the filter of one layer among several.
impl<S: Subscriber> Filter<S> for LiveFilter {
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        self.read().enabled(metadata, context.clone())
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        <EnvFilter as Filter<S>>::callsite_enabled(&*self.read(), metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.read().max_level_hint()
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(filter) = self.about_spans() {
            filter.on_new_span(attributes, id, context);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(filter) = self.about_spans() {
            filter.on_record(id, values, context);
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(filter) = self.about_spans() {
            filter.on_enter(id, context);
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if let Some(filter) = self.about_spans() {
            filter.on_exit(id, context);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if let Some(filter) = self.about_spans() {
            filter.on_close(id, context);
        }
    }
}

/// As the filter of everything.
impl<S: Subscriber> Layer<S> for LiveFilter {
    fn enabled(&self, metadata: &Metadata<'_>, context: Context<'_, S>) -> bool {
        Filter::enabled(self, metadata, &context)
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        <Self as Filter<S>>::callsite_enabled(self, metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        <Self as Filter<S>>::max_level_hint(self)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        Filter::on_new_span(self, attributes, id, context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        Filter::on_record(self, id, values, context);
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        Filter::on_enter(self, id, context);
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        Filter::on_exit(self, id, context);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        Filter::on_close(self, id, context);
    }
}
