//! Settings of telemetry, from code and from the environment.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::{Dispatch, Level, Subscriber, dispatcher};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use super::capture::Capture;
use super::closing::Closing;
use super::ecs::Ecs;
use super::human::Human;
use super::ids::ReadSpanIds;
use super::json::Json;
use super::layer::LogLayer;
use super::mask::{MASKED_FIELDS, Masking};
use super::notice;
use super::output::Output;
use super::panics::{self, ObservePanics};
use super::part::{self, Part};
use super::reload::LiveFilter;
use super::sink::Sink;
use super::{LogFormat, Telemetry, TelemetryError, TelemetryHandle, filter};
use crate::environment::Environment;
use crate::queue::Accounts;
use crate::service::ServiceInfo;

/// How many bytes of log lines may wait, unless the app says otherwise: 32 MiB.
pub const DEFAULT_QUEUE_BYTES: u64 = 32 << 20;

/// The least that may wait.
const LEAST_QUEUE_BYTES: u64 = 64 << 10;

/// Sets up [`Telemetry`]: what code sets wins over the environment, which wins over the defaults.
#[must_use = "nothing is logged before `init`"]
pub struct TelemetryBuilder {
    pub(super) service: ServiceInfo,
    pub(super) environment: Environment,
    filter: Option<String>,
    format: Option<LogFormat>,
    writer: Option<Box<dyn Write + Send>>,
    #[cfg(feature = "sentry")]
    pub(super) errors: super::errors::Options,
    queue_bytes: u64,
    pub(super) masked_fields: Option<Vec<String>>,
    pub(super) accounts: Accounts,
    /// From which level on log events are kept, and where they go.
    captured: Option<Level>,
    capture: Capture,
}

impl TelemetryBuilder {
    pub(super) fn new(service: ServiceInfo) -> Self {
        Self {
            service,
            environment: Environment::process(),
            filter: None,
            format: None,
            writer: None,
            #[cfg(feature = "sentry")]
            errors: super::errors::Options::default(),
            queue_bytes: DEFAULT_QUEUE_BYTES,
            masked_fields: None,
            accounts: Accounts::default(),
            captured: None,
            capture: Capture::default(),
        }
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

    /// Sets where lines go. The writer is called on a thread of its own, with one or more whole lines at a time, and
    /// flushed after each call; it may block. What it logs itself is lost. Default: standard output.
    pub fn writer(mut self, writer: impl Write + Send + 'static) -> Self {
        self.writer = Some(Box::new(writer));
        self
    }

    /// Sets the names of fields whose values are masked as `***` in the log and in events that are kept, of events and of spans. A field is masked
    /// when one of the names is a word of its own name, or several words in a row. Default: [`MASKED_FIELDS`].
    pub fn masked_fields<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.masked_fields = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Sets how many bytes of log lines may wait while nobody takes them. Lines below `WARN` may use three quarters of
    /// that, warnings seven eighths, errors all of it; what finds no room is dropped and counted. At least 64 KiB.
    /// Default: [`DEFAULT_QUEUE_BYTES`].
    pub fn queue_bytes(mut self, bytes: u64) -> Self {
        self.queue_bytes = bytes;
        self
    }

    /// Sets where error reports go, by Sentry's protocol. Default: `SENTRY_DSN`, else `GLITCHTIP_DSN`, else nowhere.
    #[cfg(feature = "sentry")]
    pub fn sentry_dsn(mut self, dsn: impl Into<String>) -> Self {
        self.errors.dsn = Some(dsn.into());
        self
    }

    /// Sets the environment that error reports name, such as `production`; 64 bytes at the most. Default:
    /// `ENVIRONMENT`, else `development`.
    #[cfg(feature = "sentry")]
    pub fn deployment_environment(mut self, name: impl Into<String>) -> Self {
        self.errors.environment = Some(name.into());
        self
    }

    /// Sets which share of the transactions that the app begins by the `sentry` crate is sent, from 0 to 1. Errors are
    /// sent all. Default: `SENTRY_TRACES_SAMPLE_RATE`, else 0.1.
    #[cfg(feature = "sentry")]
    pub fn sentry_traces_sample_rate(mut self, share: f32) -> Self {
        self.errors.traces_sample_rate = Some(share);
        self
    }

    /// Sets the release that error reports name; 250 bytes at the most. Default: the service's name and version, as
    /// `shop@1.2.3`.
    #[cfg(feature = "sentry")]
    pub fn release(mut self, release: impl Into<String>) -> Self {
        self.errors.release = Some(release.into());
        self
    }

    /// Keeps log events of this level and graver ones as events in the store, with their request's ids, once a
    /// [`Watchkeeper`](crate::Watchkeeper) is built with this telemetry; whatever the [filter](Self::filter) of the log.
    /// What the library logs in the course of its own work is not kept. Default: none are.
    pub fn keep_events(mut self, least: Level) -> Self {
        self.captured = Some(least);
        self
    }

    /// Makes this the telemetry of the whole process. Needs no async runtime.
    ///
    /// # Errors
    /// [`TelemetryError`] naming the variable or option that cannot be read, and
    /// [`TelemetryError::AlreadyInitialised`] where the process has a tracing subscriber; that one stays.
    pub fn init(mut self) -> Result<Telemetry, TelemetryError> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let log = self.log()?;
        if dispatcher::has_been_set() {
            return Err(TelemetryError::AlreadyInitialised);
        }
        let (mut layers, parts) = self.parts::<Registry>(&log.masking)?;
        let observer = parts.panics.clone();
        let dispatch = if layers.is_empty() {
            // A filter for everything costs less than one for each layer.
            Dispatch::new(Registry::default().with(log.filter.clone()).with(log.layer(None)))
        } else {
            layers.push(log.layer(parts.ids.clone()).with_filter(log.filter.clone()).boxed());
            Dispatch::new(Registry::default().with(layers))
        };
        let telemetry = self.telemetry(log, parts);
        if dispatcher::set_global_default(dispatch).is_err() {
            // The refused subscriber had a say in what each call site is asked about.
            tracing::callsite::rebuild_interest_cache();
            return Err(TelemetryError::AlreadyInitialised);
        }
        panics::install(observer);
        Ok(telemetry)
    }

