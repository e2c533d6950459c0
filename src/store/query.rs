//! What is asked of a store, and the pages that it answers with.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::event::{Event, EventType, Fields, Level};
use crate::id::{Id, InvalidId};
use crate::sample::Sample;
use crate::timestamp::Timestamp;

/// The most things on a page.
pub const MAX_LIMIT: usize = 1000;
/// How many things are on a page unless the query says otherwise.
pub const DEFAULT_LIMIT: usize = 100;
/// The most things that a query may pass over; a cursor goes further at no cost.
pub const MAX_OFFSET: usize = 10_000;

/// Whose things a query may find. Every query has to say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everybody's, and those that the app made itself.
    All,
    /// Those that were made by one.
    CreatedBy(String),
}

impl Scope {
    /// Tells whether something that was made by `created_by` is in it.
    pub fn contains(&self, created_by: Option<&str>) -> bool {
        match self {
            Self::All => true,
            Self::CreatedBy(owner) => created_by == Some(owner),
        }
    }
}

/// From which end things come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Newest first: the exact reverse of oldest first.
    #[default]
    NewestFirst,
    /// Oldest first; equal times in order of arrival.
    OldestFirst,
}

/// The place where a page ended: the next one begins behind it.
///
/// It is the id of the last thing on the page, so it stays good whatever is stored or dropped meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(Id);

impl Cursor {
    /// Makes a cursor that stands on a thing.
    pub const fn at(id: Id) -> Self {
        Self(id)
    }

    /// Returns the id of the thing that it stands on.
    pub const fn id(self) -> Id {
        self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Cursor {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.parse().map(Self)
    }
}

/// One page of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The things, in the order that was asked for.
    pub items: Vec<T>,
    /// Where the next page begins; none when this was the last one.
    pub next: Option<Cursor>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { items: Vec::new(), next: None }
    }
}

/// The part of an answer that is wanted: where it begins, how much of it, from which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    pub(super) limit: usize,
    pub(super) offset: usize,
    pub(super) cursor: Option<Cursor>,
    pub(super) order: Order,
}

impl Default for Paging {
    fn default() -> Self {
        Self { limit: DEFAULT_LIMIT, offset: 0, cursor: None, order: Order::NewestFirst }
    }
}

impl Paging {
    /// Returns how many things a page holds at most, between 1 and [`MAX_LIMIT`].
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Returns how many things are passed over, at most [`MAX_OFFSET`].
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Returns the place behind which the page begins.
    pub const fn cursor(&self) -> Option<Cursor> {
        self.cursor
    }

    /// Returns from which end things come.
    pub const fn order(&self) -> Order {
        self.order
    }

    /// The same, for things of which the first have been passed over already.
    #[cfg(feature = "postgres")]
    pub(super) const fn beyond_offset(mut self) -> Self {
        self.offset = 0;
        self
    }

    /// Takes a page from things that are in order, behind the cursor, and one more than the page holds if there is.
    ///
    /// For stores that look at one thing after the other: give it all that the query matches behind the cursor.
    pub fn page<T>(&self, found: impl Iterator<Item = T>, id: impl Fn(&T) -> Id) -> Page<T> {
        let mut items: Vec<T> = found.skip(self.offset).take(self.limit + 1).collect();
        let more = items.len() > self.limit;
        items.truncate(self.limit);
        Page { next: items.last().filter(|_| more).map(|last| Cursor(id(last))), items }
    }
}

macro_rules! paging {
    () => {
        /// Sets how many things a page holds, between 1 and 1,000; what is out of range becomes the nearest that is in it.
        /// Default: 100.
        pub fn limit(mut self, limit: usize) -> Self {
            self.paging.limit = limit.clamp(1, MAX_LIMIT);
            self
        }

        /// Passes over the first things, 10,000 at most; behind a cursor, over the first ones behind it. Default: 0.
        pub fn offset(mut self, offset: usize) -> Self {
            self.paging.offset = offset.min(MAX_OFFSET);
            self
        }

        /// Begins behind the place where an earlier page ended. Default: at the beginning.
        pub fn after(mut self, cursor: Cursor) -> Self {
            self.paging.cursor = Some(cursor);
            self
        }

        /// Begins with the oldest. Default: with the newest.
        pub fn oldest_first(mut self) -> Self {
            self.paging.order = Order::OldestFirst;
            self
        }

        /// Returns the part of the answer that is wanted.
        pub const fn paging(&self) -> &Paging {
            &self.paging
        }
    };
}

pub(super) use paging;

/// Which events are wanted. Every condition that is set has to hold.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a query does nothing until a store is asked"]
#[non_exhaustive]
pub struct EventQuery {
    /// Whose events.
    pub scope: Scope,
    /// Of this type.
    pub event_type: Option<EventType>,
    /// From this source, letter by letter.
    pub source: Option<String>,
    /// Of exactly this level.
    pub level: Option<Level>,
    /// Of at least this level; events without a level have none.
    pub min_level: Option<Level>,
    /// At this time or later.
    pub start: Option<Timestamp>,
    /// At this time or earlier.
    pub end: Option<Timestamp>,
    /// With all these tags: a tag of that key whose value [is the same](same).
    pub tags: Fields,
    /// Of this trace.
    pub trace_id: Option<String>,
    paging: Paging,
}

