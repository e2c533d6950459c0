//! The sampler: puts what a scrape would show into the history, round by round.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use super::head::{Head, Refusal, SeriesId};
use super::target::Target;
use crate::metric::Registry;
use crate::metric::reading::{ForeignSample, OwnSample, Reader};
use crate::promql::engine::LabelSet;

/// How many samples are put in under one lock: queries come in between.
const AT_ONCE: usize = 500;

/// How many rounds a series without room waits before it is tried again.
const REST: u64 = 20;

/// Samples a registry into a head.
#[derive(Debug)]
pub(super) struct Sampler {
    registry: Registry,
    head: Arc<RwLock<Head>>,
    target: Target,
    entries: Entries,
    /// What the target itself is said to have, such as `up`.
    about: HashMap<&'static str, usize>,
}

/// What is known of each series that was read, so that its labels are put together once.
#[derive(Debug, Default)]
struct Entries {
    all: Vec<Entry>,
    /// By family, then by series and line.
    own: HashMap<usize, Vec<u32>>,
    /// By the line up to its value.
    foreign: HashMap<Box<str>, u32>,
    free: Vec<u32>,
    round: u64,
}

#[derive(Debug, Clone, Default)]
struct Entry {
    id: Option<SeriesId>,
    /// The round in which it was read last.
    seen: u64,
    /// The round from which on it is tried again, where it has no series.
    retry: u64,
    is_total: bool,
    /// Whether its collector says when a value was true. Such a series just stays behind, as it does in a scrape.
    has_own_time: bool,
}

/// A sample that was read.
#[derive(Debug)]
struct Taken {
    entry: u32,
    time: Option<i64>,
    value: f64,
    /// Where the series is not known yet.
    labels: Option<LabelSet>,
}

/// One sample of a round, as it goes into the store as well.
#[derive(Debug)]
pub(super) struct Sampled {
    pub(super) labels: LabelSet,
    pub(super) value: f64,
    pub(super) is_total: bool,
}

impl Sampler {
    pub(super) fn new(registry: Registry, head: Arc<RwLock<Head>>, target: Target) -> Self {
        Self { registry, head, target, entries: Entries::default(), about: HashMap::new() }
    }

    /// Samples everything at a time, in milliseconds since 1970. A collector of the app's that panics costs the round, as
    /// it costs a scrape. Returns what was sampled, where somebody wants it.
    pub(super) fn sample(&mut self, time: i64, wanted: bool) -> Vec<Sampled> {
        let begun = Instant::now();
        self.entries.round += 1;
        let mut taking = Taking { entries: &mut self.entries, target: &self.target, taken: Vec::new() };
        let registry = &self.registry;
        let is_whole = catch_unwind(AssertUnwindSafe(|| registry.read(&mut taking))).is_ok();
        let mut taken = std::mem::take(&mut taking.taken);
        if !is_whole {
            taken.clear();
        }
        let read = taken.len() as f64;
        for (name, value) in [
            ("up", f64::from(u8::from(is_whole))),
            ("scrape_duration_seconds", begun.elapsed().as_secs_f64()),
            ("scrape_samples_scraped", read),
        ] {
            taken.push(self.about(name, value));
        }
        let sampled = self.put(taken, time, wanted);
        self.end_what_vanished(time, is_whole);
        self.write(Head::forget_expired);
        sampled
    }

    /// Says that all series have ended.
    pub(super) fn end(&mut self, time: i64) {
        let ids: Vec<_> = self.entries.all.iter_mut().filter_map(|entry| entry.id.take()).collect();
        self.end_all(&ids, time);
    }

