//! The law of events, but for the order in which they come back.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use serde_json::{Value, json};

use super::{event, ok, side_by_side, sources, time};
use crate::event::{Event, EventType, Fields, Level, TimeWindow};
use crate::id::Id;
use crate::store::{Appended, Counts, EventQuery, EventStore, Page, Scope, StoreErrorKind};
use crate::testing::hostile;
use crate::timestamp::Timestamp;

fn all() -> EventQuery {
    EventQuery::new(Scope::All)
}

async fn found(store: &dyn EventStore, query: EventQuery) -> Page<Arc<Event>> {
    ok(store.events(&query)).await
}

/// An event comes back with all that it had, by its id and on a page.
pub async fn what_is_stored_is_read_back_whole(store: &dyn EventStore) {
    let payload =
        json!({"deep": [[], {}, [null, true, -1, 2.5, "ü\u{FFFD}\u{1F600}"]], "big": 18_446_744_073_709_551_615_u64});
    let whole = Event::alert("checkout")
        .level(Level::Critical)
        .message("card \"refused\"\r\n\t\u{1b}[31m\u{202E}")
        .tag("order", 42)
        .tag("", json!(null))
        .payload(Fields::from_iter(payload.as_object().cloned().unwrap_or_default()))
        .at(time(1))
        .trace_id("4bf92f3577b34da6a3ce929d0e0e4736")
        .dedup_key("k")
        .created_by("ann");
    let events = [event(whole), event(Event::log("bare").at(time(0)))];
    assert_eq!(ok(store.append_events(&events)).await, [Appended::Stored; 2]);
    for event in &events {
        assert_eq!(ok(store.event(event.id(), &Scope::All)).await.as_ref(), Some(event));
    }
    assert_eq!(found(store, all()).await.items, events);
}

/// Whatever an app tells, it is repaired, stored and read back; no page fails for it.
pub async fn whatever_is_accepted_is_read_back(store: &dyn EventStore) {
    let now = Timestamp::now();
    let accept = |told: crate::event::EventDraft| Arc::new(told.accept(TimeWindow::days(1), now).0);
    let mut events: Vec<_> = hostile::events(7).take(200).map(accept).collect();
    assert_eq!(ok(store.append_events(&events)).await, vec![Appended::Stored; events.len()]);
    events.sort_by_key(|event| std::cmp::Reverse(event.id()));
    let page = found(store, all().limit(1000)).await;
    for (read, told) in page.items.iter().zip(&events) {
        assert_eq!(read, told);
    }
    assert_eq!(page.items.len(), events.len());
}

/// The answers stand in the order of the batch, not of the events' times.
pub async fn each_answer_stands_in_the_place_of_its_event(store: &dyn EventStore) {
    let [a, b, c] = [3, 2, 1].map(|micros| event(Event::log("s").at(time(micros))));
    ok(store.append_events(std::slice::from_ref(&b))).await;
    let answers = ok(store.append_events(&[a, b, c])).await;
    assert_eq!(answers, [Appended::Stored, Appended::Duplicate, Appended::Stored]);
}

/// A batch of nothing is answered with nothing.
pub async fn an_empty_batch_answers_nothing(store: &dyn EventStore) {
    assert_eq!(ok(store.append_events(&[])).await, []);
    assert_eq!(found(store, all()).await, Page::default());
}

/// An id that is there stays as it was, whether it comes in another batch or twice in one.
pub async fn a_duplicate_stays_as_it_was(store: &dyn EventStore) {
    let first = event(Event::log("first").at(time(0)));
    let mut other = serde_json::to_value(&*first).expect("an event is JSON");
    other["source"] = "second".into();
    let other: Arc<Event> = Arc::new(serde_json::from_value(other).expect("it is an event"));
    let answers = ok(store.append_events(&[Arc::clone(&first), Arc::clone(&other)])).await;
    assert_eq!(answers, [Appended::Stored, Appended::Duplicate]);
    assert_eq!(ok(store.append_events(std::slice::from_ref(&other))).await, [Appended::Duplicate]);
    assert_eq!(found(store, all()).await.items, [first]);
    assert_eq!(ok(store.event_counts(Timestamp::now())).await.total, 1);
}

