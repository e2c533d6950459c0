//! The law of the order in which events come back, page by page.

use std::sync::Arc;

use super::{event, ok, side_by_side, sources, time};
use crate::event::{Event, Level};
use crate::id::Id;
use crate::store::{Cursor, EventQuery, EventStore, Page, Scope};

fn all() -> EventQuery {
    EventQuery::new(Scope::All)
}

async fn found(store: &dyn EventStore, query: EventQuery) -> Page<Arc<Event>> {
    ok(store.events(&query)).await
}

/// Follows the cursors to the end.
async fn follow(store: &dyn EventStore, query: &EventQuery) -> Vec<Arc<Event>> {
    let mut items = Vec::new();
    let mut page = found(store, query.clone()).await;
    loop {
        let full = page.items.len();
        assert!(full <= query.paging().limit() && (page.next.is_none() || full == query.paging().limit()));
        items.append(&mut page.items);
        let Some(next) = page.next else { return items };
        page = found(store, query.clone().after(next)).await;
        assert!(!page.items.is_empty(), "a cursor that was given leads to something");
    }
}

/// The newest event comes first.
pub async fn newest_come_first(store: &dyn EventStore) {
    let events = [0, 1, 2].map(|micros| event(Event::log(format!("s{micros}")).at(time(micros))));
    ok(store.append_events(&events)).await;
    assert_eq!(sources(&found(store, all()).await), ["s2", "s1", "s0"]);
}

/// Both orders are one order, read from either end.
pub async fn oldest_first_is_the_exact_reverse(store: &dyn EventStore) {
    let events: Vec<_> = (0..30).map(|n| event(Event::log("s").at(time(n / 3)))).collect();
    ok(store.append_events(&events)).await;
    let mut reverse = found(store, all().oldest_first()).await.items;
    reverse.reverse();
    assert_eq!(found(store, all()).await.items, reverse);
}

/// Of equal times, the order is that in which they were accepted, whatever batch brought them.
pub async fn equal_times_come_back_in_order_of_arrival(store: &dyn EventStore) {
    let events: Vec<_> = (0..60).map(|_| event(Event::log("s").at(time(5)))).collect();
    for batch in events.chunks(7) {
        ok(store.append_events(batch)).await;
    }
    assert_eq!(found(store, all().oldest_first()).await.items, events);
    let newest_first: Vec<_> = events.iter().rev().cloned().collect();
    assert_eq!(found(store, all()).await.items, newest_first);
}

/// What arrives late is put where its time belongs.
pub async fn a_late_arrival_comes_back_where_it_belongs(store: &dyn EventStore) {
    for micros in [50, 10, 30, 20, 40, 25, 60, 5] {
        ok(store.append_events(&[event(Event::log(format!("s{micros}")).at(time(micros)))])).await;
    }
    let ordered = ["s60", "s50", "s40", "s30", "s25", "s20", "s10", "s5"];
    assert_eq!(sources(&found(store, all()).await), ordered);
}

/// The last page has no cursor, also where it is full.
pub async fn a_page_says_whether_there_is_another(store: &dyn EventStore) {
    let events: Vec<_> = (0..4).map(|micros| event(Event::log("s").at(time(micros)))).collect();
    ok(store.append_events(&events)).await;
    for (limit, another) in [(1, true), (3, true), (4, false), (5, false), (1000, false)] {
        let page = found(store, all().limit(limit)).await;
        assert_eq!((page.items.len(), page.next.is_some()), (limit.min(4), another), "limit {limit}");
    }
    let page = found(store, all().limit(2).offset(2)).await;
    assert_eq!((page.items.len(), page.next), (2, None));
}

