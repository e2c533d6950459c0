//! Retention on both stores: what incidents need stays, the rest is archived and gone, and counts do not fall.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use watchkeeper::event::{Event, Level, TimeWindow};
use watchkeeper::incident::{EntryKind, Incident, Severity};
use watchkeeper::sample::Sample;
use watchkeeper::store::{
    Appended, EventQuery, EventStore, IncidentStore, Memory, Parts, SampleQuery, SampleStore, Scope, Store,
    TimelineQuery,
};
use watchkeeper::tasks::{Archive, TaskOptions};
use watchkeeper::{Timestamp, Watchkeeper, service_info};

use super::cluster;
use super::support::process::Folder;

const DAY: Duration = Duration::from_secs(86_400);

/// So many days before yesterday, at noon: whatever time it is, that is over.
pub fn noon(days: u32) -> Timestamp {
    let today = Timestamp::now().as_micros() / 86_400_000_000 * 86_400_000_000;
    Timestamp::from_micros(today + 43_200_000_000).minus(DAY * (days + 1))
}

pub fn event(level: Level, text: &str, at: Timestamp) -> Arc<Event> {
    let told = Event::log("checkout").level(level).message(text).at(at);
    Arc::new(told.accept(TimeWindow::days(400), Timestamp::now()).0)
}

/// Ten events a day for five days, one of them grave, and as many samples; an incident on the fourth day.
async fn filled(store: &dyn Store) -> Incident {
    for day in 0..5 {
        let at = |n: u64| noon(day).plus(Duration::from_secs(n * 60));
        let level = |n| if n == 3 { Level::Error } else { Level::Info };
        let events: Vec<_> = (0..10).map(|n| event(level(n), &format!("{day}/{n}"), at(n))).collect();
        assert_eq!(store.append_events(&events).await.unwrap(), [Appended::Stored; 10]);
        let sample = |n| Sample::gauge("load", n as f64).at(at(n)).accept(TimeWindow::days(400), Timestamp::now()).0;
        let samples: Vec<_> = (0..10).map(|n| Arc::new(sample(n))).collect();
        assert_eq!(store.append_samples(&samples).await.unwrap(), [Appended::Stored; 10]);
    }
    let (incident, created) = Incident::draft("payments fail", Severity::High).check(noon(3)).unwrap();
    store.open_incident(&incident, &created).await.unwrap();
    incident
}

async fn messages(store: &dyn Store) -> Vec<String> {
    let page = store.events(&EventQuery::new(Scope::All).oldest_first().limit(1000)).await.unwrap();
    page.items.iter().map(|event| event.message().unwrap().to_owned()).collect()
}

async fn evidence(store: &dyn Store, incident: &Incident) -> Vec<String> {
    let query = TimelineQuery::new(Scope::All, incident.id).kind(EntryKind::Event).oldest_first();
    store.timeline(&query).await.unwrap().items.iter().map(|entry| entry.message.clone().unwrap()).collect()
}

