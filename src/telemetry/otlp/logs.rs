//! Log records on their way: from whoever writes them, to the receiver of logs that the environment names.

use std::sync::{Mutex, TryLockError};
use std::time::Duration;

use super::batch::BatchWriter;
use super::error::OtlpError;
use super::resource;
use super::settings::LogSettings;
use super::transport::{Failure, Transport};
use crate::environment::Environment;
use crate::presets::monitoring::DropReason;
use crate::service::ServiceInfo;

/// Sends log records to one receiver, one request at a time.
pub(crate) struct LogExporter {
    transport: Mutex<Box<dyn Transport>>,
    writer: BatchWriter,
    timeout: Duration,
}

impl LogExporter {
    /// Makes an exporter as the environment says; none where it does not name a receiver. A request takes no longer than
    /// `most`.
    pub(crate) fn open(
        environment: &Environment,
        service: ServiceInfo,
        most: Duration,
    ) -> Result<Option<Self>, OtlpError> {
        let Some(settings) = LogSettings::read(environment)? else { return Ok(None) };
        let writer = BatchWriter::new(&resource::describe(environment, service)?);
        let timeout = settings.timeout.map_or(most, |timeout| timeout.min(most));
        Ok(Some(Self { transport: Mutex::new(settings.transport.open()?), writer, timeout }))
    }

    /// Sends records, each a written `LogRecord`; returns how many of them the receiver has refused while it took the
    /// others. Blocks its thread. While another request is under way, which its caller has given up, nothing is sent.
    pub(crate) fn send(&self, records: &[Box<[u8]>]) -> Result<u64, Failure> {
        let mut transport = match self.transport.try_lock() {
            Ok(transport) => transport,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::for_now(DropReason::Timeout, "the last request is still under way"));
            }
        };
        transport.send(&self.writer.write(records), self.timeout)
    }
}
