//! Error reports by Sentry's protocol: what of a running app becomes an event, and how it is sent.
//!
//! An event of level `ERROR` and a panic become a [`Report`](report::Report): the event as far as it is known, the
//! app's own scope and a backtrace without names. It goes into a bounded queue. A worker gives the frames their names,
//! applies the scope, masks what looks like a secret, and sends.

mod clean;
mod fields;
mod layer;
mod limits;
mod origin;
mod post;
mod report;
mod reporter;
mod settings;
mod stack;
mod work;
mod worker;

use std::sync::Arc;

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

pub(super) use settings::Options;

use super::ids::ReadSpanIds;
use super::mask::Masking;
use super::part::Part;
use super::sink::Sink;
use super::{TelemetryBuilder, TelemetryError};
use layer::ErrorLayer;
use reporter::Reporter;
use settings::Settings;

/// Sets error reporting up, where there is a DSN.
///
/// # Errors
/// [`TelemetryError`] naming the variable or option that cannot be read.
pub(super) fn configured<R>(
    builder: &TelemetryBuilder,
    ids: Option<Arc<dyn ReadSpanIds>>,
) -> Result<Option<Part<R>>, TelemetryError>
where
    R: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(settings) = Settings::read(builder)? else { return Ok(None) };
    let masking = builder.masked_fields.as_ref().map(|names| Masking::of(names.iter().map(String::as_str)));
    let reporter = Reporter::start(settings);
    builder.accounts.add(reporter.account());
    let layer = ErrorLayer::new(Arc::clone(&reporter), masking, ids).with_filter(LevelFilter::INFO).boxed();
    Ok(Some(Part { layer, sink: reporter.clone(), ids: None, panics: Some(reporter) }))
}