/// The names of the archives in a folder, and their lines.
fn archives(folder: &Path) -> Vec<(String, Vec<Value>)> {
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| {
            let file = file.unwrap();
            let mut text = String::new();
            GzDecoder::new(std::fs::File::open(file.path()).unwrap()).read_to_string(&mut text).unwrap();
            let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            (file.file_name().into_string().unwrap(), lines)
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

async fn what_is_too_old_goes_and_incidents_keep_their_evidence(store: Parts) {
    let incident = filled(&store).await;
    let folder = Folder::new("archive");
    let options = TaskOptions::new().without_scheduler().archive(Archive::folder(folder.path()));
    let watch = Watchkeeper::builder(service_info!()).store(store.clone()).tasks(options).build().unwrap();
    let before = (store.event_counts(noon(0)).await.unwrap(), store.sample_counts(noon(0)).await.unwrap());

    let said = watch.tasks().run("monitoring_data_retention", json!({ "event_days": 3, "metric_days": 4 })).await;

    let said = said.unwrap();
    for (field, expected) in [
        ("events_dropped", 20),
        ("events_archived", 20),
        ("evidence_added", 1),
        ("evidence_left_out", 0),
        ("samples_dropped", 10),
        ("samples_archived", 10),
    ] {
        assert_eq!(said[field], expected, "{field} of {said}");
    }
    let left = messages(&store).await;
    let expected: Vec<_> = [2, 1, 0].iter().flat_map(|day| (0..10).map(move |n| format!("{day}/{n}"))).collect();
    assert_eq!(left, expected);
    let samples = store.samples(&SampleQuery::new(Scope::All).limit(1000)).await.unwrap();
    assert_eq!(samples.items.len(), 40);
    // The incident went on after the fourth day; what is left of its events needs no copy yet.
    assert_eq!(evidence(&store, &incident).await, ["3/3"]);
    let files = archives(folder.path());
    let date = |days| noon(days).to_string().chars().take(10).collect::<String>();
    let names: BTreeSet<_> = files.iter().map(|(name, _)| name.clone()).collect();
    let name = |kind: &str, days| format!("{kind}-{}.ndjson.gz", date(days));
    assert_eq!(names, BTreeSet::from([name("events", 4), name("events", 3), name("samples", 4)]));
    let of_day: Vec<_> =
        files.iter().find(|(name, _)| *name == format!("events-{}.ndjson.gz", date(3))).unwrap().1.clone();
    assert_eq!(of_day.iter().map(|line| line["message"].as_str().unwrap()).collect::<Vec<_>>().len(), 10);
    assert_eq!((of_day[3]["level"].as_str(), of_day[3]["message"].as_str()), (Some("error"), Some("3/3")));
    let back: Event = serde_json::from_value(of_day[3].clone()).unwrap();
    assert_eq!(back.message(), Some("3/3"));
    // Totals are what was ever stored.
    let after = (store.event_counts(noon(0)).await.unwrap(), store.sample_counts(noon(0)).await.unwrap());
    assert_eq!(after, before);

    // Once more there is nothing to do.
    let again = watch.tasks().run("monitoring_data_retention", json!({ "event_days": 3, "metric_days": 4 })).await;
    assert_eq!(again.unwrap()["event_days"], 0);
    assert_eq!((messages(&store).await, archives(folder.path())), (left, files));
}

#[tokio::test]
async fn what_is_too_old_goes_and_incidents_keep_their_evidence_in_memory() {
    what_is_too_old_goes_and_incidents_keep_their_evidence(Parts::all_in(Memory::new())).await;
}

#[tokio::test]
async fn what_is_too_old_goes_and_incidents_keep_their_evidence_in_postgres() {
    what_is_too_old_goes_and_incidents_keep_their_evidence(Parts::all_in(cluster::fresh().await)).await;
}

#[tokio::test]
async fn evidence_is_bounded_gravest_first_and_says_how_much_was_left_out() {
    let store = Memory::new();
    let at = |n: u64| noon(3).plus(Duration::from_millis(n));
    let level = |n| match n {
        ..3 => Level::Warn,
        3..600 => Level::Warn,
        600..700 => Level::Error,
        _ => Level::Critical,
    };
    let events: Vec<_> = (0..710).map(|n| event(level(n), &n.to_string(), at(n))).collect();
    store.append_events(&events).await.unwrap();
    let (incident, created) = Incident::draft("t", Severity::High).check(noon(3)).unwrap();
    store.open_incident(&incident, &created).await.unwrap();
    let options = TaskOptions::new().without_scheduler();
    let watch = Watchkeeper::builder(service_info!()).store(store.clone()).tasks(options).build().unwrap();

    let said = watch.tasks().run("monitoring_data_retention", json!({ "event_days": 2 })).await.unwrap();

    assert_eq!((&said["evidence_added"], &said["evidence_left_out"]), (&json!(500), &json!(210)));
    let query = TimelineQuery::new(Scope::All, incident.id).limit(1000);
    let entries = store.timeline(&query).await.unwrap().items;
    let of_level =
        |level: &str| entries.iter().filter(|entry| entry.details.get("level") == Some(&level.into())).count();
    assert_eq!([of_level("critical"), of_level("error"), of_level("warn")], [10, 100, 390]);
    let note = entries.iter().find(|entry| entry.kind == EntryKind::Custom).unwrap();
    assert_eq!(note.details.get("left_out"), Some(&json!(210)));
    assert!(note.message.as_deref().unwrap().starts_with("210 events from warnings on were dropped"));
}
