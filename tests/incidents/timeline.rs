//! The timeline: all of what happened in an incident's time, once, in order, beside a model that looks at everything.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use watchkeeper::desk::{Desk, Timeline, TimelineItem, TimelineOptions};
use watchkeeper::event::{Event, EventType, Level, TimeWindow};
use watchkeeper::incident::{Actor, EntryKind, Incident, IncidentChange, IncidentStatus, Severity};
use watchkeeper::store::{Order, Scope};
use watchkeeper::{Id, Timestamp};

use crate::stores::desks;

/// An event by its age before the incident's start in minutes (below zero after it), level, type and maker.
type Told = (i32, Option<Level>, EventType, bool);

fn told() -> impl Strategy<Value = Told> {
    let level = proptest::option::of(proptest::sample::select(Level::ALL));
    let event_type = proptest::sample::select(EventType::ALL);
    (-40..100i32, level, event_type, any::<bool>())
}

fn moved(time: Timestamp, minutes: i32) -> Timestamp {
    let by = Duration::from_secs(60 * u64::from(minutes.unsigned_abs()));
    if minutes < 0 { time.minus(by) } else { time.plus(by) }
}

async fn all_pages(desk: &Desk, id: Id, scope: &Scope, options: TimelineOptions) -> Vec<TimelineItem> {
    let (mut items, mut options) = (Vec::new(), options);
    loop {
        let page = desk.timeline(id, scope, &options).await.unwrap();
        assert!(page.items.len() <= options.limit);
        items.extend(page.items);
        let Some(next) = page.next else { return items };
        options = options.after(next);
    }
}

