//! Metrics of the tokio runtime that the app runs in, read at every scrape, and how late its tasks come.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use crate::metric::{Counter, CounterDesc, Gauge, GaugeDesc, Histogram, HistogramDesc, RegisterError, Registry};

/// How often the lag is probed.
pub const PROBE_INTERVAL: Duration = Duration::from_millis(500);

/// Upper bounds of the lag's buckets, in seconds. The runtime's timer counts whole milliseconds.
pub const LAG_SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];

/// Shows the worker threads.
pub const WORKERS: GaugeDesc = GaugeDesc::new("tokio_workers", "Worker threads of the tokio runtime.");

/// Shows the tasks alive.
pub const ALIVE_TASKS: GaugeDesc =
    GaugeDesc::new("tokio_alive_tasks", "Tasks of the tokio runtime that have not ended.");

/// Shows the tasks that wait for a worker.
pub const GLOBAL_QUEUE_DEPTH: GaugeDesc = GaugeDesc::new(
    "tokio_global_queue_depth",
    "Tasks that wait in the tokio runtime's global queue; those in the workers' own queues are not among them.",
);

/// Adds up the time that workers were busy.
pub const WORKER_BUSY: CounterDesc = CounterDesc::new(
    "tokio_worker_busy_seconds_total",
    "Time that the tokio runtime's workers were busy, in seconds, over all workers.",
);

/// Measures how late a task comes.
pub const EVENT_LOOP_LAG: HistogramDesc = HistogramDesc::new(
    "tokio_event_loop_lag_seconds",
    "Time that a task waits beyond its timer for the tokio runtime to run it, in seconds; probed every 500 ms.",
    LAG_SECONDS,
);

/// Watches one tokio runtime.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use tokio::runtime::Handle;
/// use watchkeeper::metric::Format;
/// use watchkeeper::presets::Presets;
///
/// let metrics = Presets::default();
/// metrics.runtime().watch(&Handle::current());
/// assert!(metrics.registry().render(Format::Text).contains("tokio_workers 1\n"));
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct RuntimeMetrics {
    /// The registry's scrape hook holds it, so that the probe ends with the registry.
    watched: Weak<Watched>,
}

impl RuntimeMetrics {
    /// Registers the group. Its values stay zero until a runtime is [watched](Self::watch).
    ///
    /// # Errors
    ///
    /// When a name is taken by a metric of another meaning.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let watched = Arc::new(Watched {
            workers: registry.gauge(&WORKERS)?.with(()),
            alive_tasks: registry.gauge(&ALIVE_TASKS)?.with(()),
            global_queue_depth: registry.gauge(&GLOBAL_QUEUE_DEPTH)?.with(()),
            worker_busy: registry.counter(&WORKER_BUSY)?.with(()),
            lag: registry.histogram(&EVENT_LOOP_LAG)?.with(()),
            runtime: Mutex::new(None),
        });
        let metrics = Self { watched: Arc::downgrade(&watched) };
        registry.on_scrape(move || watched.show());
        Ok(metrics)
    }

    /// Watches a runtime from now on, in place of the one before, and starts a task on it that probes the lag.
    ///
    /// The task ends with the registry. It sleeps, so the runtime needs its timer (`enable_time` or `enable_all`).
    pub fn watch(&self, runtime: &Handle) {
        if let Some(watched) = self.watched.upgrade() {
            watched.watch(runtime);
            // A scrape that finds the runtime itself is past its hooks already.
            watched.show();
        }
    }

    /// Tells whether a runtime is watched that has not shut down.
    pub fn is_watching(&self) -> bool {
        self.watched.upgrade().is_some_and(|watched| {
            let runtime = watched.runtime.lock().unwrap_or_else(PoisonError::into_inner);
            runtime.as_ref().is_some_and(|runtime| !runtime.probe.is_finished())
        })
    }

    /// Watches the runtime that the call is made in, and says whether there is one.
    pub fn watch_current(&self) -> bool {
        let current = Handle::try_current();
        current.map(|runtime| self.watch(&runtime)).is_ok()
    }
}

