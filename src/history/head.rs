//! The head: all series of the history, within its bounds.

use std::collections::{BTreeMap, VecDeque};
use std::hash::BuildHasher;
use std::sync::{Arc, RwLock};

use hashbrown::{DefaultHashBuilder, HashTable};

use super::held::{HeldSeries, SharedSeries, Written};
use super::names::{self, Names};
use super::options::HistoryOptions;
use crate::promql::engine::{LabelSet, METRIC_NAME, Matcher, SourceBounds, SourceError, stale};

/// What the head may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) series: usize,
    pub(super) bytes: usize,
    /// In milliseconds.
    pub(super) retention: i64,
}

/// A series of the head, for who writes to it again and again. Another one may have its place later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SeriesId {
    place: u32,
    generation: u32,
}

/// Why a sample was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no room for another series.
    Full,
    /// A sample of that time or a later one is there already.
    Late,
    /// The series has been forgotten.
    Gone,
}

/// How much is held, and what became of the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    /// Samples that are held.
    pub(super) samples: u64,
    /// Samples that gave way before their time, so that the bound in bytes holds.
    pub(super) gave_way: u64,
    /// Samples that were refused since there was no room for their series.
    pub(super) refused: u64,
    /// Samples that were refused since they were not later than what is there.
    pub(super) late: u64,
}

/// Series by their labels, each in chunks.
#[derive(Debug)]
pub(super) struct Head {
    bounds: Bounds,
    places: Vec<Place>,
    free: Vec<u32>,
    by_labels: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// The series of each name, in the order of their labels.
    by_name: BTreeMap<Arc<str>, Vec<u32>>,
    names: Names,
    /// Whose chunks are complete, in the order in which they were completed.
    complete: VecDeque<SeriesId>,
    /// Which series have ended, in that order; some may have begun again.
    ended: VecDeque<SeriesId>,
    bytes: usize,
    newest: i64,
    tally: Tally,
}

#[derive(Debug, Default)]
struct Place {
    generation: u32,
    series: Option<HeldSeries>,
}

/// What a series takes beside itself: its place, and those in both indexes.
const PLACE_BYTES: usize = size_of::<Place>() + 4 * size_of::<u32>();