    fn put(&mut self, mut taken: Vec<Taken>, time: i64, wanted: bool) -> Vec<Sampled> {
        let mut sampled = Vec::new();
        for some in taken.chunks_mut(AT_ONCE) {
            let mut head = self.head.write().unwrap_or_else(PoisonError::into_inner);
            for sample in some {
                let entry = &mut self.entries.all[sample.entry as usize];
                if let Some(labels) = sample.labels.take() {
                    entry.id = head.open(&labels).ok();
                    entry.retry = self.entries.round + REST;
                }
                let Some(id) = entry.id else {
                    head.refuse();
                    continue;
                };
                if head.append(id, sample.time.unwrap_or(time), sample.value) == Err(Refusal::Gone) {
                    // It gave way; in the next round it comes back, if there is room.
                    (entry.id, entry.retry) = (None, 0);
                } else if wanted && let Some(series) = head.get(id) {
                    let (labels, value, is_total) = (series.labels.clone(), sample.value, entry.is_total);
                    sampled.push(Sampled { labels, value, is_total });
                }
            }
        }
        sampled
    }

    /// Ends the series that were not read in this round; of metrics of our own none ever vanishes, unless all do.
    fn end_what_vanished(&mut self, time: i64, is_whole: bool) {
        let Entries { all, foreign, free, round, .. } = &mut self.entries;
        let mut ended = Vec::new();
        foreign.retain(|_, entry| {
            let stays = all[*entry as usize].seen == *round;
            if !stays {
                let gone = std::mem::take(&mut all[*entry as usize]);
                ended.extend(gone.id.filter(|_| !gone.has_own_time));
                free.push(*entry);
            }
            stays
        });
        if !is_whole {
            let about: Vec<_> = self.about.values().copied().collect();
            let entries = all.iter().enumerate().filter(|(at, entry)| !about.contains(at) && !entry.has_own_time);
            ended.extend(entries.filter_map(|(_, entry)| entry.id));
        }
        self.end_all(&ended, time);
    }

    fn end_all(&self, ids: &[SeriesId], time: i64) {
        for some in ids.chunks(AT_ONCE) {
            self.write(|head| some.iter().for_each(|id| head.end(*id, time)));
        }
    }

    fn about(&mut self, name: &'static str, value: f64) -> Taken {
        let entries = &mut self.entries;
        let number = *self.about.entry(name).or_insert_with(|| entries.add(false) as usize);
        let labels = entries.labels_wanted(number as u32).then(|| self.target.label(name.to_owned(), Vec::new()));
        Taken { entry: number as u32, time: None, value, labels }
    }