#[derive(Debug)]
struct Watched {
    workers: Gauge,
    alive_tasks: Gauge,
    global_queue_depth: Gauge,
    worker_busy: Counter,
    lag: Histogram,
    runtime: Mutex<Option<Runtime>>,
}

/// A watched runtime; its probe ends when this is dropped.
#[derive(Debug)]
struct Runtime {
    handle: Handle,
    probe: AbortHandle,
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.probe.abort();
    }
}

impl Watched {
    fn watch(&self, handle: &Handle) {
        let mut runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        if runtime.as_ref().is_some_and(|runtime| runtime.handle.id() == handle.id()) {
            return;
        }
        let probe = handle.spawn(probe(self.lag.clone())).abort_handle();
        *runtime = Some(Runtime { handle: handle.clone(), probe });
    }

    fn show(&self) {
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(metrics) = runtime.as_ref().map(|runtime| runtime.handle.metrics()) else { return };
        self.workers.set(metrics.num_workers() as f64);
        self.alive_tasks.set(metrics.num_alive_tasks() as f64);
        self.global_queue_depth.set(metrics.global_queue_depth() as f64);
        #[cfg(target_has_atomic = "64")]
        self.worker_busy.raise_to_duration(
            (0..metrics.num_workers()).map(|worker| metrics.worker_total_busy_duration(worker)).sum(),
        );
    }
}

async fn probe(lag: Histogram) {
    loop {
        let start = Instant::now();
        sleep(PROBE_INTERVAL).await;
        lag.observe_duration(start.elapsed().saturating_sub(PROBE_INTERVAL));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Format;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_comes_late_shows_in_the_lag() {
        let registry = Registry::new();
        RuntimeMetrics::register(&registry).unwrap().watch(&Handle::current());
        // The probe goes to sleep, oversleeps by 200 ms, and is run.
        tokio::task::yield_now().await;
        tokio::time::advance(PROBE_INTERVAL + Duration::from_millis(200)).await;
        tokio::task::yield_now().await;
        let scrape = registry.render(Format::Text);
        assert!(scrape.contains("tokio_event_loop_lag_seconds_bucket{le=\"0.1\"} 0\n"), "{scrape}");
        assert!(scrape.contains("tokio_event_loop_lag_seconds_bucket{le=\"0.25\"} 1\n"), "{scrape}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_probe_ends_with_the_registry() {
        let registry = Registry::new();
        let metrics = RuntimeMetrics::register(&registry).unwrap();
        assert!(metrics.watch_current());
        metrics.watch(&Handle::current());
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 1, "a runtime is probed once");
        drop(registry);
        tokio::task::yield_now().await;
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
        metrics.watch(&Handle::current());
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 0, "nothing is left to show");
    }

    #[test]
    fn a_scrape_shows_the_runtime_that_is_watched() {
        let registry = Registry::new();
        let metrics = RuntimeMetrics::register(&registry).unwrap();
        assert!(!metrics.watch_current(), "there is no runtime here");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_time().build().unwrap();
        metrics.watch(runtime.handle());
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        runtime.spawn(ended);
        let workers = runtime.handle().metrics();
        while (0..3).all(|worker| workers.worker_total_busy_duration(worker).is_zero()) {
            std::thread::yield_now();
        }
        let scrape = registry.render(Format::Text);
        drop(end);
        assert!(scrape.contains("tokio_workers 3\n"), "{scrape}");
        assert!(scrape.contains("tokio_alive_tasks 2\n"), "{scrape}");
        assert!(scrape.contains("tokio_global_queue_depth 0\n"), "{scrape}");
        assert!(!scrape.contains("tokio_worker_busy_seconds_total 0\n"), "{scrape}");
    }
}
