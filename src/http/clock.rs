//! The clock that requests are timed by.

/// A moment of the operating system's steady clock.
#[cfg(not(feature = "tsc"))]
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment(std::time::Instant);

/// A moment of the processor's counter; of the operating system's clock where that counter is not steady.
#[cfg(feature = "tsc")]
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment(quanta::Instant);

impl Moment {
    /// Reads the clock.
    #[cfg(not(feature = "tsc"))]
    #[inline]
    pub(super) fn now() -> Self {
        Self(std::time::Instant::now())
    }

    /// Reads the clock.
    #[cfg(feature = "tsc")]
    #[inline]
    pub(super) fn now() -> Self {
        Self(quanta::Instant::now())
    }

    /// Returns the nanoseconds since an earlier moment; zero when it is not earlier.
    #[inline]
    pub(super) fn nanoseconds_since(self, earlier: Self) -> u64 {
        // They fit for 584 years.
        self.0.saturating_duration_since(earlier.0).as_nanos() as u64
    }

    /// Makes the clock ready. Comparing the processor's counter with the system's clock takes up to 200 ms, which is
    /// nothing for a request to wait for.
    pub(super) fn prepare() {
        let _ = Self::now();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_clock_agrees_with_the_operating_system() {
        Moment::prepare();
        // Theirs begins first and ends last, so it holds ours however long the machine is busy in between.
        let (theirs, ours) = (std::time::Instant::now(), Moment::now());
        std::thread::sleep(Duration::from_millis(50));
        let ours = Moment::now().nanoseconds_since(ours);
        let theirs = theirs.elapsed().as_nanos() as u64;
        assert!((49_500_000..=theirs + theirs / 1_000).contains(&ours), "{ours} {theirs}");
    }

    #[test]
    fn a_moment_before_the_start_is_no_time() {
        let start = Moment::now();
        let later = Moment::now();
        assert_eq!(start.nanoseconds_since(later), 0);
    }
}