    /// Makes a layer, filter included, for an app that composes its own subscriber. Panics are left to the app then.
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
    pub fn layer<R>(mut self) -> Result<(Telemetry, Box<dyn Layer<R> + Send + Sync>), TelemetryError>
    where
        R: Subscriber + for<'a> LookupSpan<'a>,
    {
        let log = self.log()?;
        let (mut layers, parts) = self.parts::<R>(&log.masking)?;
        layers.push(log.layer(parts.ids.clone()).with_filter(log.filter.clone()).boxed());
        Ok((self.telemetry(log, parts), layers.boxed()))
    }

    fn parts<R>(&self, masking: &Arc<Masking>) -> Result<(Vec<BoxedLayer<R>>, Parts), TelemetryError>
    where
        R: Subscriber + for<'a> LookupSpan<'a>,
    {
        let (mut layers, mut all) = (Vec::new(), Parts::default());
        for Part { layer, sink, ids, panics } in part::configured::<R>(self)? {
            layers.push(layer);
            all.sinks.push(sink);
            all.ids = all.ids.or(ids);
            all.panics = all.panics.or(panics);
        }
        if let Some(least) = self.captured {
            layers.push(self.capture.layer(least, masking, all.ids.clone()));
        }
        Ok((layers, all))
    }

    fn telemetry(&self, log: Log, parts: Parts) -> Telemetry {
        let closing = Closing::new(parts.sinks, Arc::clone(&log.output) as Arc<dyn Sink>);
        let (accounts, capture) = (self.accounts.clone(), self.capture.clone());
        Telemetry { handle: TelemetryHandle::new(self.service, log.output, log.filter, accounts, closing, capture) }
    }

    fn log(&mut self) -> Result<Log, TelemetryError> {
        let filter = match &self.filter {
            Some(filter) => filter::parse("filter", filter)?,
            None => filter::parse("RUST_LOG", self.environment.get("RUST_LOG")?.as_deref().unwrap_or("info"))?,
        };
        let format = match self.format {
            Some(format) => format,
            None => format_from(&self.environment)?,
        };
        let notice = match format {
            LogFormat::Json => notice::line::<Json>,
            LogFormat::Ecs => notice::line::<Ecs>,
            LogFormat::Human => notice::line::<Human>,
        };
        let bytes = self.queue_bytes.max(LEAST_QUEUE_BYTES);
        let output = Arc::new(Output::new(self.writer.take(), bytes, notice, self.accounts.clone()));
        let masking = match &self.masked_fields {
            Some(names) => Masking::of(names.iter().map(String::as_str)),
            None => Masking::of(MASKED_FIELDS.iter().copied()),
        };
        let filter = LiveFilter::new(filter);
        Ok(Log { service: self.service, masking: Arc::new(masking), output, filter, format })
    }
}

