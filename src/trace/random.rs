//! Random numbers that make ids differ: quick, and no secret.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Numbers drawn one after the other, for all the ids that are made at one time.
///
/// They come from a counter of the thread's own and the time since 1970. The time keeps forked processes apart, which
/// share the counter. Nothing is allocated, and the system is not asked for random bytes.
#[derive(Debug)]
pub(crate) struct Draws {
    seed: u64,
    last: u64,
}

impl Draws {
    /// Begins to draw at this time since 1970.
    #[inline]
    pub(crate) fn at(now: Duration) -> Self {
        thread_local! {
            static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(()));
        }
        let step = |state: &Cell<u64>| {
            state.set(state.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
            state.get()
        };
        let seed = STATE.try_with(step).unwrap_or_else(|_| RandomState::new().hash_one(()));
        let nanos = now.as_secs().wrapping_mul(1_000_000_000).wrapping_add(u64::from(now.subsec_nanos()));
        Self { seed, last: nanos }
    }

    /// Draws the next number.
    #[inline]
    pub(crate) const fn next(&mut self) -> u64 {
        self.last = mix(self.last ^ self.seed);
        self.last
    }
}

/// Returns 128 bits at this time since 1970.
#[cfg(feature = "otlp")]
pub(crate) fn pair(now: Duration) -> (u64, u64) {
    let mut draws = Draws::at(now);
    (draws.next(), draws.next())
}

/// Spreads every bit of a number over all of them: the finisher of SplitMix64.
#[inline]
const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
