//! The law of incidents and their timelines.

use std::slice::from_ref;
use std::time::Duration;

use super::{ok, side_by_side, time};
use crate::id::Id;
use crate::incident::{
    Actor, EntryKind, Incident, IncidentChange, IncidentDraft, IncidentStatus, Severity, TimelineEntry,
};
use crate::store::{Appended, Changed, IncidentQuery, IncidentStore, Opened, Page, Scope, TimelineQuery};
use crate::timestamp::Timestamp;

fn told(title: &str) -> IncidentDraft {
    Incident::draft(title, Severity::High)
}

fn at(draft: IncidentDraft, micros: i64) -> (Incident, TimelineEntry) {
    draft.check(time(micros)).expect("a law tells nothing that needs repair")
}

async fn open(store: &dyn IncidentStore, draft: IncidentDraft, micros: i64) -> Incident {
    let (incident, created) = at(draft, micros);
    assert_eq!(ok(store.open_incident(&incident, &created)).await, Opened::New);
    incident
}

fn change(incident: &Incident, to: IncidentStatus, now: Timestamp) -> (Incident, TimelineEntry) {
    let to = IncidentChange::Status { to, reason: Some("so it is".into()) };
    incident
        .change(to, &Actor::Moderator("ann".into()), now)
        .expect("there is such a step")
        .expect("it is another state")
}

async fn entries(store: &dyn IncidentStore, incident: Id) -> Vec<TimelineEntry> {
    ok(store.timeline(&TimelineQuery::new(Scope::All, incident).oldest_first())).await.items
}

/// An incident comes back with all that it had, and its timeline begins with its opening.
pub async fn what_is_opened_is_read_back_whole(store: &dyn IncidentStore) {
    let draft = told("payments ü\"'\\ fail").description("1\n2").created_by("ann").assigned_to("bob").dedup_key("k");
    let (incident, created) = at(draft.previous(Id::at(time(0))).started_at(time(-5)), 0);
    assert_eq!(ok(store.open_incident(&incident, &created)).await, Opened::New);
    assert_eq!(ok(store.incident(incident.id, &Scope::All)).await, Some(incident.clone()));
    assert_eq!(ok(store.incidents(&IncidentQuery::new(Scope::All))).await.items, from_ref(&incident));
    assert_eq!(entries(store, incident.id).await, from_ref(&created));
    // Opened again, because the answer was lost, it is there already.
    let again = ok(store.open_incident(&incident, &created)).await;
    assert_eq!(again, Opened::Existing(Box::new(incident)));
}

/// A second report of the same thing finds the first.
pub async fn a_key_has_one_active_incident(store: &dyn IncidentStore) {
    let first = open(store, told("first").dedup_key("k"), 0).await;
    let (second, created) = at(told("second").dedup_key("k"), 1);
    let opened = ok(store.open_incident(&second, &created)).await;
    assert_eq!(opened, Opened::Existing(Box::new(first.clone())));
    assert_eq!(ok(store.incident(second.id, &Scope::All)).await, None);
    assert_eq!(entries(store, second.id).await, []);
    // Another key is another thing, and so is no key at all.
    open(store, told("other").dedup_key("l"), 2).await;
    open(store, told("none"), 3).await;
    open(store, told("none"), 4).await;
}

/// However many open it at once, one is opened, and all others find that one.
pub async fn a_hundred_openings_at_once_open_one(store: &dyn IncidentStore) {
    let drafts: Vec<_> = (0..100).map(|n| at(told(&format!("report {n}")).dedup_key("k"), n)).collect();
    let calls = drafts.iter().map(|(incident, created)| Box::pin(ok(store.open_incident(incident, created))) as _);
    let opened: Vec<Opened> = side_by_side(calls.collect()).await;
    assert_eq!(opened.iter().filter(|opened| **opened == Opened::New).count(), 1);
    let there = ok(store.incidents(&IncidentQuery::new(Scope::All))).await.items;
    assert_eq!(there.len(), 1);
    for opened in opened {
        let Opened::Existing(found) = opened else { continue };
        assert_eq!(*found, there[0]);
    }
}

