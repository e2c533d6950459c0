//! How late a busy machine wakes a thread: no deadline can be kept better than that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// Watches the machine until it is dropped.
#[derive(Debug)]
pub struct Lateness {
    worst_ns: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Lateness {
    /// Begins to sleep for five milliseconds at a time, and to look how long that really takes.
    pub fn watch() -> Self {
        let lateness = Self { worst_ns: Arc::default(), over: Arc::default() };
        let (worst_ns, over) = (Arc::clone(&lateness.worst_ns), Arc::clone(&lateness.over));
        thread::spawn(move || {
            const NAP: Duration = Duration::from_millis(5);
            while !over.load(Relaxed) {
                let start = Instant::now();
                thread::sleep(NAP);
                let late = start.elapsed().saturating_sub(NAP);
                worst_ns.fetch_max(u64::try_from(late.as_nanos()).unwrap_or(u64::MAX), Relaxed);
            }
        });
        lateness
    }

    /// How much later than it asked for a thread was woken at worst, since the watch began.
    pub fn worst(&self) -> Duration {
        Duration::from_nanos(self.worst_ns.load(Relaxed))
    }

    /// The time by which something with this deadline has to be over: a tenth of a second after it, and later only by
    /// what the machine itself was late.
    pub fn end_of(&self, deadline: Duration) -> Duration {
        deadline + Duration::from_millis(100) + self.worst()
    }
}

impl Drop for Lateness {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
    }
}
