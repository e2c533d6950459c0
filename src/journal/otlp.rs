//! OTLP: events as log records, to any collector of OpenTelemetry.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;

use super::pause::Pause;
use super::record;
use super::{ForwardError, ForwardErrorKind, ForwardFuture, Forwarded, Forwarder};
use crate::environment::Environment;
use crate::presets::monitoring::DropReason;
use crate::service::ServiceInfo;
use crate::telemetry::OtlpError;
use crate::telemetry::otlp::{Failure, LogExporter, Retry};

/// The longest that a request may take. It is shorter than the journal's deadline of a write.
const TIMEOUT: Duration = Duration::from_secs(4);

/// The longest that a receiver's `Retry-After` is obeyed in one go.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Sends events to a collector as OTLP log records, by HTTP or, with the feature `otlp-grpc`, by gRPC.
///
/// The standard's variables say where and how: `OTEL_EXPORTER_OTLP_ENDPOINT`, `_PROTOCOL`, `_HEADERS`, `_TIMEOUT`,
/// `_COMPRESSION` and `_CERTIFICATE`, each of which `OTEL_EXPORTER_OTLP_LOGS_…` overrides; `OTEL_LOGS_EXPORTER`,
/// `OTEL_SDK_DISABLED`, `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`. A request takes 4 s at most.
///
/// | of the event | in the log record |
/// | --- | --- |
/// | timestamp, accepted at | `time_unix_nano`, `observed_time_unix_nano` |
/// | level | `severity_number` (1, 5, 9, 13, 17, 21) and `severity_text` |
/// | message | `body` |
/// | trace id, where it is one of W3C | `trace_id`; any other is `watchkeeper.trace_id` |
/// | id | `log.record.uid`, by which a receiver knows a record that came twice |
/// | tags | attributes of the same names |
/// | source, type, payload, who made it, key | `watchkeeper.source`, `.event_type`, `.payload`, `.created_by`, `.dedup_key` |
///
/// | the receiver answers | what becomes of the batch |
/// | --- | --- |
/// | 2xx | stored, but for as many as it says it has refused: those are dropped for `invalid` |
/// | 429, 502, 503, 504, nothing | tried again; `Retry-After` is obeyed, at most 30 s at a time |
/// | 400, 413, 415, 422 | halved, until what cannot be taken is alone; that is dropped for `invalid` |
/// | anything else, a redirect or a page too | dropped for `failed` |
///
/// An answer is read up to 64 KiB, and no redirect is followed. Samples are not passed on, and are not on the account of
/// [`Sink::Forward`](super::Sink::Forward): let the collector scrape the metrics instead.
///
/// ```
/// use watchkeeper::environment::Environment;
/// use watchkeeper::journal::OtlpLogs;
/// use watchkeeper::{Watchkeeper, service_info};
///
/// let mut watch = Watchkeeper::builder(service_info!());
/// if let Some(logs) = OtlpLogs::from_environment(&Environment::process(), service_info!())? {
///     watch = watch.forward(logs);
/// }
/// let watch = watch.build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct OtlpLogs {
    inner: Arc<Inner>,
}

struct Inner {
    exporter: LogExporter,
    pause: Pause,
}

impl OtlpLogs {
    /// Makes a forwarder to the receiver that the environment names; `None` where it names none, or turns logs off.
    ///
    /// # Errors
    ///
    /// [`OtlpError`] naming the variable that cannot be used and what it accepts.
    pub fn from_environment(environment: &Environment, service: ServiceInfo) -> Result<Option<Self>, OtlpError> {
        let exporter = LogExporter::open(environment, service, TIMEOUT)?;
        Ok(exporter.map(|exporter| Self { inner: Arc::new(Inner { exporter, pause: Pause::default() }) }))
    }
}

impl Forwarder for OtlpLogs {
    fn forward<'a>(&'a self, batch: &'a [Forwarded]) -> ForwardFuture<'a> {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move {
            if inner.pause.is_on() {
                return Err(ForwardError::new(ForwardErrorKind::Unavailable).because("the receiver asked to wait"));
            }
            let records: Vec<_> = batch.iter().filter_map(written).collect();
            let sent = spawn_blocking(move || inner.send(&records));
            sent.await.unwrap_or_else(|error| Err(ForwardError::new(ForwardErrorKind::Unavailable).because(error)))
        })
    }

    fn takes_samples(&self) -> bool {
        false
    }
}

fn written(item: &Forwarded) -> Option<Box<[u8]>> {
    match item {
        Forwarded::Event(event) => Some(record::write(event)),
        Forwarded::Sample(_) => None,
    }
}

impl Inner {
    fn send(&self, records: &[Box<[u8]>]) -> Result<(), ForwardError> {
        match self.exporter.send(records) {
            Ok(0) => Ok(()),
            Ok(refused) => Err(ForwardError::some_refused(usize::try_from(refused).unwrap_or(usize::MAX))),
            Err(failure) => Err(self.error(failure)),
        }
    }

    fn error(&self, failure: Failure) -> ForwardError {
        if let Retry::After(wish) = failure.retry {
            self.pause.begin(wish.min(LONGEST_PAUSE));
        }
        let kind = match (failure.retry, failure.reason) {
            (Retry::Later | Retry::After(_), _) => ForwardErrorKind::Unavailable,
            (Retry::Never, DropReason::Invalid) => ForwardErrorKind::Invalid,
            (Retry::Never, DropReason::Refused) => ForwardErrorKind::Refused,
            (Retry::Never, _) => ForwardErrorKind::Failed,
        };
        ForwardError::new(kind).because(failure.what)
    }
}

impl fmt::Debug for OtlpLogs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address and the headers may hold credentials.
        f.debug_struct("OtlpLogs").finish_non_exhaustive()
    }
}
