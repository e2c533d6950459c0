//! The clock that requests are timed with: what this thread worked, so that other programs' turns do not count.

use std::time::{Duration, Instant};

/// How long `work` kept this thread busy.
///
/// Where the system has no such clock, how long it took.
pub fn busy<T>(work: impl FnOnce() -> T) -> Duration {
    let start = now();
    std::hint::black_box(work());
    now().saturating_sub(start)
}

/// What this process worked in all its threads, in user space and in the kernel.
///
/// The same as the two times in `/proc/PID/stat`, but not in steps of a hundredth of a second. None where the system has
/// no such clock.
#[cfg(unix)]
pub fn of_process() -> Option<Duration> {
    use rustix::time::{ClockId, clock_gettime};

    let time = clock_gettime(ClockId::ProcessCPUTime);
    Some(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
}

#[cfg(not(unix))]
pub fn of_process() -> Option<Duration> {
    None
}

/// A piece of work of one thread: when it was done, and how long it kept the thread busy.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    from: Instant,
    to: Instant,
    pub busy: Duration,
}

impl Stretch {
    /// Does `work`.
    pub fn of<T>(work: impl FnOnce() -> T) -> Self {
        let from = Instant::now();
        let busy = busy(work);
        Self { from, to: Instant::now(), busy }
    }

    /// Whether two threads really worked side by side: nothing else had their cores, for nine tenths of the time.
    pub fn side_by_side(self, other: Self) -> bool {
        let both = self.to.min(other.to).saturating_duration_since(self.from.max(other.from));
        let all = self.to.max(other.to).saturating_duration_since(self.from.min(other.from));
        [self.busy, other.busy, both].into_iter().all(|time| time.as_secs_f64() >= 0.9 * all.as_secs_f64())
    }
}

#[cfg(unix)]
fn now() -> Duration {
    use rustix::time::{ClockId, clock_gettime};

    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[cfg(not(unix))]
fn now() -> Duration {
    use std::sync::LazyLock;

    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}