/// A batch that is sent several times at once is stored once, and each event is answered as stored once.
pub async fn the_same_batch_sent_at_once_is_stored_once(store: &dyn EventStore) {
    let batch: Vec<_> = (0..50).map(|micros| event(Event::log("s").at(time(micros)))).collect();
    let calls = (0..4).map(|_| Box::pin(ok(store.append_events(&batch))) as _).collect();
    let answers: Vec<Vec<Appended>> = side_by_side(calls).await;
    for place in 0..batch.len() {
        let stored = answers.iter().filter(|answer| answer[place] == Appended::Stored).count();
        assert_eq!(stored, 1, "event {place}");
    }
    assert_eq!(found(store, all().oldest_first()).await.items, batch);
    assert_eq!(ok(store.event_counts(Timestamp::now())).await.total, 50);
}

/// An id that nothing has is no error.
pub async fn an_absent_id_answers_none(store: &dyn EventStore) {
    ok(store.append_events(&[event(Event::log("s").at(time(0)))])).await;
    for id in [Id::at(time(0)), Id::MIN, Id::MAX] {
        assert_eq!(ok(store.event(id, &Scope::All)).await, None);
    }
}

/// Nor is a query that nothing matches, nor one whose time runs backwards.
pub async fn a_query_without_a_match_answers_an_empty_page(store: &dyn EventStore) {
    ok(store.append_events(&[event(Event::log("s").at(time(0)))])).await;
    for query in [
        all().source("other"),
        all().start(time(1)),
        all().start(time(0)).end(time(-1)),
        all().end(Timestamp::MIN),
        all().start(Timestamp::MAX),
        all().offset(1),
    ] {
        assert_eq!(found(store, query.clone()).await, Page::default(), "{query:?}");
    }
}

/// An event is found when every condition holds for it.
pub async fn conditions_hold_together(store: &dyn EventStore) {
    let told = |source: &str| Event::metric(source).level(Level::Error).tag("k", "v").trace_id("t").created_by("ann");
    let events = [
        told("all").at(time(8)),
        told("source").at(time(7)),
        Event::log("all").level(Level::Error).tag("k", "v").trace_id("t").created_by("ann").at(time(6)),
        told("all").level(Level::Warn).at(time(5)),
        told("all").tag("k", "w").at(time(4)),
        told("all").trace_id("u").at(time(3)),
        told("all").created_by("bob").at(time(2)),
        told("all").at(time(1)),
        told("all").at(time(9)),
    ]
    .map(event);
    ok(store.append_events(&events)).await;
    let query = EventQuery::new(Scope::CreatedBy("ann".into()))
        .event_type(EventType::Metric)
        .source("all")
        .level(Level::Error)
        .tag("k", "v")
        .trace_id("t")
        .start(time(2))
        .end(time(8));
    assert_eq!(found(store, query).await.items, events[..1]);
}

/// A level asks for that level alone; a least level for it and graver ones. Events without a level have none.
pub async fn a_level_is_exact_and_a_least_level_is_not(store: &dyn EventStore) {
    let mut events = vec![event(Event::log("none").at(time(0)))];
    events.extend(Level::ALL.iter().map(|level| event(Event::log(level.as_str()).level(*level).at(time(1)))));
    ok(store.append_events(&events)).await;
    assert_eq!(sources(&found(store, all().level(Level::Warn)).await), ["warn"]);
    assert_eq!(sources(&found(store, all().at_least(Level::Warn)).await), ["critical", "error", "warn"]);
    assert_eq!(found(store, all().at_least(Level::Trace)).await.items.len(), 6);
    assert_eq!(found(store, all().at_least(Level::Warn).level(Level::Info)).await, Page::default());
    assert_eq!(found(store, all()).await.items.len(), 7);
}