impl EventQuery {
    /// Asks for the newest events in a scope.
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            event_type: None,
            source: None,
            level: None,
            min_level: None,
            start: None,
            end: None,
            tags: Fields::new(),
            trace_id: None,
            paging: Paging::default(),
        }
    }

    /// Asks for events of a type.
    pub fn event_type(mut self, event_type: EventType) -> Self {
        self.event_type = Some(event_type);
        self
    }

    /// Asks for events from a source.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Asks for events of exactly this level.
    pub fn level(mut self, level: Level) -> Self {
        self.level = Some(level);
        self
    }

    /// Asks for events of at least this level.
    pub fn at_least(mut self, level: Level) -> Self {
        self.min_level = Some(level);
        self
    }

    /// Asks for events at this time or later.
    pub fn start(mut self, time: impl Into<Timestamp>) -> Self {
        self.start = Some(time.into());
        self
    }

    /// Asks for events at this time or earlier.
    pub fn end(mut self, time: impl Into<Timestamp>) -> Self {
        self.end = Some(time.into());
        self
    }

    /// Asks for events with a tag.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.tags.insert(key, value);
        self
    }

    /// Asks for events of a trace.
    pub fn trace_id(mut self, trace: impl Into<String>) -> Self {
        self.trace_id = Some(trace.into());
        self
    }

    paging!();

    /// Tells whether an event is what the query asks for, its place apart.
    pub fn matches(&self, event: &Event) -> bool {
        self.event_type.is_none_or(|event_type| event_type == event.event_type())
            && self.level.is_none_or(|level| Some(level) == event.level())
            && self.min_level.is_none_or(|level| Some(level) <= event.level())
            && self.source.as_ref().is_none_or(|source| source == event.source())
            && self.matches_rest(event)
    }

    /// The conditions for which a store has to look into the event itself.
    pub(super) fn matches_rest(&self, event: &Event) -> bool {
        self.scope.contains(event.created_by())
            && self.trace_id.as_ref().is_none_or(|trace| Some(trace.as_str()) == event.trace_id())
            && self.tags.iter().all(|(key, value)| event.tags().get(key).is_some_and(|has| same(has, value)))
    }

    /// Returns the smallest and the largest id that the times and the cursor leave; none when nothing is left.
    pub fn id_bounds(&self) -> Option<(Id, Id)> {
        id_bounds(self.start, self.end, &self.paging)
    }
}

/// Which samples are wanted. Every condition that is set has to hold.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a query does nothing until a store is asked"]
#[non_exhaustive]
pub struct SampleQuery {
    /// Whose samples.
    pub scope: Scope,
    /// Of the metric of this name.
    pub name: Option<String>,
    /// With all these labels; a label that is empty is one that is not there.
    pub labels: BTreeMap<String, String>,
    /// At this time or later.
    pub start: Option<Timestamp>,
    /// At this time or earlier.
    pub end: Option<Timestamp>,
    paging: Paging,
}

impl SampleQuery {
    /// Asks for the newest samples in a scope.
    pub fn new(scope: Scope) -> Self {
        Self { scope, name: None, labels: BTreeMap::new(), start: None, end: None, paging: Paging::default() }
    }

    /// Asks for samples of a metric.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Asks for samples with a label.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// Asks for samples at this time or later.
    pub fn start(mut self, time: impl Into<Timestamp>) -> Self {
        self.start = Some(time.into());
        self
    }

    /// Asks for samples at this time or earlier.
    pub fn end(mut self, time: impl Into<Timestamp>) -> Self {
        self.end = Some(time.into());
        self
    }

    paging!();

    /// Tells whether a sample is what the query asks for, its place apart.
    pub fn matches(&self, sample: &Sample) -> bool {
        let label = |(name, value): (&String, &String)| sample.labels().get(name).map_or("", String::as_str) == value;
        self.scope.contains(sample.created_by())
            && self.name.as_ref().is_none_or(|name| name == sample.name())
            && self.labels.iter().all(label)
    }

    /// Returns the smallest and the largest id that the times and the cursor leave; none when nothing is left.
    pub fn id_bounds(&self) -> Option<(Id, Id)> {
        id_bounds(self.start, self.end, &self.paging)
    }
}

pub(super) fn id_bounds(start: Option<Timestamp>, end: Option<Timestamp>, paging: &Paging) -> Option<(Id, Id)> {
    // Nothing happened before 1970, and an id cannot say so.
    if end.is_some_and(|end| end < Timestamp::EPOCH) {
        return None;
    }
    let mut first = start.map_or(Id::MIN, Id::first_at);
    let mut last = end.map_or(Id::MAX, Id::last_at);
    if let Some(Cursor(id)) = paging.cursor {
        match paging.order {
            Order::NewestFirst => last = last.min(id.before()?),
            Order::OldestFirst => first = first.max(id.after()?),
        }
    }
    (first <= last).then_some((first, last))
}

/// Tells whether two values are the same to a query: numbers by their value, objects whatever the order of their keys.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            let floats = a.is_f64() && b.is_f64() && a.as_f64() == b.as_f64();
            a == b || floats || whole(a).is_some() && whole(a) == whole(b)
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// A number's value if that is whole, without loss; beyond 64 bits, there are floats alone.
fn whole(number: &Number) -> Option<i128> {
    let float = |float: f64| (float.fract() == 0.0 && float.abs() < 1e30).then_some(float as i128);
    number.as_i128().or_else(|| number.as_f64().and_then(float))
}
