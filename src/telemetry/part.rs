//! The parts of telemetry besides the log, each off unless it is configured.

use std::sync::Arc;

use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

use super::ids::ReadSpanIds;
use super::panics::ObservePanics;
use super::sink::Sink;
use super::{TelemetryBuilder, TelemetryError};

/// One part, set up: what it sees of spans and events, and what is closed at the end.
pub(super) struct Part<R> {
    /// Its layer, with a filter of its own where it does not want everything.
    pub(super) layer: Box<dyn Layer<R> + Send + Sync>,
    pub(super) sink: Arc<dyn Sink>,
    /// What reads the ids of a span for the log's lines, from the part that traces.
    pub(super) ids: Option<Arc<dyn ReadSpanIds>>,
    /// What is told about panics, from the part that reports errors.
    pub(super) panics: Option<Arc<dyn ObservePanics>>,
}

/// Sets up the parts that are configured, in the order in which they see events.
///
/// # Errors
/// [`TelemetryError`] naming the variable or option that cannot be read. What was set up before is closed then.
#[cfg_attr(
    not(any(feature = "otlp", feature = "sentry")),
    expect(unused_variables, unused_mut, reason = "no part is compiled in")
)]
pub(super) fn configured<R>(builder: &TelemetryBuilder) -> Result<Vec<Part<R>>, TelemetryError>
where
    R: Subscriber + for<'a> LookupSpan<'a>,
{
    let mut parts = Vec::new();
    #[cfg(feature = "otlp")]
    parts.extend(super::otlp::part(&builder.environment, builder.service, &builder.accounts)?);
    #[cfg(feature = "sentry")]
    {
        // Whoever traces comes first, so that the ids of a span are there when they are asked for.
        let ids = parts.iter().find_map(|part: &Part<R>| part.ids.clone());
        parts.extend(super::errors::configured(builder, ids)?);
    }
    Ok(parts)
}