/// What happened at the start or at the end is found, what happened a microsecond outside is not.
pub async fn start_and_end_belong_to_the_time(store: &dyn EventStore) {
    let events: Vec<_> = (0..5).map(|micros| event(Event::log(format!("s{micros}")).at(time(micros)))).collect();
    ok(store.append_events(&events)).await;
    assert_eq!(sources(&found(store, all().start(time(1)).end(time(3))).await), ["s3", "s2", "s1"]);
    assert_eq!(sources(&found(store, all().start(time(2)).end(time(2))).await), ["s2"]);
    assert_eq!(sources(&found(store, all().start(time(4))).await), ["s4"]);
    assert_eq!(sources(&found(store, all().end(time(0)).oldest_first()).await), ["s0"]);
}

/// Numbers are the same by their value, objects whatever their order; a text is no number, and `null` is a value.
pub async fn tags_are_the_same_by_value(store: &dyn EventStore) {
    let values: [(&str, Value); 8] = [
        ("one", json!(1)),
        ("text", json!("1")),
        ("half", json!(0.5)),
        ("null", Value::Null),
        ("array", json!([1, "a"])),
        ("object", json!({"a": 1, "b": [2]})),
        ("true", json!(true)),
        ("empty", json!("")),
    ];
    let tagged = |(source, value): &(&str, Value)| event(Event::log(*source).tag("k", value.clone()).at(time(0)));
    let mut events: Vec<_> = values.iter().map(tagged).collect();
    events.push(event(Event::log("without").at(time(0))));
    ok(store.append_events(&events)).await;
    for (source, value) in values {
        assert_eq!(sources(&found(store, all().tag("k", value.clone())).await), [source], "{value}");
    }
    assert_eq!(sources(&found(store, all().tag("k", 1.0)).await), ["one"]);
    assert_eq!(sources(&found(store, all().tag("k", json!({"b": [2.0], "a": 1}))).await), ["object"]);
    for absent in [json!("a"), json!([1]), json!(["a", 1]), json!({"a": 1}), json!(false)] {
        assert_eq!(found(store, all().tag("k", absent.clone())).await, Page::default(), "{absent}");
    }
    assert_eq!(found(store, all().tag("K", 1)).await, Page::default());
}

/// What is asked for is text, not a pattern and not a piece of anybody's language.
pub async fn texts_are_taken_letter_by_letter(store: &dyn EventStore) {
    let texts = ["a%", "ab", "A%", "a_", "a\\%", "' OR '1'='1", "\"", "$.k", "é", "e\u{301}", "a ", " a", "a\u{FFFD}"];
    let told = |text: &str| Event::log(text).tag(text, text).trace_id(text).created_by(text).at(time(0));
    let events: Vec<_> = texts.iter().map(|text| event(told(&text.replace('\u{FFFD}', "?")))).collect();
    ok(store.append_events(&events)).await;
    for text in &texts[..texts.len() - 1] {
        for query in [
            all().source(*text),
            all().tag(*text, *text),
            all().trace_id(*text),
            EventQuery::new(Scope::CreatedBy((*text).into())),
        ] {
            assert_eq!(sources(&found(store, query.clone()).await), [*text], "{query:?}");
        }
    }
    for absent in ["a", "%", "b%", "", "a\0", "\0", &"x".repeat(100_000)] {
        for query in [all().source(absent), all().tag(absent, absent), all().tag("k", absent), all().trace_id(absent)] {
            assert_eq!(found(store, query).await, Page::default());
        }
    }
}

