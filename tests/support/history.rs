//! Random histories of a store of events: what is told, what is asked.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use serde_json::json;
use watchkeeper::Timestamp;
use watchkeeper::event::{Event, EventType, Level, TimeWindow};
use watchkeeper::store::{Cursor, EventQuery, Scope};

/// Few values each, so that conditions meet.
pub const SOURCES: &[&str] = &["checkout", "checkout ", "Checkout", "login", ""];
pub const OWNERS: &[&str] = &["ann", "bob"];

pub fn time(micros: u32) -> Timestamp {
    Timestamp::from_micros(1_795_528_920_000_000 + i64::from(micros))
}

#[derive(Debug, Clone)]
pub struct Told {
    pub event_type: usize,
    pub level: Option<usize>,
    pub source: usize,
    pub owner: Option<usize>,
    pub tag: Option<u8>,
    pub at: u32,
}

#[derive(Debug, Clone)]
pub struct Asked {
    pub event_type: Option<usize>,
    pub level: Option<usize>,
    pub least: Option<usize>,
    pub source: Option<usize>,
    pub owner: Option<usize>,
    pub tag: Option<u8>,
    pub start: Option<u32>,
    pub end: Option<u32>,
    pub limit: usize,
    pub offset: usize,
    /// The place of an event that was told, on which a cursor stands.
    pub cursor: Option<prop::sample::Index>,
    pub oldest_first: bool,
}

#[derive(Debug, Clone)]
pub enum Step {
    Append(Vec<Told>),
    /// An event that was told before.
    Again(prop::sample::Index),
    Ask(Asked),
    DropBefore(u32),
}

pub fn told() -> impl Strategy<Value = Told> {
    let event = (0..4_usize, of(0..6_usize), 0..SOURCES.len() - 1, of(0..2_usize), of(0..3_u8), 0..50_u32);
    event.prop_map(|(event_type, level, source, owner, tag, at)| Told { event_type, level, source, owner, tag, at })
}

pub fn asked() -> impl Strategy<Value = Asked> {
    let conditions =
        (of(0..4_usize), of(0..6_usize), of(0..6_usize), of(0..SOURCES.len()), of(0..2_usize), of(0..4_u8));
    let place = (of(0..60_u32), of(0..60_u32), 1..8_usize, 0..4_usize, of(any::<prop::sample::Index>()), any::<bool>());
    // Each condition is rare, or nothing would ever match.
    let rare = any::<[bool; 6]>();
    (conditions, place, rare).prop_map(|((event_type, level, least, source, owner, tag), place, rare)| {
        let (start, end, limit, offset, cursor, oldest_first) = place;
        Asked {
            event_type: event_type.filter(|_| rare[0]),
            level: level.filter(|_| rare[1] && rare[2]),
            least: least.filter(|_| rare[2]),
            source: source.filter(|_| rare[3]),
            owner: owner.filter(|_| rare[4]),
            tag: tag.filter(|_| rare[5]),
            start,
            end,
            limit,
            offset: if rare[0] { offset } else { 0 },
            cursor,
            oldest_first,
        }
    })
}

pub fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => vec(told(), 0..8).prop_map(Step::Append),
        1 => any::<prop::sample::Index>().prop_map(Step::Again),
        5 => asked().prop_map(Step::Ask),
        1 => (0..50_u32).prop_map(Step::DropBefore),
    ]
}

pub fn event(told: &Told) -> Arc<Event> {
    let mut draft = Event::of_type(EventType::ALL[told.event_type], SOURCES[told.source]).at(time(told.at));
    if let Some(level) = told.level {
        draft = draft.level(Level::ALL[level]);
    }
    if let Some(owner) = told.owner {
        draft = draft.created_by(OWNERS[owner]);
    }
    if let Some(tag) = told.tag {
        // A number that is written in two ways.
        draft = draft.tag("n", if told.at.is_multiple_of(2) { json!(tag) } else { json!(f64::from(tag)) });
    }
    Arc::new(draft.check(TimeWindow::default(), time(60)).expect("nothing needs repair"))
}

pub fn query(asked: &Asked, all: &[Arc<Event>]) -> EventQuery {
    let scope = asked.owner.map_or(Scope::All, |owner| Scope::CreatedBy(OWNERS[owner].into()));
    let mut query = EventQuery::new(scope).limit(asked.limit).offset(asked.offset);
    query.event_type = asked.event_type.map(|event_type| EventType::ALL[event_type]);
    query.level = asked.level.map(|level| Level::ALL[level]);
    query.min_level = asked.least.map(|level| Level::ALL[level]);
    query.source = asked.source.map(|source| SOURCES[source].into());
    query.start = asked.start.map(time);
    query.end = asked.end.map(time);
    if let Some(tag) = asked.tag {
        query = query.tag("n", tag);
    }
    if asked.oldest_first {
        query = query.oldest_first();
    }
    match &asked.cursor {
        Some(cursor) if !all.is_empty() => query.after(Cursor::at(cursor.get(all).id())),
        _ => query,
    }
}
