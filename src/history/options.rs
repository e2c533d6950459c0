//! Choices about the history.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::promql::engine::Limits;

/// The shortest time between two rounds.
const SHORTEST: Duration = Duration::from_millis(50);
/// The longest time between two rounds: half of how far a query looks back, or every second value would be missing.
const LONGEST: Duration = Duration::from_secs(150);

/// Choices about the history; every one has a default.
///
/// ```
/// use std::time::Duration;
/// use watchkeeper::history::HistoryOptions;
///
/// let options = HistoryOptions::new().interval(Duration::from_secs(5)).instance("shop:3000").max_series(2_000);
/// ```
#[derive(Clone)]
#[must_use = "options do nothing until they are used"]
pub struct HistoryOptions {
    pub(super) interval: Duration,
    pub(super) retention: Duration,
    pub(super) max_series: usize,
    pub(super) max_bytes: usize,
    pub(super) instance: Option<String>,
    pub(super) job: Option<String>,
    pub(super) queries_at_once: usize,
    pub(super) queries_waiting: usize,
    pub(super) limits: Limits,
    pub(super) stores: Option<Stores>,
}

/// When a round goes into the store as well.
pub(super) type Stores = Arc<dyn Fn() -> bool + Send + Sync>;

impl HistoryOptions {
    /// Makes the options that are used without a choice.
    pub fn new() -> Self {
        Self::default()
    }

    /// Samples every metric so often, between 50 ms and 150 s; what is out of range becomes the nearest. Default: 15 s.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval.clamp(SHORTEST, LONGEST);
        self
    }

    /// Keeps samples in memory for so long. Default: two hours.
    ///
    /// Samples are forgotten 120 of a series at a time; what is older is not shown meanwhile.
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = retention;
        self
    }

    /// Holds at most so many series, at least 1. Default: 10,000.
    ///
    /// Where there are more, the one that ended the longest ago gives way; where none has ended, new ones are left out,
    /// and each of their samples is counted in `watchkeeper_dropped_total{sink="history"}`.
    pub fn max_series(mut self, series: usize) -> Self {
        self.max_series = series.max(1);
        self
    }

    /// Takes at most about so many bytes, at least 64 KiB. Default: 64 MiB.
    ///
    /// Where that is reached, the oldest samples give way before their time.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes.max(64 * 1024);
        self
    }

    /// Names this instance: the label `instance` of every series. Default: the machine's name.
    ///
    /// Where a Prometheus scrapes the service too, this is the address that it scrapes, such as `shop:3000`; then both have
    /// the same series.
    pub fn instance(mut self, instance: impl AsRef<str>) -> Self {
        self.instance = Some(crate::sanitise::label_value(instance.as_ref()).into_owned());
        self
    }

    /// Names the job: the labels `job` and `service` of every series. Default: the service's name.
    pub fn job(mut self, job: impl AsRef<str>) -> Self {
        self.job = Some(crate::sanitise::label_value(job.as_ref()).into_owned());
        self
    }

    /// Evaluates at most so many queries at the same time, each on a thread of the history's own; at least 1. Default: 2.
    pub fn queries_at_once(mut self, queries: usize) -> Self {
        self.queries_at_once = queries.clamp(1, 64);
        self
    }

    /// Lets at most so many queries wait for others; further ones are refused as busy. Default: 32.
    pub fn queries_waiting(mut self, queries: usize) -> Self {
        self.queries_waiting = queries;
        self
    }

    /// Sets what one query may use, and how much time it has, its waiting included. Default: those of [`Limits`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Puts every round into the store as samples too, so that it outlasts the process and other instances can be asked.
    /// Default: not.
    ///
    /// Each series carries `instance`, so several instances on one database do not mix.
    pub fn store_samples(self) -> Self {
        self.store_samples_while(|| true)
    }

    /// Puts a round into the store when `is_ours` says so, such as where this instance is the one that runs the tasks.
    pub fn store_samples_while(mut self, is_ours: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.stores = Some(Arc::new(is_ours));
        self
    }
}

impl Default for HistoryOptions {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(15),
            retention: Duration::from_secs(2 * 3600),
            max_series: 10_000,
            max_bytes: 64 << 20,
            instance: None,
            job: None,
            queries_at_once: 2,
            queries_waiting: 32,
            limits: Limits::default(),
            stores: None,
        }
    }
}

impl fmt::Debug for HistoryOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HistoryOptions")
            .field("interval", &self.interval)
            .field("retention", &self.retention)
            .field("max_series", &self.max_series)
            .field("max_bytes", &self.max_bytes)
            .field("stores", &self.stores.is_some())
            .finish_non_exhaustive()
    }
}