/// What is not in the scope is not there: not by its id, not on a page, not under an offset, not behind a cursor.
pub async fn the_scope_is_part_of_the_query(store: &dyn EventStore) {
    let told = |who: &str, micros| event(Event::log(format!("{who}{micros}")).created_by(who).at(time(micros)));
    let mut events: Vec<_> = (0..6).map(|micros| told(if micros % 2 == 0 { "ann" } else { "bob" }, micros)).collect();
    events.push(event(Event::log("app").at(time(6))));
    ok(store.append_events(&events)).await;
    let ann = || EventQuery::new(Scope::CreatedBy("ann".into()));
    assert_eq!(sources(&found(store, ann()).await), ["ann4", "ann2", "ann0"]);
    assert_eq!(sources(&found(store, ann().offset(1)).await), ["ann2", "ann0"]);
    let page = found(store, ann().limit(2)).await;
    assert_eq!(sources(&page), ["ann4", "ann2"]);
    let others = crate::store::Cursor::at(events[5].id());
    assert_eq!(sources(&found(store, ann().after(others)).await), ["ann4", "ann2", "ann0"]);
    assert_eq!(sources(&found(store, ann().after(page.next.expect("there is more"))).await), ["ann0"]);
    for event in &events {
        let seen = ok(store.event(event.id(), &Scope::CreatedBy("ann".into()))).await;
        assert_eq!(seen.is_some(), event.created_by() == Some("ann"));
    }
    assert_eq!(found(store, EventQuery::new(Scope::CreatedBy(String::new()))).await, Page::default());
}

/// The total stands whatever is dropped.
pub async fn totals_never_fall(store: &dyn EventStore) {
    let now = Timestamp::now();
    let old = now.minus(Duration::from_secs(10 * 86_400));
    let events: Vec<_> = (0..10).map(|n| event(Event::log("s").at(if n < 6 { old } else { time(n) }))).collect();
    ok(store.append_events(&events)).await;
    ok(store.append_events(&events[..3])).await;
    let before = ok(store.event_counts(now)).await;
    ok(store.drop_events(now.minus(Duration::from_secs(86_400)))).await;
    let after = ok(store.event_counts(now)).await;
    assert_eq!((before.total, after), (10, before));
}

/// The last hour is 60 whole minutes by the events' own time, not by when they were stored.
pub async fn the_last_hour_goes_by_the_time_of_the_event(store: &dyn EventStore) {
    let now = Timestamp::now();
    let ages = [0, 60, 58 * 60, 61 * 60, 86_400];
    let events = ages.map(|age| event(Event::log("s").at(now.minus(Duration::from_secs(age)))));
    ok(store.append_events(&events)).await;
    assert_eq!(ok(store.event_counts(now)).await, Counts { total: 5, last_hour: 3 });
    let later = now.plus(Duration::from_secs(2 * 3600));
    assert_eq!(ok(store.event_counts(later)).await, Counts { total: 5, last_hour: 0 });
}

/// Events of whole minutes are counted by type and level, where a store counts them apart; what is dropped stays counted.
pub async fn events_of_a_time_are_counted_by_type_and_level(store: &dyn EventStore) {
    let minute = Duration::from_secs(60);
    let now = Timestamp::now();
    let start = Timestamp::from_micros(now.as_micros().div_euclid(60_000_000) * 60_000_000).minus(60 * minute);
    let events = [
        event(Event::log("s").level(Level::Info).at(start)),
        event(Event::log("s").level(Level::Info).at(start.plus(Duration::from_secs(59)))),
        event(Event::log("s").at(start.plus(minute))),
        event(Event::alert("s").level(Level::Error).at(start.plus(2 * minute))),
        event(Event::log("s").level(Level::Info).at(start.plus(3 * minute))),
    ];
    ok(store.append_events(&events)).await;
    ok(store.append_events(&events[..1])).await;
    let of = async |from: Timestamp, to: Timestamp| {
        let counts = ok(store.events_between(from, to)).await?;
        let mut counts: Vec<_> =
            counts.into_iter().map(|count| (count.event_type, count.level, count.events)).collect();
        counts.sort_by_key(|(kind, level, _)| (kind.as_str(), *level));
        Some(counts)
    };
    let log = |level, events| (EventType::Log, level, events);
    let alert = (EventType::Alert, Some(Level::Error), 1);
    let expect = [
        (0, 0, vec![log(Some(Level::Info), 2)]),
        (0, 2, vec![alert, log(None, 1), log(Some(Level::Info), 2)]),
        (1, 1, vec![log(None, 1)]),
        (4, 5, vec![]),
    ];
    for (from, to, due) in expect {
        let found = of(start.plus(from * minute), start.plus(to * minute + Duration::from_secs(30))).await;
        assert!(found.is_none() || found == Some(due), "minutes {from} to {to}: {found:?}");
    }
    assert!(of(now.minus(400 * 24 * 60 * minute), now).await.is_none_or(|counts| counts.len() == 3));
}