/// Of two who change the same version, one wins and the other is told how it stands.
pub async fn of_two_changes_at_once_one_is_stale(store: &dyn IncidentStore) {
    let incident = open(store, told("t"), 0).await;
    let both = [IncidentStatus::Investigating, IncidentStatus::Resolved].map(|to| change(&incident, to, time(1)));
    let calls =
        both.iter().map(|(changed, entry)| Box::pin(ok(store.change_incident(1, changed, from_ref(entry)))) as _);
    let answers: Vec<Changed<Incident>> = side_by_side(calls.collect()).await;
    let there = ok(store.incident(incident.id, &Scope::All)).await.expect("it is there");
    assert_eq!(answers.iter().filter(|answer| **answer == Changed::Done).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == Changed::Stale(Box::new(there.clone()))).count(), 1);
    assert_eq!((there.version, entries(store, incident.id).await.len()), (2, 2));
}

/// The entries of a change are there when it is, and not when it is not.
pub async fn a_change_and_its_entry_come_together(store: &dyn IncidentStore) {
    let incident = open(store, told("t"), 0).await;
    let (next, entry) = change(&incident, IncidentStatus::Investigating, time(1));
    let comment = TimelineEntry::new(incident.id, EntryKind::Comment, time(1)).message("looking");
    let both = [entry, comment];
    assert_eq!(ok(store.change_incident(1, &next, &both)).await, Changed::Done);
    assert_eq!(ok(store.incident(incident.id, &Scope::All)).await, Some(next.clone()));
    assert_eq!(entries(store, incident.id).await[1..], both);
    let (late, entry) = change(&incident, IncidentStatus::Resolved, time(2));
    let stale = ok(store.change_incident(1, &late, &[entry])).await;
    assert_eq!(stale, Changed::Stale(Box::new(next)));
    assert_eq!(entries(store, incident.id).await[1..], both);
}

/// Once an incident is over, its key may be another's.
pub async fn a_key_is_free_again_when_its_incident_is_over(store: &dyn IncidentStore) {
    let mut incident = open(store, told("first").dedup_key("k"), 0).await;
    for to in [IncidentStatus::Investigating, IncidentStatus::Mitigated, IncidentStatus::Resolved] {
        let (second, created) = at(told("second").dedup_key("k"), 5);
        let existing = ok(store.open_incident(&second, &created)).await;
        assert_eq!(existing, Opened::Existing(Box::new(incident.clone())), "while it is {}", incident.status);
        let (next, entry) = change(&incident, to, time(1));
        assert_eq!(ok(store.change_incident(incident.version, &next, &[entry])).await, Changed::Done);
        incident = next;
    }
    open(store, told("second").dedup_key("k").previous(incident.id), 6).await;
}

/// An incident cannot come back while another has its key.
pub async fn a_key_that_was_taken_meanwhile_stays_taken(store: &dyn IncidentStore) {
    let first = open(store, told("first").dedup_key("k"), 0).await;
    let (resolved, entry) = change(&first, IncidentStatus::Resolved, time(1));
    ok(store.change_incident(1, &resolved, &[entry])).await;
    let second = open(store, told("second").dedup_key("k"), 2).await;
    let (again, entry) = change(&resolved, IncidentStatus::Investigating, time(3));
    let answer = ok(store.change_incident(2, &again, &[entry])).await;
    assert_eq!(answer, Changed::KeyTaken(Box::new(second)));
    assert_eq!(ok(store.incident(first.id, &Scope::All)).await, Some(resolved));
    assert_eq!(entries(store, first.id).await.len(), 2);
}

/// What is not there is answered as absent.
pub async fn an_absent_incident_is_no_error(store: &dyn IncidentStore) {
    let (incident, created) = at(told("t"), 0);
    let (next, entry) = change(&incident, IncidentStatus::Resolved, time(1));
    assert_eq!(ok(store.incident(incident.id, &Scope::All)).await, None);
    assert_eq!(ok(store.change_incident(1, &next, &[entry])).await, Changed::Absent);
    assert_eq!(ok(store.add_entry(&created)).await, Appended::Refused);
    assert_eq!(ok(store.attach_alert(incident.id, "f", time(1))).await, None);
    assert_eq!(entries(store, incident.id).await, []);
}

