//! The timeline of a three-hour incident among 5,000,000 events.

use std::sync::Arc;
use std::time::{Duration, Instant};

use watchkeeper::Timestamp;
use watchkeeper::desk::{Desk, TimelineOptions};
use watchkeeper::event::{Event, Level, TimeWindow};
use watchkeeper::incident::{Actor, Incident, IncidentChange, IncidentStatus, Severity};
use watchkeeper::store::{Memory, MemoryLimits, Scope, Store};

use crate::stores::both;

const WEEK: u64 = 7 * 86_400;

/// Fills a store with events of a week, one of a hundred a warning or worse.
async fn fill(store: &Arc<dyn Store>, events: u64, now: Timestamp) {
    const AT_ONCE: u64 = 5_000;
    let window = TimeWindow::days(30);
    for first in (0..events).step_by(AT_ONCE as usize) {
        let make = |number: u64| {
            let age = Duration::from_micros(WEEK * 1_000_000 / events * (events - number));
            let level = match number % 200 {
                0 => Level::Error,
                100 => Level::Warn,
                _ => Level::Info,
            };
            let draft = Event::log(["checkout", "payments", "search", "mail"][(number % 4) as usize]).level(level);
            let draft = draft.message("an order was looked at by somebody").tag("order", number).at(now.minus(age));
            Arc::new(draft.accept(window, now).0)
        };
        let batch: Vec<_> = (first..(first + AT_ONCE).min(events)).map(make).collect();
        store.append_events(&batch).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "takes minutes, and 3 GB on disk and in memory"]
async fn volume_a_timeline_of_three_hours_takes_milliseconds() {
    let events = std::env::var("WATCHKEEPER_TEST_EVENTS").map_or(5_000_000, |events| events.parse().unwrap());
    let [_, postgres] = both().await;
    let mut limits = MemoryLimits::default();
    (limits.events, limits.event_bytes) = (usize::MAX, usize::MAX);
    let memory: Arc<dyn Store> = Arc::new(Memory::with_limits(limits));
    for (name, store) in [("memory", memory), postgres] {
        let now = Timestamp::now();
        fill(&store, events, now).await;
        let desk = Desk::new(Arc::clone(&store));
        // Within the time that memory counts by the minute.
        let started = now.minus(Duration::from_secs(2 * 86_400));
        let draft = Incident::draft("payments fail", Severity::High).started_at(started);
        let incident = desk.open(draft).await.unwrap().incident;
        let end = IncidentChange::Status { to: IncidentStatus::Resolved, reason: None };
        let by = Actor::Moderator("ann".into());
        let mut over = desk.change(incident.id, &Scope::All, vec![end], &by, None).await.unwrap();
        let seen = over.version;
        over.milestones.resolved_at = Some(started.plus(Duration::from_secs(3 * 3600)));
        over.version += 1;
        store.change_incident(seen, &over, &[]).await.unwrap();
        let mut times = Vec::new();
        let mut said = (0, None);
        for _ in 0..200 {
            let start = Instant::now();
            let timeline = desk.timeline(incident.id, &Scope::All, &TimelineOptions::new()).await.unwrap();
            times.push(start.elapsed());
            said = (timeline.items.len(), timeline.left_out);
        }
        times.sort();
        println!(
            "{name}: {events} events, a page of {} items, {:?} left out: p50 {:?}, p99 {:?}",
            said.0,
            said.1,
            times[times.len() / 2],
            times[times.len() * 99 / 100]
        );
        assert!(said.0 == 100 && said.1.is_some_and(|left_out| left_out > 0));
    }
}
