//! The processing of events: completed with who made them, and in the timelines of the incidents they belong to.

use std::time::Duration;

use serde_json::{Value, json};
use watchkeeper::event::{Event, EventDraft, Level};
use watchkeeper::incident::{EntryKind, Incident, Severity, TimelineEntry};
use watchkeeper::store::{EventQuery, IncidentStore, Memory, Parts, Scope, Store, TimelineQuery};
use watchkeeper::tasks::TaskOptions;
use watchkeeper::{Timestamp, Watchkeeper, service_info};

use super::cluster;

fn watch(store: impl Store + 'static) -> Watchkeeper {
    let options = TaskOptions::new().lease(Duration::from_millis(300));
    Watchkeeper::builder(service_info!()).store(store).tasks(options).build().unwrap()
}

async fn recorded(watch: &Watchkeeper, event: EventDraft) -> watchkeeper::Id {
    let id = watch.record_event(event).unwrap();
    loop {
        if watch.store().event(id, &Scope::All).await.unwrap().is_some() {
            return id;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn entries(watch: &Watchkeeper, incident: &Incident) -> Vec<TimelineEntry> {
    let query = TimelineQuery::new(Scope::All, incident.id).kind(EntryKind::Event).oldest_first().limit(1000);
    watch.store().timeline(&query).await.unwrap().items
}

async fn process(watch: &Watchkeeper, arguments: Value) -> Value {
    loop {
        match watch.tasks().run("monitoring_event_processing", arguments.clone()).await {
            Ok(said) => return said,
            // The scheduler is at it.
            Err(error) if error.is_transient() => tokio::time::sleep(Duration::from_millis(5)).await,
            Err(error) => panic!("{error:?}"),
        }
    }
}

async fn events_are_completed_and_linked_by_trace_request_and_window(store: Parts) {
    let watch = watch(store);
    // An instance says that it is there some time after its start.
    while watch.store().instances(10).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let ago = |seconds| Timestamp::now().minus(Duration::from_secs(seconds));
    let told = |text: &str, level| Event::log("checkout").message(text).level(level);
    let (incident, created) = Incident::draft("payments fail", Severity::High).check(Timestamp::now()).unwrap();
    watch.store().open_incident(&incident, &created).await.unwrap();
    recorded(&watch, told("before the window", Level::Error).at(ago(2 * 3600))).await;
    recorded(&watch, told("of the trace", Level::Info).trace_id("t1").at(ago(50))).await;
    recorded(&watch, told("nothing to do with it", Level::Info).at(ago(45))).await;
    recorded(&watch, told("refused", Level::Error).trace_id("t1").tag("request_id", "r1").at(ago(40))).await;
    recorded(&watch, told("of the request", Level::Warn).tag("request_id", "r1").tag("host", "other").at(ago(30)))
        .await;
    recorded(&watch, told("another warning", Level::Warn).at(ago(20))).await;

    // The scheduler's own run may have come first; what it did is not done again.
    process(&watch, json!({})).await;

    let found = entries(&watch, &incident).await;
    let by = |entry: &TimelineEntry| {
        let by = entry.details.get("correlated_by").unwrap().as_str().unwrap().to_owned();
        (entry.message.clone().unwrap(), by)
    };
    let expected = [("of the trace", "trace"), ("refused", "window"), ("of the request", "request")];
    assert_eq!(found.iter().map(by).collect::<Vec<_>>(), expected.map(|(text, by)| (text.to_owned(), by.to_owned())));
    let page = watch.store().events(&EventQuery::new(Scope::All).at_least(Level::Warn).start(ago(3000))).await.unwrap();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned();
    for event in &page.items {
        let tag = |name| event.tags().get(name).and_then(Value::as_str);
        assert_eq!(tag("service"), Some("watchkeeper"), "{event:?}");
        assert_eq!(tag("release"), Some(env!("CARGO_PKG_VERSION")), "{event:?}");
        let theirs = event.message() == Some("of the request");
        assert_eq!(tag("host"), Some(if theirs { "other" } else { &*host }), "{event:?}");
    }
    assert_eq!(found[1].details.get("service"), Some(&json!("watchkeeper")));

    // Once more, from before, changes nothing.
    let again = process(&watch, json!({ "since": ago(3600) })).await;
    assert_eq!((&again["events"], &again["enriched"], &again["linked"]), (&json!(3), &json!(0), &json!(0)));
    assert_eq!(entries(&watch, &incident).await, found);

    // What comes later is taken up from where the last run ended.
    recorded(&watch, told("again", Level::Error).trace_id("t1").at(ago(1))).await;
    process(&watch, json!({})).await;
    let later = entries(&watch, &incident).await;
    assert_eq!(later[3..].iter().map(by).collect::<Vec<_>>(), [("again".to_owned(), "trace".to_owned())]);
}

#[tokio::test]
async fn events_are_completed_and_linked_by_trace_request_and_window_in_memory() {
    events_are_completed_and_linked_by_trace_request_and_window(Parts::all_in(Memory::new())).await;
}

#[tokio::test]
async fn events_are_completed_and_linked_by_trace_request_and_window_in_postgres() {
    events_are_completed_and_linked_by_trace_request_and_window(Parts::all_in(cluster::fresh().await)).await;
}

#[tokio::test]
async fn a_run_with_more_to_do_than_it_may_is_gone_on_from() {
    let store = Memory::new();
    let options = TaskOptions::new().without_scheduler();
    let watch = Watchkeeper::builder(service_info!()).store(store.clone()).tasks(options).build().unwrap();
    let (incident, created) = Incident::draft("t", Severity::High).check(Timestamp::now()).unwrap();
    store.open_incident(&incident, &created).await.unwrap();
    for n in 0..25 {
        let at = Timestamp::now().minus(Duration::from_secs(60)).plus(Duration::from_millis(n));
        recorded(&watch, Event::log("s").level(Level::Error).message(n.to_string()).at(at)).await;
    }
    for linked in [10, 20, 25, 25] {
        process(&watch, json!({ "limit": 10 })).await;
        assert!(entries(&watch, &incident).await.len() >= linked);
    }
    assert_eq!(entries(&watch, &incident).await.len(), 25);
}
