//! How often one may call: so many requests a second, and some at once.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many callers are told apart; further ones share one allowance.
const MOST_KEYS: usize = 10_000;

/// How often callers that are at rest are looked for, once the table is full.
const SWEEP: Duration = Duration::from_secs(1);

/// An allowance for each key: it is used up by so many calls at once, and comes back evenly.
///
/// A key is remembered as a number that nobody outside can compute, until its allowance is whole again.
#[derive(Debug)]
pub(super) struct Rate {
    /// How long one call takes to come back.
    interval: Duration,
    /// How far ahead of the even pace a key may be.
    ahead: Duration,
    hasher: RandomState,
    keys: Mutex<Keys>,
}

#[derive(Debug)]
struct Keys {
    /// When each key's allowance is whole again.
    whole_at: HashMap<u64, Instant>,
    swept_at: Option<Instant>,
}

/// The key that all share for whom there is no place.
const OTHERS: u64 = 0;

impl Rate {
    /// Allows `burst` calls at once, and one more every `interval`.
    pub(super) fn new(interval: Duration, burst: u32) -> Self {
        let ahead = interval.saturating_mul(burst.saturating_sub(1));
        let keys = Mutex::new(Keys { whole_at: HashMap::new(), swept_at: None });
        Self { interval, ahead, hasher: RandomState::new(), keys }
    }

    /// Takes one call of a key's allowance; where there is none, tells when to come again.
    pub(super) fn take(&self, key: &impl Hash, now: Instant) -> Result<(), Duration> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let key = keys.place(self.hasher.hash_one(key), now);
        let whole_at = keys.whole_at.get(&key).copied().unwrap_or(now).max(now);
        self.allowed(whole_at, now)?;
        keys.whole_at.insert(key, whole_at + self.interval);
        Ok(())
    }

    /// Tells whether a key has something left, without taking it.
    pub(super) fn has(&self, key: &impl Hash, now: Instant) -> Result<(), Duration> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let key = self.hasher.hash_one(key);
        keys.whole_at.get(&key).map_or(Ok(()), |whole_at| self.allowed(*whole_at, now))
    }

    fn allowed(&self, whole_at: Instant, now: Instant) -> Result<(), Duration> {
        let over = whole_at.saturating_duration_since(now).saturating_sub(self.ahead);
        if over.is_zero() { Ok(()) } else { Err(over) }
    }
}

impl Keys {
    /// Finds where a key's allowance is kept.
    fn place(&mut self, key: u64, now: Instant) -> u64 {
        if self.whole_at.contains_key(&key) || self.whole_at.len() < MOST_KEYS {
            return key;
        }
        if self.swept_at.is_none_or(|at| now.saturating_duration_since(at) >= SWEEP) {
            self.swept_at = Some(now);
            self.whole_at.retain(|_, whole_at| *whole_at > now);
        }
        if self.whole_at.len() < MOST_KEYS { key } else { OTHERS }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_is_allowed_and_then_one_at_a_time() {
        let rate = Rate::new(SECOND, 3);
        let now = Instant::now();
        assert!((0..3).all(|_| rate.take(&"ada", now).is_ok()));
        assert_eq!(rate.take(&"ada", now), Err(SECOND));
        assert_eq!(rate.has(&"ada", now), Err(SECOND));
        assert_eq!(rate.take(&"bob", now), Ok(()), "another has an allowance of their own");
        assert_eq!(rate.take(&"ada", now + SECOND), Ok(()));
        assert_eq!(rate.take(&"ada", now + SECOND), Err(SECOND));
        assert!((0..3).all(|_| rate.take(&"ada", now + 10 * SECOND).is_ok()), "rest makes it whole, and no more");
        assert!(rate.take(&"ada", now + 10 * SECOND).is_err());
    }

    #[test]
    fn any_number_of_keys_take_a_bounded_place() {
        let rate = Rate::new(SECOND, 1);
        let now = Instant::now();
        let allowed = (0..2 * MOST_KEYS).filter(|key| rate.take(key, now).is_ok()).count();
        assert_eq!(allowed, MOST_KEYS + 1, "those without a place share one allowance");
        assert!(rate.keys.lock().unwrap().whole_at.len() <= MOST_KEYS + 1);
        assert_eq!(rate.take(&"late", now + 2 * SECOND), Ok(()), "those at rest have made room");
        assert!(rate.keys.lock().unwrap().whole_at.len() <= 2);
    }
}
