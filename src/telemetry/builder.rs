//! Settings of telemetry, from code and from the environment.

use std::fmt;
use std::io::Write;
use std::sync::Arc;

use tracing::{Dispatch, Subscriber, dispatcher};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use super::human::Human;
use super::json::Json;
use super::layer::LogLayer;
use super::output::Output;
use super::style::Style;
use super::{LogFormat, Telemetry, TelemetryError, filter};
use crate::environment::Environment;
use crate::service::ServiceInfo;

/// Sets up [`Telemetry`]: what code sets wins over the environment, which wins over the defaults.
#[must_use = "nothing is logged before `init`"]
pub struct TelemetryBuilder {
    service: ServiceInfo,
    environment: Environment,
    filter: Option<String>,
    format: Option<LogFormat>,
    writer: Option<Box<dyn Write + Send>>,
}

impl TelemetryBuilder {
    pub(super) fn new(service: ServiceInfo) -> Self {
        Self { service, environment: Environment::process(), filter: None, format: None, writer: None }
    }

    /// Sets what is logged, in the form of `RUST_LOG`: `info,my_app=debug`. Default: `RUST_LOG`, else `info`.
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = Some(filter.into());
        self
    }

    /// Sets the look of a line. Default: `RUST_LOG_FORMAT`, else [`LogFormat::Human`].
    pub fn format(mut self, format: LogFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// Sets where variables are read. Default: the process environment.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Sets where lines go; each is written and flushed whole. The writer is called on the thread that logs, one line
    /// at a time, and must not log itself: such a line is lost. Default: standard output.
    pub fn writer(mut self, writer: impl Write + Send + 'static) -> Self {
        self.writer = Some(Box::new(writer));
        self
    }

    /// Makes this the logging of the whole process. Needs no async runtime.
    ///
    /// # Errors
    /// [`TelemetryError`] naming the variable or option that cannot be read, and
    /// [`TelemetryError::AlreadyInitialised`] where the process has a tracing subscriber; that one stays.
    pub fn init(self) -> Result<Telemetry, TelemetryError> {
        let settings = self.settings()?;
        let log = Registry::default().with(settings.filter);
        let output = Arc::clone(&settings.telemetry.output);
        let dispatch = match settings.format {
            LogFormat::Json => Dispatch::new(log.with(LogLayer::<Json>::new(output))),
            LogFormat::Human => Dispatch::new(log.with(LogLayer::<Human>::new(output))),
        };
        if dispatcher::set_global_default(dispatch).is_err() {
            // The refused subscriber had a say in what each call site is asked about.
            tracing::callsite::rebuild_interest_cache();
            return Err(TelemetryError::AlreadyInitialised);
        }
        Ok(settings.telemetry)
    }

    /// Makes a layer, filter included, for an app that composes its own subscriber.
    ///
    /// ```
    /// use tracing_subscriber::prelude::*;
    /// use watchkeeper::{Telemetry, service_info};
    ///
    /// let (telemetry, layer) = Telemetry::builder(service_info!()).filter("info").layer()?;
    /// tracing_subscriber::registry().with(layer).init();
    /// assert_eq!(telemetry.lost_log_lines(), 0);
    /// # Ok::<(), watchkeeper::telemetry::TelemetryError>(())
    /// ```
    ///
    /// # Errors
    /// [`TelemetryError`] naming the variable or option that cannot be read.
    pub fn layer<R>(self) -> Result<(Telemetry, Box<dyn Layer<R> + Send + Sync>), TelemetryError>
    where
        R: Subscriber + for<'a> LookupSpan<'a>,
    {
        fn filtered<S: Style, R>(settings: Settings) -> (Telemetry, Box<dyn Layer<R> + Send + Sync>)
        where
            R: Subscriber + for<'a> LookupSpan<'a>,
        {
            let layer = LogLayer::<S>::new(Arc::clone(&settings.telemetry.output));
            (settings.telemetry, layer.with_filter(settings.filter).boxed())
        }
        let settings = self.settings()?;
        Ok(match settings.format {
            LogFormat::Json => filtered::<Json, R>(settings),
            LogFormat::Human => filtered::<Human, R>(settings),
        })
    }

    fn settings(self) -> Result<Settings, TelemetryError> {
        let filter = match self.filter {
            Some(filter) => filter::parse("filter", &filter)?,
            None => filter::parse("RUST_LOG", self.environment.get("RUST_LOG")?.as_deref().unwrap_or("info"))?,
        };
        let format = match (self.format, self.environment.get("RUST_LOG_FORMAT")?) {
            (Some(format), _) => format,
            (None, None) => LogFormat::default(),
            (None, Some(value)) => {
                value.parse().map_err(|_| TelemetryError::Format { setting: "RUST_LOG_FORMAT", value })?
            }
        };
        let output = Arc::new(self.writer.map_or_else(Output::stdout, Output::writer));
        Ok(Settings { telemetry: Telemetry { service: self.service, output }, filter, format })
    }
}

/// What the settings come to.
struct Settings {
    telemetry: Telemetry,
    filter: EnvFilter,
    format: LogFormat,
}

impl fmt::Debug for TelemetryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelemetryBuilder")
            .field("service", &self.service)
            .field("filter", &self.filter)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