/// A hundred alerts at once leave one entry that counts a hundred.
pub async fn every_alert_that_is_attached_is_counted(store: &dyn IncidentStore) {
    let incident = open(store, told("t"), 0).await;
    let calls = (0..100).map(|n| Box::pin(ok(store.attach_alert(incident.id, "f", time(1 + n)))) as _);
    let mut counts: Vec<Option<u64>> = side_by_side(calls.collect()).await;
    counts.sort_unstable();
    assert_eq!(counts, (1..=100).map(Some).collect::<Vec<_>>());
    assert_eq!(ok(store.attach_alert(incident.id, "g", time(0))).await, Some(1));
    let attached = TimelineQuery::new(Scope::All, incident.id).kind(EntryKind::AlertAttached);
    let attached = ok(store.timeline(&attached)).await.items;
    assert_eq!(attached.len(), 2);
    let counted = attached.iter().find(|entry| entry.details.get("fingerprint") == Some(&"f".into()));
    let details = &counted.expect("there is an entry").details;
    assert_eq!(details.get("count"), Some(&100.into()));
    assert_eq!(details.get("first_at"), Some(&time(1).to_string().into()));
    assert_eq!(details.get("last_at"), Some(&time(100).to_string().into()));
}

/// An entry of a kind that this version does not know comes back as it was.
pub async fn an_unknown_kind_survives_word_for_word(store: &dyn IncidentStore) {
    let incident = open(store, told("t"), 0).await;
    let entry = TimelineEntry::new(incident.id, EntryKind::from("Quantum flux/é"), time(1))
        .by(Some("ann"))
        .message("m")
        .detail("x", vec![1, 2]);
    assert_eq!(ok(store.add_entry(&entry)).await, Appended::Stored);
    assert_eq!(ok(store.add_entry(&entry)).await, Appended::Duplicate);
    assert_eq!(entries(store, incident.id).await[1..], *from_ref(&entry));
    let query = TimelineQuery::new(Scope::All, incident.id).kind(entry.kind.clone());
    assert_eq!(ok(store.timeline(&query)).await.items, [entry]);
}

/// An incident is found when every condition holds for it, an entry likewise.
pub async fn conditions_hold_together(store: &dyn IncidentStore) {
    let full = || told("t").created_by("ann").assigned_to("bob");
    let wanted = open(store, full().dedup_key("k"), 5).await;
    open(store, Incident::draft("t", Severity::Low).created_by("ann").assigned_to("bob"), 5).await;
    open(store, told("t").created_by("ann"), 5).await;
    open(store, full().created_by("bob"), 5).await;
    open(store, full(), 3).await;
    open(store, full(), 8).await;
    let over = open(store, full(), 5).await;
    let (over, entry) = change(&over, IncidentStatus::Resolved, time(6));
    ok(store.change_incident(1, &over, &[entry])).await;
    let query = || IncidentQuery::new(Scope::CreatedBy("ann".into())).severity(Severity::High).assigned_to("bob");
    let query = || query().start(time(4)).end(time(7));
    assert_eq!(ok(store.incidents(&query().active())).await.items, from_ref(&wanted));
    assert_eq!(ok(store.incidents(&query().status(IncidentStatus::Resolved))).await.items, from_ref(&over));
    assert_eq!(ok(store.incidents(&query())).await.items, [over.clone(), wanted.clone()]);
    assert_eq!(ok(store.incidents(&query().dedup_key("k"))).await.items, [wanted]);
    let late = TimelineQuery::new(Scope::All, over.id).start(time(6)).end(time(6));
    assert_eq!(ok(store.timeline(&late)).await.items.len(), 1);
}

/// Another's incident is not there, nor is its timeline.
pub async fn the_scope_is_part_of_the_query(store: &dyn IncidentStore) {
    let ann = open(store, told("a").created_by("ann"), 0).await;
    let app = open(store, told("b"), 1).await;
    let scope = Scope::CreatedBy("ann".into());
    assert_eq!(ok(store.incidents(&IncidentQuery::new(scope.clone()))).await.items, from_ref(&ann));
    assert_eq!(ok(store.incident(app.id, &scope)).await, None);
    assert_eq!(ok(store.timeline(&TimelineQuery::new(scope.clone(), app.id))).await, Page::default());
    assert_eq!(ok(store.timeline(&TimelineQuery::new(scope, ann.id))).await.items.len(), 1);
}

