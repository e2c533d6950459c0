//! Runs: pieces of work that start, take time, and end in success or error.

use std::fmt;
use std::time::{Duration, Instant};

use super::status::Status;
use crate::metric::{Counter, Histogram, Tracked};

/// Watches one piece of work. Dropped before [`succeed`](Self::succeed), by an error's early return, a panic or a
/// cancellation, it counts the work as an error.
#[must_use = "dropping the guard counts the work as an error"]
pub struct Run {
    started: Instant,
    success: Counter,
    error: Counter,
    duration: Option<Histogram>,
    under_way: Option<Tracked>,
    status: Status,
}

impl Run {
    /// Starts a run that is counted when it ends.
    pub(super) fn start(success: Counter, error: Counter) -> Self {
        let started = Instant::now();
        Self { started, success, error, duration: None, under_way: None, status: Status::Error }
    }

    /// Also measures how long it takes.
    pub(super) fn measured(mut self, duration: Histogram) -> Self {
        self.duration = Some(duration);
        self
    }

    /// Also counts it as under way until it ends.
    pub(super) fn tracked(mut self, under_way: Tracked) -> Self {
        self.under_way = Some(under_way);
        self
    }

    /// Ends the run as a success.
    pub fn succeed(self) {
        self.end(Status::Success);
    }

    /// Ends the run with the status of its result: `run.end(Status::of(&result))`.
    pub fn end(mut self, status: Status) {
        self.status = status;
    }

    /// Returns the time since the start.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        match self.status {
            Status::Success => self.success.inc(),
            Status::Error => self.error.inc(),
        }
        if let Some(duration) = &self.duration {
            duration.observe_duration(self.started.elapsed());
        }
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("started", &self.started).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Format;
    use crate::presets::Presets;

    fn scrape(presets: &Presets) -> String {
        presets.registry().render(Format::Text)
    }

    #[test]
    fn a_run_is_an_error_until_it_is_told_otherwise() {
        let presets = Presets::default();
        let run = || presets.sync().start_job("shop", "warehouse");
        run().succeed();
        run().end(Status::Error);
        drop(run());
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _run = run();
            panic!("the warehouse burns");
        }));
        assert!(panicked.is_err());
        let scrape = scrape(&presets);
        let operations = "sync_operations_total{source=\"shop\",target=\"warehouse\"";
        assert!(scrape.contains(&format!("{operations},status=\"success\"}} 1\n")), "{scrape}");
        assert!(scrape.contains(&format!("{operations},status=\"error\"}} 3\n")), "{scrape}");
        assert!(scrape.contains("sync_duration_seconds_count{source=\"shop\",target=\"warehouse\"} 4\n"), "{scrape}");
        assert!(scrape.contains("active_syncs{source=\"shop\"} 0\n"), "{scrape}");
    }

    #[tokio::test]
    async fn a_run_is_under_way_until_its_task_is_cancelled() {
        let presets = Presets::default();
        let run = presets.sync().start_job("shop", "warehouse");
        let task = tokio::spawn(async move {
            let _run = run;
            std::future::pending::<()>().await;
        });
        assert!(scrape(&presets).contains("active_syncs{source=\"shop\"} 1\n"));
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        let scrape = scrape(&presets);
        assert!(scrape.contains("active_syncs{source=\"shop\"} 0\n"), "{scrape}");
        assert!(scrape.contains("target=\"warehouse\",status=\"error\"} 1\n"), "{scrape}");
    }
}
