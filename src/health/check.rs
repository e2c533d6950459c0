//! A check: a probe with a name, a weight, a time limit.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::failure::Failure;
use super::probe::Probe;
use crate::sanitise::label_value;

/// How long a probe may take unless its check says otherwise.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How long a result is kept unless its check says otherwise.
const KEPT: Duration = Duration::from_secs(5);

/// What it means for the service when a check is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Importance {
    /// The service cannot do its work, and answers 503.
    Critical,
    /// The service works with less: it is degraded, and answers 200.
    Informational,
}

/// A named check of something that the service depends on.
///
/// ```
/// use std::time::Duration;
/// use watchkeeper::health::{Check, Redis};
///
/// let cache = Check::new("cache", Redis::from_url("redis://127.0.0.1:6379")?)
///     .informational()
///     .timeout(Duration::from_millis(500))
///     .keep(Duration::from_secs(10));
/// assert_eq!(cache.name(), "cache");
/// # Ok::<(), watchkeeper::health::InvalidUrl>(())
/// ```
#[derive(Clone)]
#[must_use = "a check does nothing until it is given to a watch"]
pub struct Check {
    pub(super) name: String,
    pub(super) importance: Importance,
    pub(super) timeout: Duration,
    pub(super) keep: Duration,
    pub(super) probe: Asked,
}

/// What a check runs.
#[derive(Clone)]
pub(super) enum Asked {
    /// On the runtime's workers.
    Async(Arc<dyn Probe>),
    /// On a thread of the runtime's blocking pool.
    Blocking(Arc<dyn Fn() -> Result<(), Failure> + Send + Sync>),
}

impl Check {
    /// Makes a critical check. The name is public: it stands in the health answer and in a label, so it is made fit
    /// for one ([`label_value`]).
    pub fn new(name: &str, probe: impl Probe) -> Self {
        Self::asking(name, Asked::Async(Arc::new(probe)))
    }

    /// Makes a critical check out of a function that blocks its thread, such as one of a synchronous client.
    ///
    /// It runs on a thread of tokio's blocking pool. One that is not done in time cannot be ended: the check is down until
    /// it returns, and no other is begun before, so a check has never more than one thread.
    ///
    /// ```
    /// use watchkeeper::health::Check;
    ///
    /// let disk = Check::blocking("disk", || std::fs::metadata("/var/lib/shop").map(drop));
    /// assert_eq!(disk.name(), "disk");
    /// ```
    pub fn blocking<E: Into<Failure>>(name: &str, probe: impl Fn() -> Result<(), E> + Send + Sync + 'static) -> Self {
        Self::asking(name, Asked::Blocking(Arc::new(move || probe().map_err(Into::into))))
    }

    fn asking(name: &str, probe: Asked) -> Self {
        let name = label_value(name).into_owned();
        Self { name, importance: Importance::Critical, timeout: TIMEOUT, keep: KEPT, probe }
    }

    /// Lets the service be degraded rather than unhealthy when this is down. Default: critical.
    pub fn informational(mut self) -> Self {
        self.importance = Importance::Informational;
        self
    }

    /// Sets how long the probe may take before it counts as down. Default: 2 s.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Sets how long a result is shown before the probe is asked again. Default: 5 s.
    pub fn keep(mut self, time: Duration) -> Self {
        self.keep = time;
        self
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("name", &self.name)
            .field("importance", &self.importance)
            .field("timeout", &self.timeout)
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}