/// From either end, with and without conditions, each event comes once.
pub async fn following_the_cursors_finds_each_once(store: &dyn EventStore) {
    let levels = [Level::Info, Level::Warn, Level::Error];
    let told = |n: i64| Event::log("s").level(levels[n as usize % 3]).tag("n", n % 2).at(time(n / 7));
    let mut events: Vec<_> = (0..100).map(|n| event(told(n))).collect();
    ok(store.append_events(&events)).await;
    events.sort_by_key(|event| event.id());
    for limit in [1, 3, 7, 100] {
        assert_eq!(follow(store, &all().limit(limit).oldest_first()).await, events, "limit {limit}");
        let mut newest = follow(store, &all().limit(limit)).await;
        newest.reverse();
        assert_eq!(newest, events, "limit {limit}");
    }
    let query = all().limit(4).at_least(Level::Warn).tag("n", 1).oldest_first();
    let wanted: Vec<_> = events.iter().filter(|event| query.matches(event)).cloned().collect();
    assert_eq!(follow(store, &query).await, wanted);
}

/// An offset passes over what matches, behind the cursor if there is one.
pub async fn an_offset_counts_what_matches(store: &dyn EventStore) {
    let told = |n: i64| event(Event::log(format!("s{n}")).tag("even", n % 2 == 0).at(time(n)));
    let events: Vec<_> = (0..10).map(told).collect();
    ok(store.append_events(&events)).await;
    assert_eq!(sources(&found(store, all().tag("even", true).offset(2).limit(2)).await), ["s4", "s2"]);
    let behind = Cursor::at(events[7].id());
    assert_eq!(sources(&found(store, all().after(behind).offset(1).limit(2)).await), ["s5", "s4"]);
    assert_eq!(sources(&found(store, all().after(behind).oldest_first().offset(1)).await), ["s9"]);
    assert_eq!(found(store, all().offset(10)).await, Page::default());
}

/// A cursor on an id that nothing has is where that id would be.
pub async fn a_cursor_is_a_place_even_where_nothing_is(store: &dyn EventStore) {
    let events = [0, 2].map(|micros| event(Event::log(format!("s{micros}")).at(time(micros))));
    ok(store.append_events(&events)).await;
    let between = Cursor::at(Id::at(time(1)));
    assert_eq!(sources(&found(store, all().after(between)).await), ["s0"]);
    assert_eq!(sources(&found(store, all().after(between).oldest_first()).await), ["s2"]);
    assert_eq!(found(store, all().after(Cursor::at(Id::MIN))).await, Page::default());
    assert_eq!(found(store, all().after(Cursor::at(Id::MAX)).oldest_first()).await, Page::default());
    assert_eq!(found(store, all().after(Cursor::at(Id::MAX))).await.items.len(), 2);
}

/// Whatever is stored meanwhile, and wherever its time belongs: nothing that was there is missed or comes twice.
pub async fn what_was_stored_before_the_first_page_comes_exactly_once(store: &dyn EventStore) {
    let before: Vec<_> = (0..60).map(|n| event(Event::log("before").at(time(10 * n)))).collect();
    ok(store.append_events(&before)).await;
    for query in [all().limit(7), all().limit(7).oldest_first()] {
        // Between the pages, and at the same time as they are read.
        let write = async {
            for n in 0..60 {
                // At the ends, among the others, and at the same times as they.
                let batch =
                    [10 * (n * 37 % 60), 5 + 10 * n, 10_000 + n].map(|at| event(Event::log("meanwhile").at(time(at))));
                ok(store.append_events(&batch)).await;
                if n % 5 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            Vec::new()
        };
        let read = async {
            let mut items = Vec::new();
            let mut next = None;
            loop {
                let query = next.map_or(query.clone(), |next| query.clone().after(next));
                let page = found(store, query).await;
                items.extend(page.items);
                tokio::task::yield_now().await;
                next = page.next;
                if next.is_none() {
                    return items;
                }
            }
        };
        let mut read = side_by_side(vec![Box::pin(write) as _, Box::pin(read)]).await.pop().unwrap_or_default();
        read.sort_by_key(|event| event.id());
        assert!(read.windows(2).all(|pair| pair[0].id() != pair[1].id()), "nothing comes twice");
        read.retain(|event| event.source() == "before");
        assert_eq!(read, before);
    }
}
