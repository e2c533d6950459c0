//! The handle on telemetry: what can be asked and changed while the app runs, and the way to close it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::capture::{Capture, Logged};
use super::closing::Closing;
use super::output::Output;
use super::reload::LiveFilter;
use super::sink::Sink;
use super::{CloseReport, TelemetryError, filter};
use crate::queue::Accounts;
use crate::service::ServiceInfo;

/// A handle on the telemetry of a process. Cloning it copies the handle.
#[derive(Clone)]
pub struct TelemetryHandle(Arc<Inner>);

struct Inner {
    service: ServiceInfo,
    output: Arc<Output>,
    filter: LiveFilter,
    accounts: Accounts,
    closing: Closing,
    capture: Capture,
}

impl TelemetryHandle {
    pub(super) fn new(
        service: ServiceInfo,
        output: Arc<Output>,
        filter: LiveFilter,
        accounts: Accounts,
        closing: Closing,
        capture: Capture,
    ) -> Self {
        Self(Arc::new(Inner { service, output, filter, accounts, closing, capture }))
    }

    /// Names the service that is watched.
    pub fn service(&self) -> ServiceInfo {
        self.0.service
    }

    /// Returns the accounts of all sinks: what was accepted, sent, dropped and why, and what waits.
    pub fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    /// Returns the sinks that tell how they fare, each with a way to ask it.
    pub(crate) fn sinks(&self) -> Vec<(&'static str, impl Fn() -> Result<(), &'static str> + Send + Sync + 'static)> {
        let of = |sink: &Arc<dyn Sink>| {
            let (name, sink) = (sink.account().sink().as_str(), Arc::downgrade(sink));
            (name, move || sink.upgrade().and_then(|sink| sink.state()).unwrap_or(Ok(())))
        };
        self.0.closing.sinks().iter().filter(|sink| sink.state().is_some()).map(of).collect()
    }

    /// Counts the log lines that are lost since the start: their write failed or was never tried. Lines that wait are
    /// not lost yet.
    pub fn lost_log_lines(&self) -> u64 {
        self.0.output.lost_lines()
    }

    /// Spells out what is logged at this moment.
    pub fn filter(&self) -> String {
        self.0.filter.text()
    }

    /// Changes what is logged, in the form of `RUST_LOG`, for all threads and from the next event on.
    ///
    /// A span that the former filter left out stays left out.
    ///
    /// # Errors
    /// [`TelemetryError::Filter`] where the text cannot be read; the former filter stays in force.
    pub fn set_filter(&self, text: &str) -> Result<(), TelemetryError> {
        self.0.filter.set(filter::parse("filter", text)?);
        Ok(())
    }

    /// Adds a sink, to be closed with the others.
    pub(crate) fn add_sink(&self, sink: Arc<dyn Sink>) {
        self.0.closing.add(sink);
    }

    /// Hands the log events that are to be kept to `keep` from now on.
    pub(crate) fn keep_logged(&self, keep: impl Fn(Logged) + Send + Sync + 'static) {
        self.0.capture.connect(keep);
    }

    /// Sends what waits in all sinks at the same time, the log last, and tells what was left after `deadline`.
    ///
    /// It blocks for `deadline` at the most: a sink that hangs is left behind, and what it held is counted. A later
    /// call closes nothing, writes the log lines that came since, and returns the first one's report.
    pub fn close(&self, deadline: Duration) -> CloseReport {
        self.0.closing.close(deadline)
    }
}

impl From<&TelemetryHandle> for ServiceInfo {
    fn from(telemetry: &TelemetryHandle) -> Self {
        telemetry.service()
    }
}

impl fmt::Debug for TelemetryHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelemetryHandle").field("service", &self.0.service).finish_non_exhaustive()
    }
}
