//! The store in memory beside a list that is searched from end to end: random histories, the same answers.

#[path = "support/mod.rs"]
mod support;

use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use support::history::{Asked, OWNERS, SOURCES, Step, event, query, step, time};
use watchkeeper::Id;
use watchkeeper::event::{Event, TimeWindow};
use watchkeeper::store::{Appended, EventQuery, EventStore, Memory, MemoryLimits, Scope};
use watchkeeper::testing::laws::run;

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