type BoxedLayer<R> = Box<dyn Layer<R> + Send + Sync>;

/// What the parts have besides their layers.
#[derive(Default)]
struct Parts {
    sinks: Vec<Arc<dyn Sink>>,
    ids: Option<Arc<dyn ReadSpanIds>>,
    panics: Option<Arc<dyn ObservePanics>>,
}

/// What the settings of the log come to.
struct Log {
    service: ServiceInfo,
    masking: Arc<Masking>,
    output: Arc<Output>,
    filter: LiveFilter,
    format: LogFormat,
}

impl Log {
    fn layer<R>(&self, ids: Option<Arc<dyn ReadSpanIds>>) -> BoxedLayer<R>
    where
        R: Subscriber + for<'a> LookupSpan<'a>,
    {
        let (output, masking) = (Arc::clone(&self.output), Arc::clone(&self.masking));
        match self.format {
            LogFormat::Json => LogLayer::<Json>::new(&self.service, output, masking, ids).boxed(),
            LogFormat::Ecs => LogLayer::<Ecs>::new(&self.service, output, masking, ids).boxed(),
            LogFormat::Human => LogLayer::<Human>::new(&self.service, output, masking, ids).boxed(),
        }
    }
}

fn format_from(environment: &Environment) -> Result<LogFormat, TelemetryError> {
    const SETTING: &str = "RUST_LOG_FORMAT";
    match environment.get(SETTING)? {
        Some(value) => value.parse().map_err(|_| TelemetryError::Format { setting: SETTING, value }),
        None => Ok(LogFormat::default()),
    }
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
    use std::time::Duration;

    use super::super::written::Written;
    use super::*;

    const BAD: [(&str, &str); 2] = [("RUST_LOG", "%%"), ("RUST_LOG_FORMAT", "xml")];

    fn builder<const N: usize>(variables: [(&str, &str); N]) -> TelemetryBuilder {
        TelemetryBuilder::new(ServiceInfo::new("shop", "1.0.0")).environment(variables.into_iter().collect())
    }

    /// Gives what is logged of a warning, a message and a detail, as level and look.
    fn logged(builder: TelemetryBuilder) -> Vec<(bool, String)> {
        let written = Written::default();
        let (telemetry, layer) = builder.writer(written.clone()).layer().unwrap();
        tracing::subscriber::with_default(Registry::default().with(layer), || {
            tracing::warn!("warning");
            tracing::info!("message");
            tracing::debug!("detail");
        });
        assert!(telemetry.close(Duration::from_secs(60)).is_complete());
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

    #[test]
    fn an_app_says_which_fields_are_masked() {
        let written = Written::default();
        let builder = builder([]).writer(written.clone()).masked_fields(["iban"]);
        let (telemetry, layer) = builder.layer().unwrap();
        tracing::subscriber::with_default(Registry::default().with(layer), || {
            tracing::info!(customer_iban = "DE02", token_count = 3, "paid");
        });
        assert!(telemetry.close(Duration::from_secs(60)).is_complete());
        assert!(written.lines()[0].contains("paid customer_iban=*** token_count=3 at "), "{:?}", written.lines());
    }

    #[test]
    fn a_filter_changes_behind_a_layer_too() {
        let written = Written::default();
        let (telemetry, layer) = builder([]).writer(written.clone()).layer().unwrap();
        tracing::subscriber::with_default(Registry::default().with(layer), || {
            for filter in ["error", "info,[work]=debug", "warn"] {
                telemetry.set_filter(filter).unwrap();
                let _work = tracing::info_span!("work").entered();
                tracing::debug!("at {filter}");
            }
        });
        assert!(telemetry.close(Duration::from_secs(60)).is_complete());
        assert_eq!(written.lines().len(), 1);
        assert!(written.lines()[0].contains("at info,[work]=debug"), "{:?}", written.lines());
    }
}
