//! A family: one metric with its series, bounded in number.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use hashbrown::DefaultHashBuilder;

use super::bucket;
use super::cell::{CellIndex, Cells};
use super::descriptor::Kind;
use super::exemplar;
use super::label::Part;
use super::loss::Losses;
use super::series::{Key, Series, Spot, Table};
use super::shape::Shape;
use super::text;
use crate::sanitise;

/// The value that stands for every value of an open label over its cap.
pub const OVERFLOW: &str = "overflow";

/// How many values and series a metric may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) values: usize,
    pub(crate) series: usize,
}

/// One metric of a registry: its shape, its series, and their cells.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) shape: Shape,
    pub(crate) cells: Arc<Cells>,
    /// A histogram's bounds in ticks, ascending.
    pub(crate) bounds: Box<[u64]>,
    /// The end of each bucket's line up to its value, `le` and all.
    pub(crate) bucket_ends: Box<[Box<str>]>,
    pub(crate) limits: Limits,
    /// How many cells one series takes: a histogram has one per bucket, one above all bounds, and its sum.
    pub(crate) width: usize,
    closed: Box<[Spot]>,
    table: RwLock<Table>,
    hasher: DefaultHashBuilder,
    pub(super) losses: Losses,
    warned: AtomicBool,
}

impl Family {
    /// Makes the family, with every series of a closed label set; `None` when the registry's cells are used up.
    pub(crate) fn new(shape: Shape, cells: Arc<Cells>, limits: Limits, losses: Losses) -> Option<Self> {
        let bounds = shape.buckets.iter().map(|bound| bucket::ticks(*bound, shape.unit.ticks())).collect();
        let bucket_ends = text::bucket_ends(&shape.buckets);
        let width = if shape.kind == Kind::Histogram { shape.buckets.len() + 2 } else { 1 };
        let table = Table::new(shape.labels.len());
        let mut family = Self {
            shape,
            cells,
            bounds,
            bucket_ends,
            limits,
            width,
            closed: Box::default(),
            table: RwLock::new(table),
            hasher: DefaultHashBuilder::default(),
            losses,
            warned: AtomicBool::new(false),
        };
        if let Some(total) = family.closed_series() {
            let mut closed = Vec::with_capacity(total);
            for index in 0..total {
                closed.push(family.create(&family.closed_parts(index), None, false)?);
            }
            family.closed = closed.into();
        }
        Some(family)
    }

