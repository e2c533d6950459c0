//! Retention that is killed half way, again and again, comes to the same end as one that is not.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use flate2::read::GzDecoder;
use watchkeeper::event::{Event, Level};
use watchkeeper::incident::{Incident, Severity};
use watchkeeper::store::{EventQuery, EventStore, IncidentStore, Postgres, Scope, TimelineQuery};
use watchkeeper::{Id, Timestamp};

use super::app::{Plan, start};
use super::cluster::{self, CLUSTER};
use super::retention::{event, noon};
use super::support::process::Folder;

const DAYS: u32 = 5;
const A_DAY: u64 = 3000;

/// What is there when all is done.
#[derive(Debug, PartialEq)]
struct End {
    events: Vec<Id>,
    evidence: Vec<(Id, Option<String>)>,
    archives: BTreeMap<String, String>,
    total: u64,
}

async fn end(store: &Postgres, incident: Id, archive: &Path) -> End {
    let mut query = EventQuery::new(Scope::All).oldest_first().limit(1000);
    let mut events = Vec::new();
    loop {
        let page = store.events(&query).await.unwrap();
        events.extend(page.items.iter().map(|event| event.id()));
        let Some(next) = page.next else { break };
        query = query.after(next);
    }
    let timeline = TimelineQuery::new(Scope::All, incident).oldest_first().limit(1000);
    let evidence = store.timeline(&timeline).await.unwrap().items;
    let archives = std::fs::read_dir(archive).unwrap().map(|file| {
        let file = file.unwrap();
        let mut text = String::new();
        GzDecoder::new(std::fs::File::open(file.path()).unwrap()).read_to_string(&mut text).unwrap();
        (file.file_name().into_string().unwrap(), text)
    });
    End {
        events,
        evidence: evidence.into_iter().map(|entry| (entry.id, entry.message)).collect(),
        archives: archives.collect(),
        total: store.event_counts(Timestamp::now()).await.unwrap().total,
    }
}

async fn fill(store: &Postgres, events: &[Arc<Event>], incident: &Incident) {
    for batch in events.chunks(1000) {
        store.append_events(batch).await.unwrap();
    }
    let created = watchkeeper::incident::TimelineEntry::new(
        incident.id,
        watchkeeper::incident::EntryKind::Created,
        incident.created_at,
    );
    let mut created = created;
    created.id = incident.id;
    store.open_incident(incident, &created).await.unwrap();
}

#[tokio::test]
async fn retention_that_is_killed_half_way_and_run_again_ends_the_same() {
    let level = |n| match n % 50 {
        0 => Level::Error,
        1 => Level::Warn,
        _ => Level::Info,
    };
    let at = |day: u32, n: u64| noon(day).plus(Duration::from_secs(n));
    let events: Vec<_> = (0..DAYS)
        .flat_map(|day| (0..A_DAY).map(move |n| (day, n)))
        .map(|(day, n)| event(level(n), &format!("{day}/{n}"), at(day, n)))
        .collect();
    let (incident, _) = Incident::draft("payments fail", Severity::High).check(noon(DAYS - 2)).unwrap();
    let mut ends = Vec::new();
    let mut killed_at_work = 0;
    for kills in [0, 8] {
        let database = CLUSTER.database().await;
        let store = cluster::store(&CLUSTER.url(&database));
        fill(&store, &events, &incident).await;
        let folder = Folder::new("killed");
        let archive = folder.path().join("archive");
        let plan = Plan::Drops { url: CLUSTER.url(&database), days: 2, archive: archive.to_str().unwrap().to_owned() };
        for kill in 0..kills {
            let mut app = start(&plan);
            // Each time a little later after it has begun to write.
            let part = |archive: &Path| {
                let mut files = std::fs::read_dir(archive).into_iter().flatten().flatten();
                files.any(|file| file.path().extension().is_some_and(|extension| extension == "part"))
            };
            let mut ended = None;
            while ended.is_none() && !part(&archive) {
                tokio::time::sleep(Duration::from_millis(1)).await;
                ended = app.ended();
            }
            tokio::time::sleep(Duration::from_millis(kill * 12)).await;
            killed_at_work += u32::from(app.ended().is_none());
            drop(app);
            // What it left has to go before the next one can be seen to write.
            for file in std::fs::read_dir(&archive).into_iter().flatten().flatten() {
                if file.path().extension().is_some_and(|extension| extension == "part") && kill % 2 == 0 {
                    std::fs::remove_file(file.path()).unwrap();
                }
            }
            let client = CLUSTER.connect(&database).await;
            client.batch_execute("UPDATE watchkeeper.leases SET until = 'epoch'").await.unwrap();
        }
        let mut app = start(&plan);
        assert!(app.wait().success(), "{}\n{}", app.stdout(), app.stderr());
        ends.push(end(&store, incident.id, &archive).await);
    }
    assert!(killed_at_work >= 2, "only {killed_at_work} were killed while they worked");
    let [calm, killed] = &ends[..] else { panic!("two ends") };
    assert_eq!((calm.events.len() as u64, calm.total), (2 * A_DAY, u64::from(DAYS) * A_DAY));
    assert_eq!(calm.archives.len() as u32, DAYS - 2);
    assert_eq!(calm.archives.values().map(|text| text.lines().count() as u64).sum::<u64>(), 3 * A_DAY);
    assert!(calm.evidence.len() > 100, "{}", calm.evidence.len());
    assert_eq!(killed.archives.keys().collect::<Vec<_>>(), calm.archives.keys().collect::<Vec<_>>());
    assert!(killed == calm, "the ends differ");
}
