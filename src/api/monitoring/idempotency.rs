//! Idempotency keys: what is created again under the same key gets the same id, so that a store knows it.
//!
//! An id holds the thing's time, so that has to come back as well. It does where the thing says its time, or the key is a
//! UUID of version 7, whatever instance is asked and whether or not it was restarted; else the time is remembered here.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::error::{ApiError, Code};
use crate::id::Id;
use crate::sanitise::Invalid;
use crate::timestamp::Timestamp;

/// The header.
pub(super) const HEADER: &str = "idempotency-key";

/// The longest key, in bytes.
pub(super) const MAX_KEY_BYTES: usize = 128;

/// How many keys' times are remembered.
const MOST_REMEMBERED: usize = 10_000;

/// A key that a request carries, of one principal and one route.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    digest: [u8; 32],
    /// The time of what does not say its own.
    pub(super) time: Timestamp,
}

/// The times of keys that hold none.
#[derive(Debug, Default)]
pub(super) struct Remembered(Mutex<Times>);

#[derive(Debug, Default)]
struct Times {
    by_key: HashMap<[u8; 32], Timestamp>,
    oldest_first: VecDeque<[u8; 32]>,
}

/// Tells whether a text can be a key: visible ASCII characters.
pub(super) fn is_key(text: &str) -> bool {
    (1..=MAX_KEY_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Says what is wrong with a thing that was told; where it did not tell its time, that was the key's.
pub(super) fn unfit(invalid: Invalid, told_its_time: bool) -> ApiError {
    let is_of_key = invalid.field == "timestamp" && !told_its_time;
    let error = ApiError::from(invalid);
    if is_of_key { ApiError { code: Code::InvalidParameter, ..error }.field(HEADER) } else { error }
}

impl Key {
    /// Reads a key. Another principal's key of the same text, or that of another route, is another key.
    pub(super) fn read(
        text: &str,
        principal: &str,
        route: &str,
        remembered: &Remembered,
        now: Timestamp,
    ) -> Result<Self, ApiError> {
        if !is_key(text) {
            let message = format!("a key has 1 to {MAX_KEY_BYTES} visible ASCII characters");
            return Err(ApiError::new(Code::InvalidParameter, message).field(HEADER));
        }
        let mut hash = Sha256::new();
        for part in [principal, route, text] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let digest = hash.finalize().into();
        let time = match text.parse::<Id>() {
            Ok(id) => id.timestamp(),
            Err(_) => remembered.time(digest, now),
        };
        Ok(Self { digest, time })
    }

    /// Returns the id of the thing in this place of the request, at its time.
    pub(super) fn id(&self, place: usize, time: Timestamp) -> Id {
        let mut hash = Sha256::new();
        hash.update(self.digest);
        hash.update((place as u64).to_be_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        let mut tail = [0; 8];
        tail.copy_from_slice(&digest[..8]);
        Id::keyed(time, u64::from_be_bytes(tail))
    }
}

impl Remembered {
    fn time(&self, digest: [u8; 32], now: Timestamp) -> Timestamp {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(time) = times.by_key.get(&digest) {
            return *time;
        }
        if times.by_key.len() >= MOST_REMEMBERED
            && let Some(oldest) = times.oldest_first.pop_front()
        {
            times.by_key.remove(&oldest);
        }
        times.by_key.insert(digest, now);
        times.oldest_first.push_back(digest);
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_same_key_gives_the_same_id_and_any_other_another() {
        let remembered = Remembered::default();
        let (now, later) = (Timestamp::now(), Timestamp::now().plus(Duration::from_secs(60)));
        let id = |text: &str, who: &str, route: &str, place, now| {
            let key = Key::read(text, who, route, &remembered, now).unwrap();
            key.id(place, key.time)
        };
        let first = id("order-7", "ada", "events", 0, now);
        assert_eq!(id("order-7", "ada", "events", 0, later), first);
        assert_eq!(first.timestamp(), now);
        for other in [
            id("order-8", "ada", "events", 0, now),
            id("order-7", "bob", "events", 0, now),
            id("order-7", "ada", "metrics", 0, now),
            id("order-7", "ada", "events", 1, now),
        ] {
            assert_ne!(other, first);
        }
    }

    #[test]
    fn a_key_that_holds_a_time_needs_no_memory() {
        let now = Timestamp::now();
        let text = Id::at(now).to_string();
        let of = |later| Key::read(&text, "ada", "events", &Remembered::default(), later).unwrap();
        let (first, second) = (of(now), of(now.plus(Duration::from_secs(3600))));
        assert_eq!(first.id(3, first.time), second.id(3, second.time));
    }

    #[test]
    fn any_number_of_keys_take_a_bounded_place() {
        let remembered = Remembered::default();
        for key in 0..MOST_REMEMBERED + 10 {
            Key::read(&key.to_string(), "ada", "events", &remembered, Timestamp::now()).unwrap();
        }
        let times = remembered.0.lock().unwrap();
        assert_eq!((times.by_key.len(), times.oldest_first.len()), (MOST_REMEMBERED, MOST_REMEMBERED));
    }
}
