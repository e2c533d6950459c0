//! Random numbers that make ids differ: quick, and no secret.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Returns 128 bits, from a counter of the thread's own and the time since 1970. The time keeps forked processes
/// apart, which share the counter. Nothing is allocated, and the system is not asked for random bytes.
pub(crate) fn pair(now: Duration) -> (u64, u64) {
    thread_local! {
        static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(()));
    }
    let step = |state: &Cell<u64>| {
        state.set(state.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        state.get()
    };
    let seed = STATE.try_with(step).unwrap_or_else(|_| RandomState::new().hash_one(()));
    let nanos = now.as_secs().wrapping_mul(1_000_000_000).wrapping_add(u64::from(now.subsec_nanos()));
    let first = mix(seed ^ nanos);
    (first, mix(first ^ seed))
}

/// Spreads every bit of a number over all of them: the finisher of SplitMix64.
const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