/// Dropping takes nothing from the time on, and leaves nothing that is more than a day older than it.
pub async fn what_is_older_is_dropped_and_nothing_younger(store: &dyn EventStore) {
    let day = Duration::from_secs(86_400);
    let before = time(0).minus(3 * day);
    let micro = Duration::from_micros(1);
    let gone = [before.minus(day).minus(micro), before.minus(5 * day)].map(|at| event(Event::log("old").at(at)));
    let kept = [before, before.plus(micro), time(0)].map(|at| event(Event::log("young").at(at)));
    ok(store.append_events(&gone)).await;
    ok(store.append_events(&kept)).await;
    assert!(ok(store.drop_events(before)).await > 0);
    assert_eq!(found(store, all().oldest_first()).await.items, kept);
    assert_eq!(ok(store.event(gone[0].id(), &Scope::All)).await, None);
    assert_eq!(ok(store.drop_events(before)).await, 0);
}

/// Whoever asks may leave before the answer; the next one is answered.
pub async fn a_call_that_is_dropped_leaves_the_store_usable(store: &dyn EventStore) {
    let events: Vec<_> = (0..20).map(|micros| event(Event::log("s").at(time(micros)))).collect();
    for (polls, batch) in events.chunks(1).enumerate() {
        let mut call = store.append_events(batch);
        for _ in 0..polls % 4 {
            if matches!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(_)) {
                break;
            }
        }
        drop(call);
        let query = all();
        let mut call = store.events(&query);
        let _left = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        drop(call);
    }
    let answers = ok(store.append_events(&events)).await;
    assert!(answers.iter().all(|answer| *answer != Appended::Refused));
    assert_eq!(found(store, all().oldest_first()).await.items, events);
}

/// A tag is added where there is none of its name, once, and counts do not change.
///
/// A store that changes nothing once it is stored says so, and does not.
pub async fn a_tag_is_added_where_it_is_missing(store: &dyn EventStore) {
    let told = [Event::log("s").tag("host", "a").at(time(0)), Event::log("s").message("m").at(time(1))].map(event);
    ok(store.append_events(&told)).await;
    let tags: Fields = [("host", "b".into()), ("release", "1.2.3".into())].into_iter().collect();
    let tags: Vec<_> = [told[0].id(), Id::at(time(2)), told[1].id()].map(|id| (id, tags.clone())).into();
    match store.add_tags(&tags).await {
        Ok(changed) => assert_eq!(changed, 2),
        Err(error) => {
            assert_eq!(error.kind(), StoreErrorKind::Unsupported);
            return assert_eq!(found(store, all().oldest_first()).await.items, told);
        }
    }
    let items = found(store, all().oldest_first()).await.items;
    let tagged = |event: &Event, key| event.tags().get(key).and_then(|tag| tag.as_str()).map(str::to_owned);
    assert_eq!([tagged(&items[0], "host"), tagged(&items[1], "host")], ["a", "b"].map(|host| Some(host.to_owned())));
    assert!(items.iter().all(|event| tagged(event, "release").as_deref() == Some("1.2.3")));
    assert_eq!(
        (items[1].message(), items[1].id(), items[1].created_at()),
        (Some("m"), told[1].id(), told[1].created_at())
    );
    assert_eq!(found(store, all().tag("host", "b")).await.items.len(), 1);
    assert_eq!(ok(store.add_tags(&tags)).await, 0);
    assert_eq!(ok(store.event_counts(Timestamp::now())).await.total, 2);
}