async fn compare(told: Vec<Told>, notes: usize, min_level: Option<Level>, own: bool, limit: usize, oldest: bool) {
    let now = Timestamp::now();
    let started = now.minus(Duration::from_secs(50 * 60));
    for (name, desk) in desks().await {
        let maker = |own: bool| if own { "ann" } else { "bob" };
        let draft = Incident::draft("it breaks", Severity::High).created_by("ann").started_at(started);
        let incident = desk.open(draft).await.unwrap().incident;
        let window = TimeWindow::days(30);
        let make = |(age, level, event_type, own): &Told| {
            let mut draft = Event::of_type(*event_type, "shop").at(moved(started, -age)).created_by(maker(*own));
            if let Some(level) = level {
                draft = draft.level(*level);
            }
            Arc::new(draft.accept(window, now).0)
        };
        let events: Vec<_> = told.iter().map(make).collect();
        desk.store().append_events(&events).await.unwrap();
        for note in 0..notes {
            desk.note(incident.id, &Scope::All, &format!("note {note}"), &Actor::Person("ann".into())).await.unwrap();
        }
        let raise = vec![IncidentChange::Severity(Severity::Critical)];
        desk.change(incident.id, &Scope::All, raise, &Actor::Automation, None).await.unwrap();

        // The model looks at everything.
        let from = started.minus(Duration::from_secs(3600));
        let in_time = |event: &Event| event.timestamp() >= from && event.timestamp() <= Timestamp::now();
        let shown =
            |event: &Event| min_level.is_none() || event.event_type() == EventType::Alert || event.level() >= min_level;
        let scope = if own { Scope::CreatedBy("ann".into()) } else { Scope::All };
        let visible = |event: &Event| !own || event.created_by() == Some("ann");
        let mut due: Vec<Id> = events
            .iter()
            .filter(|event| in_time(event) && shown(event) && visible(event))
            .map(|event| event.id())
            .collect();
        let query = watchkeeper::store::TimelineQuery::new(Scope::All, incident.id).limit(1000);
        due.extend(desk.store().timeline(&query).await.unwrap().items.iter().map(|entry| entry.id));
        due.sort();
        if !oldest {
            due.reverse();
        }

        let mut options = TimelineOptions::new().min_level(min_level).limit(limit);
        options.order = if oldest { Order::OldestFirst } else { Order::NewestFirst };
        let items = all_pages(&desk, incident.id, &scope, options.clone()).await;
        let ids: Vec<_> = items.iter().map(TimelineItem::id).collect();
        assert_eq!(ids, due, "{name}");

        let offset = due.len() / 2;
        let page = desk.timeline(incident.id, &scope, &options.clone().offset(offset)).await.unwrap();
        let ids: Vec<_> = page.items.iter().map(TimelineItem::id).collect();
        assert_eq!(ids, due[offset..due.len().min(offset + limit)], "{name}, from {offset} on");

        let hidden = events.iter().filter(|event| in_time(event) && !shown(event)).count() as u64;
        let left_out = if min_level.is_none() { Some(0) } else { (!own).then_some(hidden) };
        // Counts are of whole minutes, and the first minute may have begun before the time.
        let edge = events.iter().filter(|event| event.timestamp() < from && !shown(event));
        let edge = edge.filter(|event| event.timestamp() >= from.minus(Duration::from_secs(60))).count() as u64;
        let later = events.iter().filter(|event| event.timestamp() > now && !shown(event));
        let later = later.filter(|event| event.timestamp() <= now.plus(Duration::from_secs(60))).count() as u64;
        match (page.left_out, left_out) {
            (Some(said), Some(due)) => assert!((due..=due + edge + later).contains(&said), "{name}: {said} for {due}"),
            (said, due) => assert_eq!(said, due, "{name}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_timeline_is_what_a_look_at_everything_finds(
        told in proptest::collection::vec(told(), 0..60),
        notes in 0..4usize,
        min_level in proptest::option::of(proptest::sample::select(Level::ALL)),
        own in any::<bool>(),
        limit in 1..20usize,
        oldest in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(compare(told, notes, min_level, own, limit, oldest));
    }
}

#[tokio::test]
async fn an_incident_that_is_over_shows_no_event_of_later() {
    for (name, desk) in desks().await {
        let incident = desk.open(Incident::draft("it breaks", Severity::High)).await.unwrap().incident;
        let event =
            || Arc::new(Event::log("shop").level(Level::Error).accept(TimeWindow::default(), Timestamp::now()).0);
        let (before, after) = (event(), {
            desk.resolve(incident.id, "over", &Actor::Automation).await.unwrap();
            event()
        });
        desk.store().append_events(&[Arc::clone(&before), Arc::clone(&after)]).await.unwrap();
        let timeline = desk.timeline(incident.id, &Scope::All, &TimelineOptions::new()).await.unwrap();
        let ids: Vec<_> = timeline.items.iter().map(TimelineItem::id).collect();
        assert!(ids.contains(&before.id()) && !ids.contains(&after.id()), "{name}: {ids:?}");
    }
}

fn error(now: Timestamp) -> Arc<Event> {
    Arc::new(Event::log("shop").level(Level::Error).accept(TimeWindow::default(), now).0)
}

fn ids(timeline: &Timeline) -> Vec<Id> {
    timeline.items.iter().map(TimelineItem::id).collect()
}

#[tokio::test]
async fn a_cancelled_incident_ended_when_it_was_cancelled_whatever_is_written_later() {
    let ann = Actor::Moderator("ann".into());
    for (name, desk) in desks().await {
        let [cancelled, merged, other] = ["a", "b", "c"].map(|title| Incident::draft(title, Severity::High));
        let cancelled = desk.open(cancelled).await.unwrap().incident;
        let merged = desk.open(merged).await.unwrap().incident;
        let other = desk.open(other).await.unwrap().incident;
        let before = error(Timestamp::now());
        let cancel = IncidentChange::Status { to: IncidentStatus::Cancelled, reason: Some("it was none".into()) };
        desk.change(cancelled.id, &Scope::All, vec![cancel], &ann, None).await.unwrap();
        desk.merge(merged.id, other.id, &ann, None).await.unwrap();
        let after = error(Timestamp::now());
        desk.store().append_events(&[Arc::clone(&before), Arc::clone(&after)]).await.unwrap();
        for incident in [cancelled, merged] {
            let told = IncidentChange::RootCause(Some("a test".into()));
            desk.change(incident.id, &Scope::All, vec![told], &ann, None).await.unwrap();
            let timeline = desk.timeline(incident.id, &Scope::All, &TimelineOptions::new()).await.unwrap();
            let ids = ids(&timeline);
            assert!(ids.contains(&before.id()) && !ids.contains(&after.id()), "{name}: {timeline:?}");
        }
    }
}

#[tokio::test]
async fn options_that_are_out_of_range_are_the_nearest_that_are_in_it() {
    for (name, desk) in desks().await {
        let incident = desk.open(Incident::draft("it breaks", Severity::High)).await.unwrap().incident;
        let events: Vec<_> = (0..1100).map(|_| error(Timestamp::now())).collect();
        desk.store().append_events(&events).await.unwrap();
        let page = async |limit, offset| {
            let mut options = TimelineOptions::new();
            (options.limit, options.offset) = (limit, offset);
            desk.timeline(incident.id, &Scope::All, &options).await.unwrap()
        };
        let most = page(usize::MAX, 0).await;
        assert_eq!((most.items.len(), most.next.is_some()), (1000, true), "{name}");
        assert_eq!(page(0, 0).await.items.len(), 1, "{name}");
        let behind = page(usize::MAX, usize::MAX).await;
        assert_eq!((behind.items.len(), behind.next), (0, None), "{name}");
    }
}

#[tokio::test]
async fn a_timeline_is_of_the_kinds_that_are_asked_for() {
    for (name, desk) in desks().await {
        let incident = desk.open(Incident::draft("it breaks", Severity::Low)).await.unwrap().incident;
        let note = desk.note(incident.id, &Scope::All, "look", &Actor::Automation).await.unwrap();
        let raise = vec![IncidentChange::Severity(Severity::High)];
        desk.change(incident.id, &Scope::All, raise, &Actor::Automation, None).await.unwrap();
        let event = error(Timestamp::now());
        desk.store().append_events(&[Arc::clone(&event)]).await.unwrap();
        let find = async |options: TimelineOptions| desk.timeline(incident.id, &Scope::All, &options).await.unwrap();

        let comments = TimelineOptions::new().oldest_first().kind(EntryKind::Comment);
        assert_eq!(ids(&find(comments.clone()).await), [note.id, event.id()], "{name}");
        let alone = find(comments.without_events()).await;
        assert_eq!((ids(&alone), alone.left_out), (vec![note.id], None), "{name}");
        let kinds = TimelineOptions::new().without_events().kind(EntryKind::SeverityChanged).kind(EntryKind::Created);
        assert_eq!(find(kinds).await.items.len(), 2, "{name}");
    }
}
