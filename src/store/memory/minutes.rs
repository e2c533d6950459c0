//! How many things were stored, by the minute.

use std::collections::BTreeMap;

use crate::event::{EventType, Level};
use crate::store::{Counts, EventCount};
use crate::timestamp::Timestamp;

/// The most minutes that are remembered, three days; the oldest are forgotten first.
const MAX_MINUTES: usize = 3 * 24 * 60;

/// How many levels there are, to have none among them.
const LEVELS: usize = Level::ALL.len() + 1;

/// The most kinds that are told apart.
const KINDS: usize = EventType::ALL.len() * LEVELS;

/// What is told apart of the things that are counted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kind(u8);

impl Kind {
    pub(super) fn of(event_type: EventType, level: Option<Level>) -> Self {
        Self((event_type as usize * LEVELS + level.map_or(0, |level| level as usize + 1)) as u8)
    }

    fn count(self, events: u64) -> Option<EventCount> {
        let (event_type, level) = (usize::from(self.0) / LEVELS, usize::from(self.0) % LEVELS);
        let level = level.checked_sub(1).and_then(|level| Level::ALL.get(level)).copied();
        EventType::ALL.get(event_type).map(|event_type| EventCount { event_type: *event_type, level, events })
    }
}

/// Counts what is stored.
#[derive(Debug, Default)]
pub(super) struct Minutes {
    total: u64,
    counts: BTreeMap<i64, BTreeMap<u8, u64>>,
    /// The minute that is counted in, and how many are not among the others yet.
    minute: i64,
    pending: [u64; KINDS],
    /// The last minute that was forgotten.
    forgotten: Option<i64>,
}

impl Minutes {
    pub(super) fn count(&mut self, time: Timestamp, Kind(kind): Kind) {
        let minute = minute(time);
        if minute != self.minute {
            self.settle();
            self.minute = minute;
        }
        self.total += 1;
        self.pending[usize::from(kind)] += 1;
    }

    fn settle(&mut self) {
        for (kind, pending) in (0..).zip(&mut self.pending).filter(|(_, pending)| **pending > 0) {
            let minute = self.counts.entry(self.minute).or_default();
            *minute.entry(kind).or_default() += std::mem::take(pending);
        }
        if self.counts.len() > MAX_MINUTES {
            self.forgotten = self.forgotten.max(self.counts.pop_first().map(|(minute, _)| minute));
        }
    }

    /// Counts what was stored of some minutes, by kind; `None` where some of them may be forgotten.
    pub(super) fn between(&self, from: Timestamp, to: Timestamp) -> Option<Vec<EventCount>> {
        let (from, to) = (minute(from), minute(to));
        if self.forgotten.is_some_and(|forgotten| forgotten >= from) {
            return None;
        }
        let mut kinds = [0; KINDS];
        if from <= to {
            for (kind, count) in self.counts.range(from..=to).flat_map(|(_, minute)| minute) {
                kinds[usize::from(*kind)] += count;
            }
        }
        if (from..=to).contains(&self.minute) {
            kinds.iter_mut().zip(&self.pending).for_each(|(count, pending)| *count += pending);
        }
        let counted = (0..).zip(kinds).filter(|(_, count)| *count > 0);
        Some(counted.filter_map(|(kind, count)| Kind(kind).count(count)).collect())
    }

    pub(super) fn counts(&self, now: Timestamp) -> Counts {
        let hour = minute(now) - 59..=minute(now);
        let pending = if hour.contains(&self.minute) { self.pending.iter().sum() } else { 0 };
        let before: u64 = self.counts.range(hour).flat_map(|(_, minute)| minute.values()).sum();
        Counts { total: self.total, last_hour: before + pending }
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
            minutes.count(now.minus(Duration::from_secs(age)), Kind::default());
        }
        minutes.count(now.plus(Duration::from_secs(60)), Kind::default());
        assert_eq!(minutes.counts(now), Counts { total: 5, last_hour: 2 });
        assert_eq!(minutes.counts(now.plus(Duration::from_secs(59))), Counts { total: 5, last_hour: 2 });
        assert_eq!(minutes.counts(now.minus(Duration::from_secs(60))), Counts { total: 5, last_hour: 3 });
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut minutes = Minutes::default();
        for minute in 0..10_000 {
            minutes.count(Timestamp::from_micros(minute * 60_000_000), Kind::default());
        }
        assert!(minutes.counts.len() <= MAX_MINUTES);
        assert_eq!(minutes.total, 10_000);
        let at = |minute: i64| Timestamp::from_micros(minute * 60_000_000);
        assert_eq!(minutes.between(at(0), at(9_999)), None);
        let one = EventCount { event_type: EventType::Log, level: None, events: 100 };
        assert_eq!(minutes.between(at(9_900), at(9_999)), Some(vec![one]));
    }
}
