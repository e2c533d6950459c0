//! One series of the history: its labels and its chunks.

use std::collections::VecDeque;

use super::chunk::{Chunk, OpenChunk};
use crate::heap;
use crate::promql::engine::{Label, LabelSet, Series, is_stale};

/// A series that is held in memory.
#[derive(Debug)]
pub(super) struct HeldSeries {
    pub(super) labels: LabelSet,
    chunks: VecDeque<Chunk>,
    open: OpenChunk,
}

/// What a sample changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// It was added to the open chunk.
    Added,
    /// It was added, and the chunk is complete with it.
    Completed,
    /// It is there already.
    Same,
    /// Another sample of that time, or a later one, is there already.
    Late,
}

impl HeldSeries {
    pub(super) fn new(labels: LabelSet) -> Self {
        Self { labels, chunks: VecDeque::new(), open: OpenChunk::default() }
    }

    pub(super) fn push(&mut self, time: i64, value: f64) -> Written {
        match self.last_time() {
            Some(last) if time == last && self.last_value().map(f64::to_bits) == Some(value.to_bits()) => {
                return Written::Same;
            }
            Some(last) if time <= last => return Written::Late,
            _ => {}
        }
        self.open.push(time, value);
        if !self.open.is_full() {
            return Written::Added;
        }
        if self.chunks.len() == self.chunks.capacity() {
            self.chunks.reserve_exact(2);
        }
        self.chunks.push_back(self.open.take());
        Written::Completed
    }

    /// Returns the time of the newest sample.
    pub(super) fn last_time(&self) -> Option<i64> {
        self.open.ends().map(|(_, last)| last).or_else(|| self.chunks.back().map(|chunk| chunk.last))
    }

    /// Returns the time of the oldest sample.
    pub(super) fn first_time(&self) -> Option<i64> {
        self.chunks.front().map(|chunk| chunk.first).or_else(|| self.open.ends().map(|(first, _)| first))
    }

    /// Tells whether the newest sample says that the series has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.last_value().is_some_and(is_stale)
    }

    fn last_value(&self) -> Option<f64> {
        if self.open.is_empty() {
            return self.chunks.back().and_then(|chunk| chunk.samples().last()).map(|(_, value)| value);
        }
        Some(self.open.value())
    }

    /// Returns when the oldest complete chunk ends.
    pub(super) fn oldest_end(&self) -> Option<i64> {
        self.chunks.front().map(|chunk| chunk.last)
    }

    /// Forgets the oldest complete chunk, and says how many samples that were.
    pub(super) fn forget_oldest(&mut self) -> u64 {
        self.chunks.pop_front().map_or(0, |chunk| u64::from(chunk.count()))
    }

    /// Forgets what is in the open chunk, and says how many samples that were.
    pub(super) fn forget_open(&mut self) -> u64 {
        u64::from(std::mem::take(&mut self.open).count())
    }

    pub(super) fn samples(&self) -> u64 {
        self.chunks.iter().map(|chunk| u64::from(chunk.count())).sum::<u64>() + u64::from(self.open.count())
    }

    /// Returns the bytes behind the series, without the texts of its labels.
    pub(super) fn bytes(&self) -> usize {
        let labels = heap::allocation(size_of_val(self.labels.labels()) + 2 * size_of::<usize>());
        let places = heap::allocation(self.chunks.capacity() * size_of::<Chunk>());
        labels + places + self.chunks.iter().map(Chunk::bytes).sum::<usize>() + self.open.bytes()
    }

    /// Takes what may have samples after `start` and up to `end`, to be read without a lock; none where nothing has.
    pub(super) fn share(&self, start: i64, end: i64) -> Option<SharedSeries> {
        let overlaps = |first: i64, last: i64| last > start && first <= end;
        let mut chunks: Vec<_> =
            self.chunks.iter().filter(|chunk| overlaps(chunk.first, chunk.last)).cloned().collect();
        if self.open.ends().is_some_and(|(first, last)| overlaps(first, last)) {
            chunks.push(self.open.complete());
        }
        (!chunks.is_empty()).then(|| SharedSeries { labels: self.labels.clone(), chunks, start, end })
    }

    pub(super) fn label_texts(&self) -> &[Label] {
        self.labels.labels()
    }
}

/// What is read of a series, while the history goes on.
#[derive(Debug)]
pub(super) struct SharedSeries {
    pub(super) labels: LabelSet,
    chunks: Vec<Chunk>,
    start: i64,
    end: i64,
}

impl SharedSeries {
    /// Reads the points; none where there are none.
    pub(super) fn read(self) -> Option<Series> {
        let Self { start, end, .. } = self;
        let most = self.chunks.iter().map(|chunk| usize::from(chunk.count())).sum();
        let mut points = Vec::with_capacity(most);
        for chunk in &self.chunks {
            points.extend(chunk.samples().filter(|(time, _)| *time > start && *time <= end));
        }
        (!points.is_empty()).then_some(Series { labels: self.labels, points })
    }
}
