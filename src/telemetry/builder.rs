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
        let format = match self.format {
            Some(format) => format,
            None => format_from(&self.environment)?,
        };
        let output = Arc::new(self.writer.map_or_else(Output::stdout, Output::writer));
        Ok(Settings { telemetry: Telemetry { service: self.service, output }, filter, format })
    }
}

fn format_from(environment: &Environment) -> Result<LogFormat, TelemetryError> {
    const SETTING: &str = "RUST_LOG_FORMAT";
    match environment.get(SETTING)? {
        Some(value) => value.parse().map_err(|_| TelemetryError::Format { setting: SETTING, value }),
        None => Ok(LogFormat::default()),
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

#[cfg(test)]
mod tests {
    use super::super::written::Written;
    use super::*;

    const BAD: [(&str, &str); 2] = [("RUST_LOG", "%%"), ("RUST_LOG_FORMAT", "xml")];

    fn builder<const N: usize>(variables: [(&str, &str); N]) -> TelemetryBuilder {
        TelemetryBuilder::new(ServiceInfo::new("shop", "1.0.0")).environment(variables.into_iter().collect())
    }

    /// Gives what is logged of a warning, a message and a detail, as level and look.
    fn logged(builder: TelemetryBuilder) -> Vec<(bool, String)> {
        let written = Written::default();
        let (_, layer) = builder.writer(written.clone()).layer().unwrap();
        tracing::subscriber::with_default(Registry::default().with(layer), || {
            tracing::warn!("warning");
            tracing::info!("message");
            tracing::debug!("detail");
        });
        let word = |line: &str| ["warning", "message", "detail"].into_iter().find(|word| line.contains(word));
        written.lines().iter().map(|line| (line.starts_with('{'), word(line).unwrap().to_owned())).collect()
    }

    #[test]
    fn nothing_set_means_human_lines_from_info_on() {
        let lines = [(false, "warning".into()), (false, "message".into())];
        assert_eq!(logged(builder([])), lines);
        assert_eq!(logged(builder([("RUST_LOG", " "), ("RUST_LOG_FORMAT", "")])), lines);
    }

    #[test]
    fn the_environment_wins_over_the_defaults() {
        let builder = builder([("RUST_LOG", "warn"), ("RUST_LOG_FORMAT", "JSON")]);
        assert_eq!(logged(builder), [(true, "warning".into())]);
    }

    #[test]
    fn what_code_sets_wins_over_the_environment() {
        let builder = builder(BAD).format(LogFormat::Json).filter("warn");
        assert_eq!(logged(builder), [(true, "warning".into())]);
    }

    #[test]
    fn an_error_names_what_was_set_wrong() {
        let said = |builder: TelemetryBuilder| builder.layer::<Registry>().err().unwrap().to_string();
        assert!(said(builder(BAD)).starts_with(r#"RUST_LOG is "%%", "#));
        assert!(said(builder(BAD).filter("info")).starts_with(r#"RUST_LOG_FORMAT is "xml", "#));
        assert!(said(builder([]).filter("loud")).starts_with(r#"filter is "loud", "#));
    }
}
