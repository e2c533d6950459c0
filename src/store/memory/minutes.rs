//! How many things were stored, by the minute.

use std::collections::BTreeMap;

use crate::store::Counts;
use crate::timestamp::Timestamp;

/// The most minutes that are remembered, three days; the oldest are forgotten first.
const MAX_MINUTES: usize = 3 * 24 * 60;

/// Counts what is stored.
#[derive(Debug, Default)]
pub(super) struct Minutes {
    total: u64,
    counts: BTreeMap<i64, u64>,
    /// The minute that is counted in, and how many are not among the others yet.
    minute: i64,
    pending: u64,
}

impl Minutes {
    pub(super) fn count(&mut self, time: Timestamp) {
        let minute = minute(time);
        if minute != self.minute {
            self.settle();
            self.minute = minute;
        }
        self.total += 1;
        self.pending += 1;
    }

    fn settle(&mut self) {
        if self.pending > 0 {
            *self.counts.entry(self.minute).or_default() += std::mem::take(&mut self.pending);
            if self.counts.len() > MAX_MINUTES {
                self.counts.pop_first();
            }
        }
    }

    pub(super) fn counts(&self, now: Timestamp) -> Counts {
        let hour = minute(now) - 59..=minute(now);
        let pending = if hour.contains(&self.minute) { self.pending } else { 0 };
        Counts { total: self.total, last_hour: self.counts.range(hour).map(|(_, count)| count).sum::<u64>() + pending }
    }
}

fn minute(time: Timestamp) -> i64 {
    time.as_micros().div_euclid(60_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_last_hour_is_this_minute_and_the_59_before_it() {
        let now = Timestamp::from_micros(1_800_000_000_000_000);
        let mut minutes = Minutes::default();
        for age in [3600, 3599, 59, 0] {
            minutes.count(now.minus(Duration::from_secs(age)));
        }
        minutes.count(now.plus(Duration::from_secs(60)));
        assert_eq!(minutes.counts(now), Counts { total: 5, last_hour: 2 });
        assert_eq!(minutes.counts(now.plus(Duration::from_secs(59))), Counts { total: 5, last_hour: 2 });
        assert_eq!(minutes.counts(now.minus(Duration::from_secs(60))), Counts { total: 5, last_hour: 3 });
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut minutes = Minutes::default();
        for minute in 0..10_000 {
            minutes.count(Timestamp::from_micros(minute * 60_000_000));
        }
        assert!(minutes.counts.len() <= MAX_MINUTES);
        assert_eq!(minutes.total, 10_000);
    }
}
