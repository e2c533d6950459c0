//! Whatever is told and whatever is asked: the same answers as from memory, and no SQL but ours.

use std::sync::Arc;

use serde_json::Value;
use watchkeeper::Timestamp;
use watchkeeper::event::{Event, EventDraft, TimeWindow};
use watchkeeper::incident::EntryKind;
use watchkeeper::sample::Sample;
use watchkeeper::store::{
    AlertQuery, EventQuery, EventStore, IncidentQuery, Memory, MemoryLimits, SampleQuery, Scope, Store, TimelineQuery,
};
use watchkeeper::testing::hostile;
use watchkeeper::testing::laws::run;

use super::cluster::{CLUSTER, fresh, store};

const EVENTS: usize = 10_000;

fn told(draft: &EventDraft) -> usize {
    let draft = serde_json::to_value(draft).unwrap();
    ["tags", "payload"].iter().map(|field| draft.get(field).map_or(2, |value: &Value| value.to_string().len())).sum()
}

#[test]
fn ten_thousand_hostile_events_are_answered_as_by_the_memory_store() {
    run(async {
        let database = CLUSTER.database().await;
        let postgres = store(&database);
        let mut limits = MemoryLimits::default();
        limits.event_bytes = 1024 * 1024 * 1024;
        let (memory, now) = (Memory::with_limits(limits), Timestamp::now());
        let drafts: Vec<EventDraft> = hostile::events(3).take(EVENTS).collect();
        let accept = |draft: &EventDraft| Arc::new(draft.clone().accept(TimeWindow::days(3), now).0);
        let events: Vec<Arc<Event>> = drafts.iter().map(accept).collect();
        for batch in events.chunks(1000) {
            let answers = postgres.append_events(batch).await.unwrap();
            assert_eq!(answers, memory.append_events(batch).await.unwrap());
        }
        let mut query = EventQuery::new(Scope::All).limit(1000);
        loop {
            let page = postgres.events(&query).await.unwrap();
            assert!(page == memory.events(&query).await.unwrap(), "a page is what it is in memory");
            let Some(next) = page.next else { break };
            query = query.after(next);
        }
        // Each is found by what it has, whatever that is.
        for event in events.iter().step_by(97) {
            let mut query = EventQuery::new(Scope::All).source(event.source()).limit(1000);
            query.tags = event.tags().clone();
            query.trace_id = event.trace_id().map(str::to_owned);
            let page = postgres.events(&query).await.unwrap();
            assert!(page.items.contains(event) && page == memory.events(&query).await.unwrap(), "{event:?}");
        }
        // As the server spells it out, it takes at most twice what was told, the note of repairs apart.
        let client = CLUSTER.connect(&database).await;
        let sql = "SELECT id::text, octet_length(tags::text) + octet_length(payload::text) FROM watchkeeper.events";
        let sizes: std::collections::HashMap<String, i32> =
            client.query(sql, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect();
        for (draft, event) in drafts.iter().zip(&events) {
            let (size, told) = (sizes[&event.id().to_string()] as usize, told(draft));
            assert!(size <= 2 * told + 225, "{told} bytes are spelled out as {size}: {event:?}");
        }
    });
}

/// Numbers are compared as memory compares them, to the last digit.
#[test]
fn numbers_beyond_all_floats_are_the_same_numbers() {
    run(async {
        let (postgres, memory, now) = (fresh().await, Memory::new(), Timestamp::now());
        let numbers = [
            "9007199254740992",
            "9007199254740993",
            "9007199254740992.0",
            "9007199254740994.0",
            "1e17",
            "1.5e300",
            "100000000000000000",
            "18446744073709551615",
            "1.8446744073709552e19",
            "-0.0",
            "0",
            "0.1",
            "1e-7",
            "0.30000000000000004",
        ];
        let numbers: Vec<Value> = numbers.iter().map(|number| serde_json::from_str(number).unwrap()).collect();
        let tell =
            |number: &Value| Arc::new(Event::log("s").tag("n", number.clone()).accept(TimeWindow::default(), now).0);
        let events: Vec<_> = numbers.iter().map(tell).collect();
        postgres.append_events(&events).await.unwrap();
        memory.append_events(&events).await.unwrap();
        for number in numbers {
            for asked in [number.clone(), Value::Array(vec![number])] {
                let query = EventQuery::new(Scope::All).tag("n", asked);
                let page = postgres.events(&query).await.unwrap();
                assert_eq!(page, memory.events(&query).await.unwrap(), "{query:?}");
            }
        }
    });
}

/// Five hundred texts that other programs took for a part of their language.
fn injections() -> Vec<String> {
    let seeds = [
        "' OR '1'='1",
        "'; DROP TABLE watchkeeper.events; --",
        "\" OR \"\"=\"",
        "1; SELECT pg_sleep(10)",
        "$1",
        "$$",
        "?",
        "!",
        "\\'; --",
        "%",
        "_",
        "\\",
        "{}",
        "{\"a\": 1}",
        "$.a ? (@ > 1)",
        "'::regclass",
        "\0",
        "a\0b",
        "/* */",
        "--",
        "' UNION SELECT NULL --",
        "E'\\x27'",
        "U&'\\0027'",
        "x' AND 1=(SELECT 1)--",
        "'||(SELECT version())||'",
    ];
    let wraps: [fn(&str) -> String; 20] = [
        |s| s.to_owned(),
        |s| format!("{s}'"),
        |s| format!("'{s}"),
        |s| format!("\"{s}\""),
        |s| format!("({s})"),
        |s| format!("{s}--"),
        |s| format!("{s}/*"),
        |s| format!("{s};"),
        |s| format!("%{s}%"),
        |s| s.to_uppercase(),
        |s| s.replace(' ', "/**/"),
        |s| s.replace(' ', "\t"),
        |s| s.replace(' ', "\n"),
        |s| s.repeat(3),
        |s| format!("{s}\u{FFFD}"),
        |s| format!("\u{2019}{s}"),
        |s| format!("{s}\\"),
        |s| format!("$1{s}"),
        |s| format!("{s}::text"),
        |s| format!("x{s}"),
    ];
    seeds.iter().flat_map(|seed| wraps.iter().map(|wrap| wrap(seed))).collect()
}

/// Asks with a text in every filter; answers how many things were found.
async fn ask(store: &dyn Store, text: &str) -> usize {
    let scope = || Scope::CreatedBy(text.to_owned());
    let events = EventQuery::new(scope()).source(text).trace_id(text).tag(text, text);
    let samples = SampleQuery::new(scope()).name(text).label(text, text);
    let incidents = IncidentQuery::new(scope()).dedup_key(text).assigned_to(text);
    let timeline = TimelineQuery::new(scope(), watchkeeper::Id::MIN).kind(EntryKind::from(text));
    let alerts = AlertQuery::new().fingerprint(text);
    store.events(&events).await.unwrap().items.len()
        + store.samples(&samples).await.unwrap().items.len()
        + store.incidents(&incidents).await.unwrap().items.len()
        + store.timeline(&timeline).await.unwrap().items.len()
        + store.alerts(&alerts).await.unwrap().items.len()
}

#[test]
fn five_hundred_injections_in_every_filter_are_no_new_statements() {
    run(async {
        let database = CLUSTER.database().await;
        let (postgres, memory, now) = (store(&database), Memory::new(), Timestamp::now());
        let client = CLUSTER.connect(&database).await;
        client.batch_execute("CREATE EXTENSION pg_stat_statements").await.unwrap();
        let texts = injections();
        assert_eq!(texts.len(), 500);
        let tell = |text: &String| {
            let told = Event::log(text.as_str()).trace_id(text.as_str()).tag(text.as_str(), text.as_str());
            told.created_by(text.as_str()).check(TimeWindow::default(), now).ok().map(Arc::new)
        };
        let events: Vec<_> = texts.iter().filter_map(tell).collect();
        let samples = [Arc::new(Sample::gauge("n", 1.0).accept(TimeWindow::default(), now).0)];
        assert!(events.len() > 300);
        for store in [&postgres as &dyn Store, &memory] {
            store.append_events(&events).await.unwrap();
            store.append_samples(&samples).await.unwrap();
        }
        ask(&postgres, "harmless").await;
        let statements = "SELECT count(*) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
            WHERE d.datname = current_database() AND query LIKE '%watchkeeper%' AND query ILIKE 'select%'
               OR query ILIKE '%drop table%' AND query NOT ILIKE '%if exists%'";
        let before: i64 = client.query_one(statements, &[]).await.unwrap().get(0);
        let before_again: i64 = client.query_one(statements, &[]).await.unwrap().get(0);
        let mut found = 0;
        for text in &texts {
            let here = ask(&postgres, text).await;
            assert_eq!(here, ask(&memory, text).await, "{text:?}");
            found += here;
        }
        let after: i64 = client.query_one(statements, &[]).await.unwrap().get(0);
        assert!(found >= events.len(), "each is found by its own letters");
        assert_eq!((after, before > 4), (before_again, true));
    });
}