    fn write<R>(&self, change: impl FnOnce(&mut Head) -> R) -> R {
        change(&mut self.head.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Entries {
    fn add(&mut self, is_total: bool) -> u32 {
        let entry = Entry { is_total, ..Entry::default() };
        if let Some(free) = self.free.pop() {
            self.all[free as usize] = entry;
            return free;
        }
        self.all.push(entry);
        (self.all.len() - 1) as u32
    }

    /// Notes that an entry was read, and tells whether its series has to be found or made.
    fn labels_wanted(&mut self, entry: u32) -> bool {
        let round = self.round;
        let entry = &mut self.all[entry as usize];
        entry.seen = round;
        entry.id.is_none() && entry.retry <= round
    }
}

/// Takes what is read, before anything is locked.
struct Taking<'a> {
    entries: &'a mut Entries,
    target: &'a Target,
    taken: Vec<Taken>,
}

impl Reader for Taking<'_> {
    fn own(&mut self, sample: OwnSample<'_>) {
        let at = sample.series_number * sample.lines() + sample.line;
        let known = self.entries.own.entry(sample.family()).or_default();
        let entry = match known.get(at) {
            Some(entry) => *entry,
            None => {
                // Series are only ever added to a family, and read in order.
                let entry = self.entries.all.len() as u32;
                known.push(entry);
                self.entries.all.push(Entry { is_total: sample.is_total(), ..Entry::default() });
                entry
            }
        };
        let labels = self.entries.labels_wanted(entry).then(|| self.target.label(sample.name(), sample.labels()));
        self.taken.push(Taken { entry, time: None, value: sample.value, labels });
    }

    fn foreign(&mut self, sample: ForeignSample<'_>) {
        let entry = match self.entries.foreign.get(sample.series) {
            Some(entry) => *entry,
            None => {
                let entry = self.entries.add(sample.is_total);
                self.entries.foreign.insert(sample.series.into(), entry);
                entry
            }
        };
        self.entries.all[entry as usize].has_own_time = sample.time.is_some();
        let labels = self.entries.labels_wanted(entry).then(|| sample.labels()).flatten();
        let labels = labels.map(|(name, own)| self.target.label(name, own));
        self.taken.push(Taken { entry, time: sample.time, value: sample.value, labels });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use prometheus::core::Collector;

    use super::super::head::Bounds;
    use super::super::held::SharedSeries;
    use super::*;
    use crate::metric::CounterDesc;
    use crate::promql::engine::{SourceBounds, is_stale};

    const SALES: CounterDesc = CounterDesc::new("sales_total", "Sales.");

    /// A collector that has a series, or none, or panics.
    #[derive(Clone, Default)]
    struct Changing(Arc<Mutex<Option<f64>>>);

    impl Collector for Changing {
        fn desc(&self) -> Vec<&prometheus::core::Desc> {
            Vec::new()
        }

        fn collect(&self) -> Vec<prometheus::proto::MetricFamily> {
            let Some(value) = *self.0.lock().unwrap_or_else(PoisonError::into_inner) else { return Vec::new() };
            assert!(value >= 0.0, "the app's collector fails");
            let gauge = prometheus::Gauge::new("theirs", "T.").unwrap();
            gauge.set(value);
            gauge.collect()
        }
    }

    #[test]
    fn a_series_that_vanishes_ends_and_a_round_that_fails_ends_all() {
        let registry = Registry::new();
        let sales = registry.counter(&SALES).unwrap();
        let theirs = Changing::default();
        registry.register_collector(Box::new(theirs.clone())).unwrap();
        let shared = Arc::new(RwLock::new(Head::new(Bounds { series: 100, bytes: 1 << 20, retention: 3_600_000 })));
        let target = Target { instance: "shop:3000".into(), job: "shop".into() };
        let mut sampler = Sampler::new(registry, Arc::clone(&shared), target);
        for (round, value) in [Some(1.0), None, Some(2.0), Some(-1.0), Some(3.0)].into_iter().enumerate() {
            *theirs.0.lock().unwrap_or_else(PoisonError::into_inner) = value;
            sales.inc(());
            sampler.sample(round as i64 * 15_000, false);
        }
        sampler.end(75_000);
        let bounds = SourceBounds::new(usize::MAX, usize::MAX, Instant::now() + Duration::from_secs(60));
        let found = shared.read().unwrap().select(&[], (i64::MIN, i64::MAX), &bounds).unwrap();
        let held: Vec<_> = found.into_iter().filter_map(SharedSeries::read).collect();
        let values = |name: &str| -> Vec<Option<f64>> {
            let mut of_name = held.iter().filter(|series| series.labels.get("__name__") == name);
            let series = of_name.next().unwrap_or_else(|| panic!("no {name}"));
            assert_eq!((series.labels.get("job"), series.labels.get("service")), ("shop", "shop"));
            assert_eq!((series.labels.get("instance"), of_name.count()), ("shop:3000", 0));
            series.points.iter().map(|(_, value)| (!is_stale(*value)).then_some(*value)).collect()
        };
        assert_eq!(values("theirs"), [Some(1.0), None, Some(2.0), None, Some(3.0), None]);
        assert_eq!(values("sales_total"), [Some(1.0), Some(2.0), Some(3.0), None, Some(5.0), None]);
        assert_eq!(values("up"), [Some(1.0), Some(1.0), Some(1.0), Some(0.0), Some(1.0), None]);
    }
}
