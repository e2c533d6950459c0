//! The end of a watch: the signal for it, and what is sent before.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Watchkeeper;
use crate::shutdown;
use crate::telemetry::CloseReport;

/// The most time of closing that tasks get.
const MOST_FOR_TASKS: Duration = Duration::from_secs(2);

impl Watchkeeper {
    /// Ends when the process is told to: at Ctrl-C in a terminal, or at a supervisor's SIGTERM. For axum's
    /// `with_graceful_shutdown`.
    ///
    /// It is to be awaited within a tokio runtime that has its I/O enabled. Where the signals cannot be listened to,
    /// it says so in the log and never ends.
    pub fn shutdown_signal(&self) -> impl Future<Output = ()> + Send + use<> {
        shutdown::signal()
    }

    /// Sends what waits in events, samples, logs, error reports and traces, and tells what was left after `deadline`.
    ///
    /// Before that, tasks that run are told to come to an end and given up after a third of the deadline, at most 2 s.
    ///
    /// The waiting is done on a thread of its own, so this holds no runtime up. Where the watch has telemetry, it is the
    /// same as [`TelemetryHandle::close`](crate::TelemetryHandle::close): all sinks at the same time, the log last.
    pub async fn close(&self, deadline: Duration) -> CloseReport {
        // It waits for nothing: what is held is gone with the process.
        #[cfg(feature = "alerting")]
        let _ended = self.history().is_some_and(|history| history.close(Duration::ZERO));
        let (telemetry, closing) = (self.telemetry().cloned(), Arc::clone(&self.inner.closing));
        let (tasks, start) = (self.inner.tasks.clone(), Instant::now());
        #[cfg(feature = "alerting")]
        let alerting = self.inner.alerting.clone();
        shutdown::on_its_own_thread(move || {
            let left = tasks.close(start + (deadline / 3).min(MOST_FOR_TASKS));
            if left > 0 {
                tracing::warn!(left, "tasks that still ran were given up");
            }
            #[cfg(feature = "alerting")]
            if let Some(alerting) = alerting {
                alerting.close(start + (deadline / 2).min(MOST_FOR_TASKS * 2));
            }
            let rest = deadline.saturating_sub(start.elapsed());
            match &telemetry {
                Some(telemetry) => telemetry.close(rest),
                None => closing.close(rest),
            }
        })
        .await
    }
}