    /// Returns the cells of a series, made when it is new and there is room, else those of the overflow.
    pub(crate) fn locate(&self, parts: &[Part<'_>]) -> Option<Spot> {
        if !self.closed.is_empty() {
            return self.closed.get(self.closed_index(parts)?).copied();
        }
        self.find(parts).or_else(|| self.admit(parts))
    }

    /// Adds a series over cells that the caller laid out, outside every cap; its cells join those it already has.
    pub(crate) fn place(&self, parts: &[Part<'_>], at: CellIndex) -> Option<Spot> {
        self.create(parts, Some(at), false)
    }

    /// Reads every series under the family's lock.
    pub(crate) fn read<R>(&self, read: impl FnOnce(&[Series]) -> R) -> R {
        read(&self.table.read().unwrap_or_else(PoisonError::into_inner).series)
    }

    /// Returns the text of a series' label values, in order.
    pub(crate) fn values<'a>(&'a self, series: &'a Series) -> impl Iterator<Item = &'a str> {
        series.key.iter().zip(&self.shape.labels).map(|(key, label)| match key {
            Key::Open(text) => text,
            Key::Closed(index) => label.values.and_then(|values| values.get(*index)).copied().unwrap_or(""),
        })
    }

    fn find(&self, parts: &[Part<'_>]) -> Option<Spot> {
        let hash = self.hash(parts);
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.find(hash, parts).map(|index| table.series[index].spot)
    }

    /// Makes room for a new series, or sends it to the overflow.
    fn admit(&self, parts: &[Part<'_>]) -> Option<Spot> {
        let clean: Vec<_> = parts.iter().map(clean).collect();
        let mut parts: Vec<_> = clean.iter().map(CleanPart::part).collect();
        if let Some(spot) = self.find(&parts) {
            return Some(spot);
        }
        // In a flood of new values this read lock is all that each of them takes.
        if self.divert(&self.table.read().unwrap_or_else(PoisonError::into_inner), &mut parts) {
            self.count_overflow();
            return self.find(&parts).or_else(|| self.create(&parts, None, false));
        }
        if let Some(spot) = self.create(&parts, None, true) {
            self.create_siblings(&parts);
            return Some(spot);
        }
        // Another thread took the last place in between.
        for (part, label) in parts.iter_mut().zip(&self.shape.labels) {
            if let Part::Open(text) = part
                && label.capped
            {
                *text = OVERFLOW;
            }
        }
        self.count_overflow();
        self.create(&parts, None, false)
    }

    /// Exports the other values of a small closed label from zero as soon as one of them is seen.
    fn create_siblings(&self, parts: &[Part<'_>]) {
        if self.shape.on_demand || self.closed_combinations() * self.limits.values > self.limits.series {
            return;
        }
        for (position, label) in self.shape.labels.iter().enumerate() {
            for index in 0..label.values.map_or(0, <[_]>::len) {
                let mut sibling = parts.to_vec();
                sibling[position] = Part::Closed(index);
                self.create(&sibling, None, true);
            }
        }
    }

    fn create(&self, parts: &[Part<'_>], at: Option<CellIndex>, bounded: bool) -> Option<Spot> {
        let hash = self.hash(parts);
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = table.find(hash, parts) {
            let series = &mut table.series[index];
            series.more.extend(at);
            return Some(series.spot);
        }
        if bounded && self.divert(&table, &mut parts.to_vec()) {
            return None;
        }
        let at = match at {
            Some(at) => at,
            None => self.cells.reserve(self.width)?,
        };
        let slots = self.shape.exemplars.then_some((self.bounds.len() + 1) * exemplar::SLOT);
        let spot = Spot { at, exemplars: slots.and_then(|slots| self.cells.reserve(slots)) };
        let (text, braces) = text::series(&self.shape, parts);
        let series = Series { key: parts.iter().map(Key::from).collect(), spot, more: Vec::new(), text, braces };
        table.insert(hash, series, |series| self.hash(&series.parts()));
        if bounded {
            table.count(parts);
        }
        Some(spot)
    }

    /// Puts the overflow in the place of open values for which there is no room, and says whether it did.
    fn divert(&self, table: &Table, parts: &mut [Part<'_>]) -> bool {
        let full = table.bounded >= self.limits.series;
        let mut diverted = false;
        for ((part, known), label) in parts.iter_mut().zip(&table.values).zip(&self.shape.labels) {
            if let Part::Open(text) = part
                && label.capped
                && (full || (known.len() >= self.limits.values && !known.contains(*text)))
            {
                *text = OVERFLOW;
                diverted = true;
            }
        }
        diverted
    }

    /// Counts one value that found no room, and says so once in the log.
    pub(crate) fn count_overflow(&self) {
        if let Some(at) = self.losses.overflow {
            self.cells.add(at, 1);
        }
        if !self.warned.swap(true, Relaxed) {
            tracing::warn!(
                metric = self.shape.name,
                max_values = self.limits.values,
                max_series = self.limits.series,
                "a label has more values than the metric may have; new ones are counted under `overflow`"
            );
        }
    }

    fn hash(&self, parts: &[Part<'_>]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        for part in parts {
            match part {
                Part::Closed(index) => index.hash(&mut hasher),
                Part::Open(text) => text.hash(&mut hasher),
            }
        }
        hasher.finish()
    }

    /// How many series the closed labels alone would make.
    fn closed_combinations(&self) -> usize {
        self.shape.labels.iter().filter_map(|label| label.values).map(<[_]>::len).product()
    }

    /// How many series there are from the start: all of them when every label is closed.
    fn closed_series(&self) -> Option<usize> {
        let closed = !self.shape.on_demand && self.shape.labels.iter().all(|label| label.values.is_some());
        closed.then(|| self.closed_combinations())
    }

    fn closed_index(&self, parts: &[Part<'_>]) -> Option<usize> {
        parts.iter().zip(&self.shape.labels).try_fold(0, |sum, (part, label)| match part {
            Part::Closed(index) => Some(sum * label.values?.len() + index),
            Part::Open(_) => None,
        })
    }

    fn closed_parts(&self, mut index: usize) -> Vec<Part<'static>> {
        let mut parts: Vec<_> = (self.shape.labels.iter().rev())
            .map(|label| {
                let count = label.values.map_or(1, <[_]>::len).max(1);
                let part = Part::Closed(index % count);
                index /= count;
                part
            })
            .collect();
        parts.reverse();
        parts
    }
}

/// A part whose open text is fit to be exported.
enum CleanPart<'a> {
    Closed(usize),
    Open(Cow<'a, str>),
}

impl CleanPart<'_> {
    fn part(&self) -> Part<'_> {
        match self {
            Self::Closed(index) => Part::Closed(*index),
            Self::Open(text) => Part::Open(text),
        }
    }
}

fn clean<'a>(part: &Part<'a>) -> CleanPart<'a> {
    match part {
        Part::Closed(index) => CleanPart::Closed(*index),
        Part::Open(text) => CleanPart::Open(sanitise::label_value(text)),
    }
}
