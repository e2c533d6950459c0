//! A ring of things in the order of their ids, with what queries look at in columns beside it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::names::Names;
use crate::id::Id;
use crate::store::{Appended, Order, Page, Paging};

/// What a ring needs to know of a thing.
pub(super) trait Kept {
    fn id(&self) -> Id;
    /// What the thing is found by above all: an event's source, a sample's name.
    fn name(&self) -> &str;
    /// What kind it is, below 32; queries ask for a set of kinds.
    fn kind(&self) -> u8;
    fn bytes(&self) -> usize;
}

/// The things, oldest first. Scanning goes over the columns, and touches a thing only when they match.
#[derive(Debug)]
pub(super) struct Ring<T> {
    ids: VecDeque<Id>,
    kinds: VecDeque<u8>,
    names: VecDeque<u32>,
    sizes: VecDeque<u32>,
    items: VecDeque<Arc<T>>,
    interned: Names,
    bytes: usize,
    max_items: usize,
    max_bytes: usize,
}

/// What a thing takes in the columns; they grow by doubling, so half of them may be empty.
const BESIDE: usize = 2 * (size_of::<Id>() + size_of::<u8>() + 2 * size_of::<u32>() + size_of::<usize>());

/// What had to give way. Mostly it is one, which takes no memory here.
#[derive(Debug)]
pub(super) struct Evicted<T> {
    first: Option<Arc<T>>,
    more: Vec<Arc<T>>,
}

impl<T> Evicted<T> {
    pub(super) const fn new() -> Self {
        Self { first: None, more: Vec::new() }
    }

    fn push(&mut self, item: Arc<T>) {
        if self.first.is_none() {
            self.first = Some(item);
        } else {
            self.more.push(item);
        }
    }
}

