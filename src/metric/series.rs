//! Series: what each is called and where its cells lie, and the table they are found in.

use std::collections::HashSet;

use hashbrown::HashTable;

use super::cell::CellIndex;
use super::label::Part;

/// The series of a family, found by their keys.
#[derive(Debug, Default)]
pub(super) struct Table {
    by_key: HashTable<u32>,
    pub(super) series: Vec<Series>,
    /// The values that each open label has.
    pub(super) values: Vec<HashSet<Box<str>>>,
    /// How many of the series count against the cap.
    pub(super) bounded: usize,
}

/// One series: its key, its cells, and its text.
#[derive(Debug)]
pub(crate) struct Series {
    pub(super) key: Box<[Key]>,
    pub(crate) spot: Spot,
    /// More runs of cells that belong to the series, when it lies in several blocks.
    pub(crate) more: Vec<CellIndex>,
    /// The line up to its value; of a histogram the bucket line up to the value of `le`.
    pub(crate) text: Box<str>,
    /// The labels in braces, or nothing; only for a histogram's `_sum` and `_count`.
    pub(crate) braces: Box<str>,
}

/// Where a series' cells and exemplar slots lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot {
    pub(crate) at: CellIndex,
    pub(crate) exemplars: Option<CellIndex>,
}

/// One label's value in a series' key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Closed(usize),
    Open(Box<str>),
}

impl Key {
    fn is(&self, part: &Part<'_>) -> bool {
        match (self, part) {
            (Self::Closed(a), Part::Closed(b)) => a == b,
            (Self::Open(a), Part::Open(b)) => **a == **b,
            _ => false,
        }
    }
}

impl Table {
    /// Makes the table of a family with so many labels.
    pub(super) fn new(labels: usize) -> Self {
        Self { values: vec![HashSet::new(); labels], ..Self::default() }
    }

    pub(super) fn find(&self, hash: u64, parts: &[Part<'_>]) -> Option<usize> {
        self.by_key.find(hash, |&index| self.series[index as usize].has(parts)).map(|&index| index as usize)
    }

    pub(super) fn insert(&mut self, hash: u64, series: Series, rehash: impl Fn(&Series) -> u64) {
        let index = self.series.len() as u32;
        self.series.push(series);
        let all = &self.series;
        self.by_key.insert_unique(hash, index, |&index| rehash(&all[index as usize]));
    }

    pub(super) fn count(&mut self, parts: &[Part<'_>]) {
        self.bounded += 1;
        for (part, known) in parts.iter().zip(&mut self.values) {
            if let Part::Open(text) = part {
                known.insert((*text).into());
            }
        }
    }
}

impl Series {
    fn has(&self, parts: &[Part<'_>]) -> bool {
        self.key.len() == parts.len() && self.key.iter().zip(parts).all(|(key, part)| key.is(part))
    }

    pub(super) fn parts(&self) -> Vec<Part<'_>> {
        let part = |key| match key {
            &Key::Closed(index) => Part::Closed(index),
            Key::Open(text) => Part::Open(text),
        };
        self.key.iter().map(part).collect()
    }
}

impl From<&Part<'_>> for Key {
    fn from(part: &Part<'_>) -> Self {
        match part {
            Part::Closed(index) => Self::Closed(*index),
            Part::Open(text) => Self::Open((*text).into()),
        }
    }
}
