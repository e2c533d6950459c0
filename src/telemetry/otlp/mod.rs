//! Traces that leave the process: spans recorded from `tracing`, sent by OTLP to any collector of OpenTelemetry.
//!
//! Everything is set by the standard's variables, and off where `OTEL_EXPORTER_OTLP_ENDPOINT` is not set.

mod attribute;
mod batch;
mod error;
mod fields;
#[cfg(feature = "otlp-grpc")]
mod grpc;
mod http;
mod layer;
mod logs;
mod pipeline;
mod resource;
mod sampler;
mod sender;
mod settings;
mod signal;
mod span;
mod transport;
pub(crate) mod wire;

use std::sync::Arc;

pub use error::OtlpError;

pub(crate) use attribute::{Attributes, Value};
pub(crate) use layer::current_context;
pub(crate) use logs::LogExporter;
pub(crate) use span::OpenSpan;
pub(crate) use transport::{Failure, Retry};

use super::part::Part;
use crate::environment::Environment;
use crate::queue::Accounts;
use crate::service::ServiceInfo;
use batch::BatchWriter;
use layer::{OtlpLayer, RecordedIds};
use pipeline::Pipeline;
use sender::Sender;
use settings::Settings;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::registry::LookupSpan;

/// Sets traces up as the environment says; none where it does not name a receiver.
pub(super) fn part<R>(
    environment: &Environment,
    service: ServiceInfo,
    accounts: &Accounts,
) -> Result<Option<Part<R>>, OtlpError>
where
    R: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(settings) = Settings::read(environment)? else { return Ok(None) };
    let writer = BatchWriter::new(&resource::describe(environment, service)?);
    let pipeline = Arc::new(Pipeline::new(settings.sampler, settings.max_queue_size, accounts));
    let sender = Sender {
        pipeline: Arc::clone(&pipeline),
        transport: settings.transport.open()?,
        writer,
        pace: settings.pace,
        failing: false,
    };
    let thread = std::thread::Builder::new().name("watchkeeper-otlp".to_owned());
    thread.spawn(move || sender.run()).map_err(|error| OtlpError::Thread(error.kind()))?;
    settings.propagators.choose();
    Ok(Some(Part {
        layer: OtlpLayer::new(Arc::clone(&pipeline)).with_filter(LevelFilter::INFO).boxed(),
        sink: pipeline,
        ids: Some(Arc::new(RecordedIds)),
        panics: None,
    }))
}
