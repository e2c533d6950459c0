//! Logs: one call at start, configured from the environment and from code.
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
//! `RUST_LOG` says what is logged (default `info`), `RUST_LOG_FORMAT` how a line looks (`json` or `human`, the
//! default). Lines go to standard output. A line that cannot be written is counted
//! ([`Telemetry::lost_log_lines`]) and never stops the app.

mod builder;
mod clock;
mod error;
mod escape;
mod fields;
mod filter;
mod flat;
mod format;
mod human;
mod json;
mod layer;
mod output;
mod scratch;
mod style;
mod trail;
#[cfg(test)]
mod written;

use std::sync::Arc;

pub use builder::TelemetryBuilder;
pub use error::TelemetryError;
pub use filter::REQUEST_SPAN_TARGET;
pub use format::{LogFormat, UnknownFormat};

use crate::service::ServiceInfo;
use output::Output;

/// The logging of a process, set up.
#[must_use = "it tells about lost lines; bind it in `main`"]
#[derive(Debug)]
pub struct Telemetry {
    service: ServiceInfo,
    output: Arc<Output>,
}

impl Telemetry {
    /// Sets up the logging of the whole process from the environment. Needs no async runtime.
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

    /// Names the service that logs.
    pub fn service(&self) -> ServiceInfo {
        self.service
    }

    /// Counts the log lines that could not be written since the start: their write failed, or was never tried
    /// because lines were nested too deeply.
    pub fn lost_log_lines(&self) -> u64 {
        self.output.lost_lines()
    }
}

impl From<&Telemetry> for ServiceInfo {
    fn from(telemetry: &Telemetry) -> Self {
        telemetry.service
    }
}