impl Head {
    pub(super) fn shared(options: &HistoryOptions) -> Arc<RwLock<Self>> {
        let retention = i64::try_from(options.retention.as_millis()).unwrap_or(i64::MAX);
        let bounds = Bounds { series: options.max_series, bytes: options.max_bytes, retention };
        Arc::new(RwLock::new(Self::new(bounds)))
    }

    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            places: Vec::new(),
            free: Vec::new(),
            by_labels: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            by_name: BTreeMap::new(),
            names: Names::default(),
            complete: VecDeque::new(),
            ended: VecDeque::new(),
            bytes: 0,
            newest: i64::MIN,
            tally: Tally::default(),
        }
    }

    /// Finds the series with these labels, or makes it where there is room. Where all places are taken, the series that
    /// ended the longest ago gives way.
    pub(super) fn open(&mut self, labels: &LabelSet) -> Result<SeriesId, Refusal> {
        let hash = self.hasher.hash_one(labels);
        if let Some(place) = self.find(hash, labels) {
            return Ok(self.id(place));
        }
        let needs = most_bytes(labels);
        let is_full = |head: &Self| head.series() >= head.bounds.series || head.bytes() + needs > head.bounds.bytes;
        while is_full(self) && (self.series() < self.bounds.series && self.forget_oldest() || self.forget_ended()) {}
        if is_full(self) {
            return Err(Refusal::Full);
        }
        Ok(self.insert(hash, labels))
    }

    /// Counts a sample whose series has no room.
    pub(super) fn refuse(&mut self) {
        self.tally.refused += 1;
    }

    /// Adds a sample to a series.
    pub(super) fn append(&mut self, id: SeriesId, time: i64, value: f64) -> Result<(), Refusal> {
        let Some(series) = self.get_mut(id) else { return Err(Refusal::Gone) };
        let before = series.bytes();
        let written = series.push(time, value);
        let after = series.bytes();
        match written {
            Written::Late => {
                self.tally.late += 1;
                return Err(Refusal::Late);
            }
            Written::Completed => self.complete.push_back(id),
            Written::Same => return Ok(()),
            Written::Added => {}
        }
        self.tally.samples += 1;
        self.newest = self.newest.max(time);
        self.bytes = self.bytes + after - before;
        self.make_room();
        if self.bytes() > self.bounds.bytes {
            self.begin_anew(id, time, value);
        }
        Ok(())
    }

    /// Says that a series has ended, where it has not already.
    pub(super) fn end(&mut self, id: SeriesId, time: i64) {
        if self.get_mut(id).is_some_and(|series| !series.has_ended()) && self.append(id, time, stale()).is_ok() {
            self.ended.push_back(id);
            self.make_room();
        }
    }

    /// Forgets what is older than the retention, counted from the newest sample: chunks that end before it, and series of
    /// which nothing else is left.
    pub(super) fn forget_expired(&mut self) {
        let horizon = self.horizon();
        while let Some(id) = self.complete.front().copied() {
            let end = self.get_mut(id).and_then(|series| series.oldest_end());
            if end.is_some_and(|end| end >= horizon) {
                break;
            }
            self.pop_complete();
        }
        let is_expired = |place: &Place| {
            let last = place.series.as_ref().and_then(HeldSeries::last_time);
            last.is_some_and(|last| last < horizon)
        };
        let expired: Vec<usize> = (0..self.places.len()).filter(|at| is_expired(&self.places[*at])).collect();
        for place in &expired {
            self.remove(*place as u32);
        }
        if !expired.is_empty() {
            self.names.sweep();
        }
        let mut ended = std::mem::take(&mut self.ended);
        ended.retain(|id| self.get(*id).is_some_and(HeldSeries::has_ended));
        self.ended = ended;
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        for place in 0..self.places.len() {
            self.remove(place as u32);
        }
        self.names.sweep();
        (self.complete, self.ended, self.newest) = (VecDeque::new(), VecDeque::new(), i64::MIN);
    }

    /// Returns the oldest time that is shown.
    pub(super) fn horizon(&self) -> i64 {
        self.newest.saturating_sub(self.bounds.retention)
    }

    pub(super) fn series(&self) -> usize {
        self.places.len() - self.free.len()
    }

    pub(super) fn bytes(&self) -> usize {
        // Queues grow by doubling.
        let queues = 2 * (self.complete.len() + self.ended.len()) * size_of::<SeriesId>();
        self.bytes + self.names.bytes() + queues
    }

    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    pub(super) fn newest(&self) -> Option<i64> {
        (self.newest > i64::MIN).then_some(self.newest)
    }

    /// Returns when the oldest sample that is held was taken.
    pub(super) fn oldest(&self) -> Option<i64> {
        let first = self.places.iter().filter_map(|place| place.series.as_ref()?.first_time()).min();
        first.map(|first| first.max(self.horizon()))
    }

    /// Tells whether there is a series of this name.
    pub(super) fn has_name(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Takes the series that fit all matchers and have samples in the time, in the order of their labels, to be read
    /// without the lock.
    pub(super) fn select(
        &self,
        matchers: &[Matcher],
        (start, end): (i64, i64),
        bounds: &SourceBounds,
    ) -> Result<Vec<SharedSeries>, SourceError> {
        let start = start.max(self.horizon().saturating_sub(1));
        let name = matchers.iter().filter(|matcher| matcher.name() == METRIC_NAME).find_map(Matcher::equal);
        let of_name = name.and_then(|name| self.by_name.get(name)).map(Vec::as_slice);
        let places: Box<dyn Iterator<Item = &u32>> = match name {
            Some(_) => Box::new(of_name.unwrap_or_default().iter()),
            None => Box::new(self.by_name.values().flatten()),
        };
        let mut found = Vec::new();
        for (at, place) in places.enumerate() {
            if at % 256 == 255 && std::time::Instant::now() >= bounds.deadline {
                return Err(SourceError::Deadline);
            }
            let Some(series) = &self.places[*place as usize].series else { continue };
            if !Matcher::all_match(matchers, &series.labels) {
                continue;
            }
            found.extend(series.share(start, end));
            if found.len() > bounds.series {
                return Err(SourceError::TooManySeries { limit: bounds.series });
            }
        }
        Ok(found)
    }

    fn find(&self, hash: u64, labels: &LabelSet) -> Option<u32> {
        let same =
            |place: &u32| self.places[*place as usize].series.as_ref().is_some_and(|series| series.labels == *labels);
        self.by_labels.find(hash, same).copied()
    }

    fn insert(&mut self, hash: u64, labels: &LabelSet) -> SeriesId {
        let held = labels.labels().iter().map(|(name, value)| (self.names.hold(name), self.names.hold(value)));
        let labels = LabelSet::new(held.collect::<Vec<_>>());
        let series = HeldSeries::new(labels.clone());
        self.bytes += series.bytes() + PLACE_BYTES;
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place::default());
            (self.places.len() - 1) as u32
        });
        self.places[place as usize].series = Some(series);
        let Self { by_labels, places, hasher, .. } = self;
        by_labels.insert_unique(hash, place, |place| {
            places[*place as usize].series.as_ref().map_or(0, |series| hasher.hash_one(&series.labels))
        });
        let at = self.place_in_name(labels.get(METRIC_NAME), &labels);
        let name = self.names.hold(labels.get(METRIC_NAME));
        self.by_name.entry(name).or_default().insert(at, place);
        self.id(place)
    }

    /// Returns where labels stand among the series of their name, or would stand.
    fn place_in_name(&self, name: &str, labels: &LabelSet) -> usize {
        let before =
            |other: &u32| self.places[*other as usize].series.as_ref().is_some_and(|series| series.labels < *labels);
        self.by_name.get(name).map_or(0, |of_name| of_name.partition_point(before))
    }

    fn remove(&mut self, place: u32) {
        let Some(labels) = self.places[place as usize].series.as_ref().map(|series| series.labels.clone()) else {
            return;
        };
        let name = labels.get(METRIC_NAME);
        let at = self.place_in_name(name, &labels);
        if let Some(of_name) = self.by_name.get_mut(name) {
            of_name.remove(at);
            if of_name.is_empty() {
                self.by_name.remove(name);
            }
        }
        let hash = self.hasher.hash_one(&labels);
        if let Ok(entry) = self.by_labels.find_entry(hash, |other| *other == place) {
            entry.remove();
        }
        let Some(series) = self.places[place as usize].series.take() else { return };
        self.places[place as usize].generation += 1;
        self.bytes -= series.bytes() + PLACE_BYTES;
        self.tally.samples -= series.samples();
        self.free.push(place);
        self.names.release(series.label_texts());
    }

    /// Gives up what is oldest, for as long as there is more than may be and something to give up.
    fn make_room(&mut self) {
        while self.bytes() > self.bounds.bytes && (self.forget_oldest() || self.forget_ended()) {}
    }

    /// Forgets the chunk that was completed first of all; false where no chunk is complete.
    fn forget_oldest(&mut self) -> bool {
        while !self.complete.is_empty() {
            let samples = self.pop_complete();
            self.tally.gave_way += samples;
            if samples > 0 {
                return true;
            }
        }
        false
    }

    fn pop_complete(&mut self) -> u64 {
        let Some(id) = self.complete.pop_front() else { return 0 };
        let Some(series) = self.get_mut(id) else { return 0 };
        let before = series.bytes();
        let samples = series.forget_oldest();
        let after = series.bytes();
        self.bytes = self.bytes + after - before;
        self.tally.samples -= samples;
        samples
    }

    /// Forgets the series that ended the longest ago; false where none has.
    fn forget_ended(&mut self) -> bool {
        while let Some(id) = self.ended.pop_front() {
            if let Some(series) = self.get(id).filter(|series| series.has_ended()) {
                self.tally.gave_way += series.samples();
                self.remove(id.place);
                return true;
            }
        }
        false
    }

    /// Gives up what a series has in its open chunk, but for the newest sample: where nothing else is left to give way,
    /// each makes its own room.
    fn begin_anew(&mut self, id: SeriesId, time: i64, value: f64) {
        let Some(series) = self.get_mut(id) else { return };
        let before = series.bytes();
        let forgotten = series.forget_open();
        series.push(time, value);
        let after = series.bytes();
        self.bytes = self.bytes + after - before;
        self.tally.samples = self.tally.samples - forgotten + 1;
        self.tally.gave_way += forgotten.saturating_sub(1);
    }

    fn id(&self, place: u32) -> SeriesId {
        SeriesId { place, generation: self.places[place as usize].generation }
    }

    pub(super) fn get(&self, id: SeriesId) -> Option<&HeldSeries> {
        let place = self.places.get(id.place as usize).filter(|place| place.generation == id.generation)?;
        place.series.as_ref()
    }

    fn get_mut(&mut self, id: SeriesId) -> Option<&mut HeldSeries> {
        let place = self.places.get_mut(id.place as usize).filter(|place| place.generation == id.generation)?;
        place.series.as_mut()
    }
}

/// The most bytes that a new series takes: its labels, all of them new, its place, and a first few samples.
fn most_bytes(labels: &LabelSet) -> usize {
    let texts: usize = labels.iter().map(|(name, value)| names::most_bytes(name) + names::most_bytes(value)).sum();
    let set = crate::heap::allocation(size_of_val(labels.labels()) + 2 * size_of::<usize>());
    texts + set + PLACE_BYTES + crate::heap::allocation(32)
}