impl<T: Kept> Ring<T> {
    pub(super) fn new(max_items: usize, max_bytes: usize) -> Self {
        Self {
            ids: VecDeque::new(),
            kinds: VecDeque::new(),
            names: VecDeque::new(),
            sizes: VecDeque::new(),
            items: VecDeque::new(),
            interned: Names::default(),
            bytes: 0,
            max_items,
            max_bytes,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Puts a thing where it belongs; what has to give way goes to `evicted`, to be dropped without the lock.
    pub(super) fn append(&mut self, item: &Arc<T>, evicted: &mut Evicted<T>) -> Appended {
        let id = item.id();
        // Most things are newer than all others.
        let place = match self.ids.back() {
            Some(last) if id <= *last => {
                let place = self.place(id);
                if self.ids.get(place) == Some(&id) {
                    return Appended::Duplicate;
                }
                Some(place)
            }
            _ => None,
        };
        let size = u32::try_from(item.bytes() + BESIDE).unwrap_or(u32::MAX);
        let name = self.interned.raise(item.name());
        match place {
            None => {
                self.ids.push_back(id);
                self.kinds.push_back(item.kind());
                self.names.push_back(name);
                self.sizes.push_back(size);
                self.items.push_back(Arc::clone(item));
            }
            Some(place) => {
                self.ids.insert(place, id);
                self.kinds.insert(place, item.kind());
                self.names.insert(place, name);
                self.sizes.insert(place, size);
                self.items.insert(place, Arc::clone(item));
            }
        }
        self.bytes += size as usize;
        while self.ids.len() > self.max_items || self.bytes > self.max_bytes {
            let Some(oldest) = self.drop_oldest() else { break };
            evicted.push(oldest);
        }
        Appended::Stored
    }

    fn drop_oldest(&mut self) -> Option<Arc<T>> {
        self.ids.pop_front()?;
        self.kinds.pop_front();
        if let Some(name) = self.names.pop_front() {
            self.interned.lower(name);
        }
        self.bytes -= self.sizes.pop_front().unwrap_or(0) as usize;
        self.items.pop_front()
    }

    /// Takes everything out that is older than `bound`.
    pub(super) fn drop_below(&mut self, bound: Id) -> Vec<Arc<T>> {
        let count = self.place(bound);
        (0..count).filter_map(|_| self.drop_oldest()).collect()
    }

    pub(super) fn get(&self, id: Id) -> Option<&Arc<T>> {
        self.ids.binary_search(&id).ok().and_then(|place| self.items.get(place))
    }

    /// Puts a changed thing in the place of the one with its id, whose name and kind it has.
    pub(super) fn replace(&mut self, item: Arc<T>) -> Option<Arc<T>> {
        let place = self.ids.binary_search(&item.id()).ok()?;
        let size = u32::try_from(item.bytes() + BESIDE).unwrap_or(u32::MAX);
        self.bytes = self.bytes - self.sizes[place] as usize + size as usize;
        self.sizes[place] = size;
        Some(std::mem::replace(&mut self.items[place], item))
    }

    /// Finds a page of things whose kind is in the set, that have the name, and that match.
    pub(super) fn select(
        &self,
        bounds: Option<(Id, Id)>,
        paging: &Paging,
        kinds: u32,
        name: Option<&str>,
        matches: impl Fn(&T) -> bool,
    ) -> Page<Arc<T>> {
        let Some((first, last)) = bounds else { return Page::default() };
        let name = match name.map(|name| self.interned.get(name)) {
            None => None,
            // Nothing here has that name.
            Some(None) => return Page::default(),
            Some(number) => number,
        };
        let range = self.place(first)..self.ids.partition_point(|id| *id <= last);
        let (mut offset, mut items, mut more) = (paging.offset(), Vec::new(), false);
        let take = |place: usize| {
            let item = &self.items[place];
            if !matches(item) {
                return true;
            }
            if offset > 0 {
                offset -= 1;
                return true;
            }
            more = items.len() == paging.limit();
            if !more {
                items.push(Arc::clone(item));
            }
            !more
        };
        self.scan(range, paging.order(), kinds, name, take);
        let next = items.last().filter(|_| more).map(|last| crate::store::Cursor::at(last.id()));
        Page { items, next }
    }

    /// Calls `take` with each place that the columns leave, until it answers false.
    fn scan(
        &self,
        range: std::ops::Range<usize>,
        order: Order,
        kinds: u32,
        name: Option<u32>,
        mut take: impl FnMut(usize) -> bool,
    ) {
        let start = range.start;
        let kind_is = |kind: u8| kinds >> kind & 1 == 1;
        // Iterating from within compiles to plain loops over the ring's two halves.
        let mut go = |place: usize| if take(place) { Ok(()) } else { Err(()) };
        let _stopped = match (name, order, kinds == u32::MAX) {
            (None, Order::OldestFirst, true) => range.into_iter().try_for_each(go),
            (None, Order::NewestFirst, true) => range.into_iter().rev().try_for_each(go),
            (None, Order::OldestFirst, false) => self
                .kinds
                .range(range)
                .enumerate()
                .try_for_each(|(at, kind)| if kind_is(*kind) { go(start + at) } else { Ok(()) }),
            (None, Order::NewestFirst, false) => self
                .kinds
                .range(range)
                .enumerate()
                .rev()
                .try_for_each(|(at, kind)| if kind_is(*kind) { go(start + at) } else { Ok(()) }),
            (Some(name), order, _) => {
                let mut go = |at: usize| if kind_is(self.kinds[start + at]) { go(start + at) } else { Ok(()) };
                let names = self.names.range(range).enumerate();
                let mut go = |(at, has): (usize, &u32)| if *has == name { go(at) } else { Ok(()) };
                match order {
                    Order::OldestFirst => names.into_iter().try_for_each(&mut go),
                    Order::NewestFirst => names.rev().try_for_each(&mut go),
                }
            }
        };
    }

    /// The place of the first thing that is not older than `bound`.
    fn place(&self, bound: Id) -> usize {
        // Bounds are mostly near the newest, and so are late arrivals.
        let len = self.ids.len();
        let mut step = 1;
        while step < len && self.ids[len - step] >= bound {
            step *= 2;
        }
        let from = len.saturating_sub(step);
        if from == 0 || step == 1 {
            return self.ids.partition_point(|id| *id < bound);
        }
        let (mut low, mut high) = (from, len - step / 2);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.ids[middle] < bound { low = middle + 1 } else { high = middle }
        }
        low
    }
}
