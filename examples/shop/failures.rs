//! Failures: the wrong passwords of the last minute, so that nobody can try on and on.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(60);
const ALLOWED: u32 = 5;
/// Under a flood of wrong passwords the oldest failures are forgotten before their minute is over.
const MOST: usize = 10_000;

/// The recent failures by e-mail, in bounded space whatever is sent.
///
/// An e-mail is kept as its hash: it has one length, and it is nobody's data.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    hasher: RandomState,
    in_order: VecDeque<(Instant, u64)>,
    by_email: HashMap<u64, u32>,
}

impl Failures {
    /// Tells whether this e-mail has had its wrong passwords for now.
    pub(crate) fn lock_out(&mut self, email: &str, now: Instant) -> bool {
        self.forget_old(now);
        self.by_email.get(&self.key(email)).is_some_and(|&failures| failures >= ALLOWED)
    }

    /// Remembers a wrong password.
    pub(crate) fn add(&mut self, email: &str, now: Instant) {
        if self.in_order.len() >= MOST {
            self.forget_oldest();
        }
        let key = self.key(email);
        self.in_order.push_back((now, key));
        *self.by_email.entry(key).or_default() += 1;
    }

    fn key(&self, email: &str) -> u64 {
        self.hasher.hash_one(email.trim().to_ascii_lowercase())
    }

    fn forget_old(&mut self, now: Instant) {
        while self.in_order.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) >= WINDOW) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((_, key)) = self.in_order.pop_front() else { return };
        if let Some(failures) = self.by_email.get_mut(&key) {
            *failures -= 1;
            if *failures == 0 {
                self.by_email.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVE: &str = "eve@example.org";

    #[test]
    fn five_wrong_passwords_lock_an_e_mail_until_a_minute_after_the_first() {
        let (mut failures, now) = (Failures::default(), Instant::now());
        for second in 0..5 {
            assert!(!failures.lock_out(EVE, now));
            failures.add(EVE, now + Duration::from_secs(second));
        }
        assert!(failures.lock_out(" EVE@example.org", now + Duration::from_secs(59)));
        assert!(!failures.lock_out("ada@example.org", now + Duration::from_secs(59)));
        assert!(!failures.lock_out(EVE, now + WINDOW));
    }

    #[test]
    fn a_flood_of_e_mails_takes_bounded_space_and_is_forgotten() {
        let (mut failures, now) = (Failures::default(), Instant::now());
        for number in 0..2 * MOST {
            failures.add(&format!("{number}@example.org"), now);
        }
        assert_eq!((failures.in_order.len(), failures.by_email.len()), (MOST, MOST));
        assert!(!failures.lock_out(EVE, now + WINDOW));
        assert!(failures.in_order.is_empty() && failures.by_email.is_empty());
    }
}
