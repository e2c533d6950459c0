//! The day: how busy it is at a moment, and what goes wrong then. The same numbers come in every run.

use std::f64::consts::TAU;
use std::time::{Duration, SystemTime};

/// A day that does not end.
#[derive(Debug, Default)]
pub(crate) struct Day {
    moments: u64,
}

/// One moment of it, and its share of chance.
#[derive(Debug)]
pub(crate) struct Moment {
    number: u64,
    seconds: u64,
    chance: u64,
}

impl Day {
    pub(crate) fn next_moment(&mut self) -> Moment {
        let number = self.moments;
        self.moments += 1;
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Moment { number, seconds: since_1970.as_secs(), chance: number }
    }
}

impl Moment {
    /// Whether it is the first: everything happens in it once, so that no series comes late.
    pub(crate) fn is_first(&self) -> bool {
        self.number == 0
    }

    /// How busy it is: 0.2 at four in the morning, 1.0 at four in the afternoon, UTC.
    pub(crate) fn busy(&self) -> f64 {
        let day = (self.seconds % 86_400) as f64 / 86_400.0;
        0.6 - 0.4 * (TAU * (day - 4.0 / 24.0)).cos()
    }

    /// Whether something is broken: the first two minutes of every quarter of an hour.
    pub(crate) fn in_trouble(&self) -> bool {
        self.seconds % 900 < 120
    }

    /// A share of failures, eight times as large while something is broken.
    pub(crate) fn failing(&self, share: f64) -> f64 {
        if self.in_trouble() { 8.0 * share } else { share }
    }

    /// Whether something happens that happens in such a share of moments.
    pub(crate) fn happens(&mut self, share: f64) -> bool {
        self.fraction() < share || self.is_first()
    }

    /// How many of something that comes so often in a busy moment.
    pub(crate) fn count(&mut self, in_a_busy_moment: f64) -> usize {
        let expected = in_a_busy_moment * self.busy();
        expected as usize + usize::from(self.happens(expected.fract()))
    }

    /// A time around the middle, with a long tail: one in twenty takes four times as long or more.
    pub(crate) fn time(&mut self, middle: Duration) -> Duration {
        middle.mul_f64(0.4 / (1.0 - 0.97 * self.fraction()).sqrt() + 0.4 * self.fraction())
    }

    pub(crate) fn number_below(&mut self, limit: usize) -> usize {
        (self.fraction() * limit as f64) as usize
    }

    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.number_below(all.len())]
    }

    /// A number from 0 to below 1: splitmix64, seeded with the moment's number.
    fn fraction(&mut self) -> f64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.chance;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as f64 / u64::MAX as f64 * 0.999_999
    }
}
