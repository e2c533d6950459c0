//! The store in memory beside a list that is searched from end to end: random histories, the same answers.

use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use serde_json::json;
use watchkeeper::event::{Event, EventType, Level, TimeWindow};
use watchkeeper::store::{Appended, Cursor, EventQuery, EventStore, Memory, MemoryLimits, Scope};
use watchkeeper::testing::laws::run;
use watchkeeper::{Id, Timestamp};

/// Few values each, so that conditions meet.
const SOURCES: &[&str] = &["checkout", "checkout ", "Checkout", "login", ""];
const OWNERS: &[&str] = &["ann", "bob"];

fn time(micros: u32) -> Timestamp {
    Timestamp::from_micros(1_795_528_920_000_000 + i64::from(micros))
}

#[derive(Debug, Clone)]
struct Told {
    event_type: usize,
    level: Option<usize>,
    source: usize,
    owner: Option<usize>,
    tag: Option<u8>,
    at: u32,
}

#[derive(Debug, Clone)]
struct Asked {
    event_type: Option<usize>,
    level: Option<usize>,
    least: Option<usize>,
    source: Option<usize>,
    owner: Option<usize>,
    tag: Option<u8>,
    start: Option<u32>,
    end: Option<u32>,
    limit: usize,
    offset: usize,
    /// The place of an event that was told, on which a cursor stands.
    cursor: Option<prop::sample::Index>,
    oldest_first: bool,
}

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<Told>),
    /// An event that was told before.
    Again(prop::sample::Index),
    Ask(Asked),
    DropBefore(u32),
}

fn told() -> impl Strategy<Value = Told> {
    let event = (0..4_usize, of(0..6_usize), 0..SOURCES.len() - 1, of(0..2_usize), of(0..3_u8), 0..50_u32);
    event.prop_map(|(event_type, level, source, owner, tag, at)| Told { event_type, level, source, owner, tag, at })
}

fn asked() -> impl Strategy<Value = Asked> {
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

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => vec(told(), 0..8).prop_map(Step::Append),
        1 => any::<prop::sample::Index>().prop_map(Step::Again),
        5 => asked().prop_map(Step::Ask),
        1 => (0..50_u32).prop_map(Step::DropBefore),
    ]
}

fn event(told: &Told) -> Arc<Event> {
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

fn query(asked: &Asked, all: &[Arc<Event>]) -> EventQuery {
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

/// What the list answers: written out, without anything of the library's.
fn expected(asked: &Asked, query: &EventQuery, kept: &[Arc<Event>]) -> (Vec<Id>, bool) {
    let mut found: Vec<&Arc<Event>> = kept
        .iter()
        .filter(|event| asked.event_type.is_none_or(|wanted| event.event_type() as usize == wanted))
        .filter(|event| asked.level.is_none_or(|wanted| event.level().is_some_and(|level| level as usize == wanted)))
        .filter(|event| asked.least.is_none_or(|least| event.level().is_some_and(|level| level as usize >= least)))
        .filter(|event| asked.source.is_none_or(|source| event.source() == SOURCES[source]))
        .filter(|event| asked.owner.is_none_or(|owner| event.created_by() == Some(OWNERS[owner])))
        .filter(|event| {
            asked.tag.is_none_or(|tag| event.tags().get("n").and_then(|n| n.as_f64()) == Some(f64::from(tag)))
        })
        .filter(|event| asked.start.is_none_or(|start| event.timestamp() >= time(start)))
        .filter(|event| asked.end.is_none_or(|end| event.timestamp() <= time(end)))
        .filter(|event| match query.paging().cursor() {
            None => true,
            Some(cursor) if asked.oldest_first => event.id() > cursor.id(),
            Some(cursor) => event.id() < cursor.id(),
        })
        .collect();
    found.sort_by_key(|event| (event.timestamp(), event.id()));
    if !asked.oldest_first {
        found.reverse();
    }
    let found: Vec<Id> = found.into_iter().skip(asked.offset).map(|event| event.id()).collect();
    let more = found.len() > asked.limit;
    (found.into_iter().take(asked.limit).collect(), more)
}

/// Plays a history on a store that keeps at most `most` events.
fn play(steps: Vec<Step>, most: usize) -> Result<(), TestCaseError> {
    run(async {
        let mut limits = MemoryLimits::default();
        limits.events = most;
        let store = Memory::with_limits(limits);
        let (mut all, mut kept, mut total) = (Vec::new(), Vec::<Arc<Event>>::new(), 0);
        for step in steps {
            match step {
                Step::Append(batch) => {
                    let batch: Vec<_> = batch.iter().map(event).collect();
                    let answers = store.append_events(&batch).await.expect("the store answers");
                    prop_assert_eq!(answers, vec![Appended::Stored; batch.len()]);
                    total += batch.len() as u64;
                    for event in batch {
                        all.push(Arc::clone(&event));
                        kept.push(event);
                        kept.sort_by_key(|event| event.id());
                        kept.drain(..kept.len().saturating_sub(most));
                    }
                }
                Step::Again(place) if !kept.is_empty() => {
                    let again = Arc::clone(place.get(&kept));
                    let answers = store.append_events(&[again]).await.expect("the store answers");
                    prop_assert_eq!(answers, [Appended::Duplicate]);
                }
                Step::Again(_) => {}
                Step::Ask(asked) => {
                    let query = query(&asked, &all);
                    let page = store.events(&query).await.expect("the store answers");
                    let found: Vec<Id> = page.items.iter().map(|event| event.id()).collect();
                    prop_assert_eq!((found, page.next.is_some()), expected(&asked, &query, &kept), "{:?}", query);
                }
                Step::DropBefore(at) => {
                    let had = kept.len();
                    kept.retain(|event| event.timestamp() >= time(at));
                    let dropped = store.drop_events(time(at)).await.expect("the store answers");
                    prop_assert_eq!(dropped, (had - kept.len()) as u64);
                }
            }
            prop_assert_eq!(store.event_counts(time(60)).await.expect("the store answers").total, total);
            for event in &kept {
                prop_assert!(store.event(event.id(), &Scope::All).await.expect("the store answers").is_some());
            }
        }
        Ok(())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_random_history_is_answered_as_by_a_list(steps in vec(step(), 1..60)) {
        play(steps, 100_000)?;
    }

    #[test]
    fn a_full_store_keeps_the_newest(steps in vec(step(), 1..60)) {
        play(steps, 9)?;
    }
}

#[test]
fn bytes_are_a_bound_too() {
    run(async {
        let mut limits = MemoryLimits::default();
        limits.event_bytes = 1024 * 1024;
        let store = Memory::with_limits(limits);
        for round in 0..300_u32 {
            let text = "x".repeat(10_000 + round as usize);
            let told = Event::log(format!("source {round}")).message(text).at(time(round));
            let (event, _) = told.accept(TimeWindow::default(), time(400));
            store.append_events(&[Arc::new(event)]).await.unwrap();
            assert!(store.event_bytes() <= limits.event_bytes);
        }
        let page = store.events(&EventQuery::new(Scope::All).limit(1000)).await.unwrap();
        assert!((90..105).contains(&page.items.len()), "{} events of 10 kB in 1 MiB", page.items.len());
        assert_eq!(page.items[0].source(), "source 299");
        let counts = store.event_counts(time(0).plus(Duration::from_secs(60))).await.unwrap();
        assert_eq!((counts.total, counts.last_hour), (300, 300));
    });
}