/// Incidents and entries come in pages as events do.
pub async fn following_the_cursors_finds_each_once(store: &dyn IncidentStore) {
    let mut incidents = Vec::new();
    for n in 0..10 {
        incidents.push(open(store, told(&format!("t{n}")), n / 3).await);
    }
    for n in 0..9 {
        let entry = TimelineEntry::new(incidents[0].id, EntryKind::Comment, time(50 + n / 4)).message(n.to_string());
        ok(store.add_entry(&entry)).await;
    }
    let mut query = IncidentQuery::new(Scope::All).limit(3);
    let mut found = Vec::new();
    loop {
        let page = ok(store.incidents(&query)).await;
        found.extend(page.items);
        let Some(next) = page.next else { break };
        query = query.after(next);
    }
    found.reverse();
    assert_eq!(found, incidents);

    let expected = entries(store, incidents[0].id).await;
    let mut query = TimelineQuery::new(Scope::All, incidents[0].id).oldest_first().limit(5);
    let mut found = Vec::new();
    loop {
        let page = ok(store.timeline(&query)).await;
        found.extend(page.items);
        let Some(next) = page.next else { break };
        query = query.after(next);
    }
    assert_eq!((found.len(), &found), (10, &expected));
    assert!(found.windows(2).all(|pair| pair[0].timestamp <= pair[1].timestamp));
}

/// The count is of those that go on.
pub async fn active_incidents_are_counted(store: &dyn IncidentStore) {
    let mut incidents = Vec::new();
    for n in 0..3 {
        incidents.push(open(store, told("t"), n).await);
    }
    assert_eq!(ok(store.active_incidents()).await, 3);
    let now = time(0).plus(Duration::from_secs(1));
    for (to, active) in [(IncidentStatus::Mitigated, 3), (IncidentStatus::Resolved, 2), (IncidentStatus::Closed, 2)] {
        let (next, entry) = change(&incidents[0], to, now);
        ok(store.change_incident(incidents[0].version, &next, &[entry])).await;
        incidents[0] = next;
        assert_eq!(ok(store.active_incidents()).await, active, "after {to}");
    }
}

/// An event that is kept as evidence is seen by whoever may see the event.
pub async fn evidence_is_in_the_scope_of_its_event(store: &dyn IncidentStore) {
    let incident = open(store, told("a").created_by("ann"), 0).await;
    for who in [Some("ann"), Some("bob"), None] {
        let entry = TimelineEntry::new(incident.id, EntryKind::Event, time(1)).by(who).message("refused");
        assert_eq!(ok(store.add_entry(&entry)).await, Appended::Stored);
    }
    let query = |scope| TimelineQuery::new(scope, incident.id).kind(EntryKind::Event);
    assert_eq!(ok(store.timeline(&query(Scope::All))).await.items.len(), 3);
    let seen = ok(store.timeline(&query(Scope::CreatedBy("ann".into())))).await.items;
    assert_eq!(seen.iter().map(|entry| entry.created_by.as_deref()).collect::<Vec<_>>(), [Some("ann")]);
}

/// Entries that are added together are answered as they would be one after the other.
pub async fn entries_are_added_together_as_one_by_one(store: &dyn IncidentStore) {
    let incidents = [open(store, told("a"), 0).await, open(store, told("b"), 0).await];
    let of = |incident: &Incident| TimelineEntry::new(incident.id, EntryKind::Comment, time(1)).message("m");
    let (absent, _) = at(told("c"), 0);
    let new = [of(&incidents[0]), of(&incidents[1]), of(&absent)];
    assert_eq!(ok(store.add_entry(&new[0])).await, Appended::Stored);
    let given = [new[0].clone(), new[1].clone(), new[2].clone(), new[1].clone()];
    let expected = [Appended::Duplicate, Appended::Stored, Appended::Refused, Appended::Duplicate];
    assert_eq!(ok(store.add_entries(&given)).await, expected);
    for at in [0, 1] {
        assert_eq!(entries(store, incidents[at].id).await[1..], new[at..=at]);
    }
    assert_eq!(ok(store.add_entries(&[])).await, []);
}
