//! Logs, and whatever else leaves the process: one call at start, one guard at the end, configured from the environment
//! and from code.
//!
//! ```
//! use watchkeeper::{Telemetry, service_info};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let _telemetry = Telemetry::init(service_info!())?;
//!     tracing::info!(port = 3000, "listening");
//!     Ok(())
//! }
//! ```
//!
//! `RUST_LOG` says what is logged (default `info`), `RUST_LOG_FORMAT` how a line looks (`json`, `ecs` or `human`, the
//! default). Lines go to standard output, by a thread of their own behind a bounded queue: a line that cannot be written
//! is counted ([`TelemetryHandle::lost_log_lines`]) and neither stops the app nor holds it up.

mod backlog;
mod builder;
mod capture;
mod clock;
mod closing;
mod ecs;
mod error;
#[cfg(feature = "sentry")]
mod errors;
mod escape;
mod fields;
mod filter;
mod flat;
mod format;
mod handle;
mod human;
mod ids;
mod json;
mod layer;
mod lines;
mod mask;
mod names;
mod notice;
#[cfg(feature = "otlp")]
pub(crate) mod otlp;
mod outlet;
mod output;
mod panics;
mod part;
mod reload;
mod report;
mod scratch;
mod sink;
mod style;
mod trail;
mod writer;
#[cfg(test)]
mod written;

use std::fmt;
use std::ops::Deref;

pub use builder::{DEFAULT_QUEUE_BYTES, TelemetryBuilder};
pub(crate) use capture::Logged;
pub(crate) use closing::Closing;
pub use closing::DEFAULT_DEADLINE;
pub use error::TelemetryError;
pub use filter::REQUEST_SPAN_TARGET;
pub use format::{LogFormat, UnknownFormat};
pub use handle::TelemetryHandle;
pub use mask::MASKED_FIELDS;
#[cfg(feature = "otlp")]
pub use otlp::OtlpError;
pub use report::{CloseReport, SinkReport};
pub(crate) use sink::Sink;

use crate::service::ServiceInfo;

/// The telemetry of a process, set up. Dropped at the end of `main`, it sends what waits, within
/// [`DEFAULT_DEADLINE`]; [`close`](TelemetryHandle::close) does the same and tells what was left.
///
/// It derefs to [`TelemetryHandle`], whose clones do not close anything when they are dropped.
#[must_use = "dropping it closes telemetry; bind it in `main`"]
pub struct Telemetry {
    handle: TelemetryHandle,
}

impl Telemetry {
    /// Sets up the telemetry of the whole process from the environment. Needs no async runtime.
    ///
    /// # Errors
    /// [`TelemetryError`] naming the variable that cannot be read and what it accepts, and
    /// [`TelemetryError::AlreadyInitialised`] where the process has a tracing subscriber; that one stays.
    pub fn init(service: ServiceInfo) -> Result<Self, TelemetryError> {
        Self::builder(service).init()
    }

    /// Begins a set-up in which code decides what the environment leaves open, or all of it.
    pub fn builder(service: ServiceInfo) -> TelemetryBuilder {
        TelemetryBuilder::new(service)
    }

    /// Returns a handle to ask and to close by, for others than `main`.
    pub fn handle(&self) -> TelemetryHandle {
        self.handle.clone()
    }
}

impl Deref for Telemetry {
    type Target = TelemetryHandle;

    fn deref(&self) -> &TelemetryHandle {
        &self.handle
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        let _ = self.handle.close(DEFAULT_DEADLINE);
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").field("service", &self.handle.service()).finish_non_exhaustive()
    }
}

impl From<&Telemetry> for ServiceInfo {
    fn from(telemetry: &Telemetry) -> Self {
        telemetry.service()
    }
}
