//! Metrics of background jobs: tasks and imports.

use std::time::Duration;

use super::run::Run;
use super::status::Status;
use crate::metric::{
    CounterDesc, CounterFamily, HistogramDesc, HistogramFamily, Open, RegisterError, Registry, bucket,
};

crate::open_label! {
    /// The task's name.
    pub struct Task: "task";
}

/// Counts tasks.
pub const TASKS_PROCESSED: CounterDesc<(Open<Task>, Status)> =
    CounterDesc::new("tasks_processed_total", "Background tasks that ended, by task and whether they succeeded.");

/// Measures tasks.
pub const TASK_DURATION: HistogramDesc<(Open<Task>,)> =
    HistogramDesc::new("task_duration_seconds", "Time of a background task in seconds, by task.", bucket::JOB_SECONDS);

/// Counts imports.
pub const IMPORT_JOBS: CounterDesc<(Status,)> =
    CounterDesc::new("import_jobs_total", "Imports that ended, by whether they succeeded.");

/// Counts imported files.
pub const IMPORT_FILES_PROCESSED: CounterDesc<(Status,)> =
    CounterDesc::new("import_files_processed_total", "Files that imports have processed, by whether it succeeded.");

/// Records background tasks and imports.
///
/// ```
/// use watchkeeper::presets::{Presets, Status};
///
/// fn reindex() -> Result<(), std::io::Error> {
///     Ok(())
/// }
///
/// let metrics = Presets::default();
/// let run = metrics.jobs().start_task("reindex");
/// let result = reindex(); // a panic or an early return would count as an error
/// run.end(Status::of(&result));
/// ```
#[derive(Debug, Clone)]
pub struct JobMetrics {
    tasks_processed: CounterFamily<(Open<Task>, Status)>,
    task_duration: HistogramFamily<(Open<Task>,)>,
    import_jobs: CounterFamily<(Status,)>,
    import_files_processed: CounterFamily<(Status,)>,
}

impl JobMetrics {
    /// Registers the group.
    ///
    /// # Errors
    ///
    /// When a name is taken by a metric of another meaning.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            tasks_processed: registry.counter(&TASKS_PROCESSED)?,
            task_duration: registry.histogram(&TASK_DURATION)?,
            import_jobs: registry.counter(&IMPORT_JOBS)?,
            import_files_processed: registry.counter(&IMPORT_FILES_PROCESSED)?,
        })
    }

    /// Starts a task; dropping the guard before it succeeded counts an error.
    pub fn start_task(&self, task: &str) -> Run {
        let [success, error] = [Status::Success, Status::Error].map(|status| self.tasks_processed.with((task, status)));
        Run::start(success, error).measured(self.task_duration.with((task,)))
    }

    /// Records a task that was timed elsewhere.
    pub fn record_task(&self, task: &str, status: Status, time: Duration) {
        self.tasks_processed.inc((task, status));
        self.task_duration.observe_duration((task,), time);
    }

    /// Starts an import; dropping the guard before it succeeded counts an error.
    pub fn start_import(&self) -> Run {
        let [success, error] = [Status::Success, Status::Error].map(|status| self.import_jobs.with((status,)));
        Run::start(success, error)
    }

    /// Counts an import.
    pub fn record_import(&self, status: Status) {
        self.import_jobs.inc((status,));
    }

    /// Counts a file that an import has processed.
    pub fn record_import_file(&self, status: Status) {
        self.import_files_processed.inc((status,));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Format;

    #[test]
    fn tasks_and_imports_are_counted_by_how_they_ended() {
        let registry = Registry::new();
        let jobs = JobMetrics::register(&registry).unwrap();
        drop(jobs.start_task("reindex"));
        jobs.record_task("reindex", Status::Success, Duration::from_secs(2));
        jobs.start_import().succeed();
        jobs.record_import(Status::Error);
        jobs.record_import_file(Status::Success);
        let scrape = registry.render(Format::Text);
        for line in [
            "tasks_processed_total{task=\"reindex\",status=\"error\"} 1\n",
            "tasks_processed_total{task=\"reindex\",status=\"success\"} 1\n",
            "task_duration_seconds_count{task=\"reindex\"} 2\n",
            "import_jobs_total{status=\"success\"} 1\n",
            "import_jobs_total{status=\"error\"} 1\n",
            "import_files_processed_total{status=\"success\"} 1\n",
        ] {
            assert!(scrape.contains(line), "{line} is not in\n{scrape}");
        }
    }
}
