//! Several at one incident: one wins, nothing is lost, and there is one of it.

use std::time::Duration;

use watchkeeper::Timestamp;
use watchkeeper::desk::{DeskError, alert_key};
use watchkeeper::incident::{
    Actor, ChangeError, EntryKind, Incident, IncidentChange, IncidentDraft, IncidentStatus, Severity,
};
use watchkeeper::store::{IncidentQuery, Scope, TimelineQuery};

use crate::stores::desks;

fn ann() -> Actor {
    Actor::Moderator("ann".into())
}

fn keyed() -> IncidentDraft {
    Incident::draft("payments fail", Severity::High).dedup_key("payments")
}

fn status(to: IncidentStatus) -> Vec<IncidentChange> {
    vec![IncidentChange::Status { to, reason: Some("because".into()) }]
}

#[tokio::test]
async fn of_two_who_update_at_once_one_wins_and_the_other_is_told_how_it_stands() {
    for (name, desk) in desks().await {
        for round in 0..20 {
            let incident = desk.open(Incident::draft("it breaks", Severity::Low)).await.unwrap().incident;
            let change = |who: &str| {
                let (desk, by, id, seen) = (desk.clone(), Actor::Moderator(who.into()), incident.id, incident.version);
                let change = vec![IncidentChange::Title(format!("{who} says so"))];
                tokio::spawn(async move { desk.change(id, &Scope::All, change, &by, Some(seen)).await })
            };
            let answers = [change("ann"), change("bob")];
            let mut won = Vec::new();
            let mut lost = Vec::new();
            for answer in answers {
                match answer.await.unwrap() {
                    Ok(incident) => won.push(incident),
                    Err(DeskError::Stale { seen, current }) => lost.push((seen, *current)),
                    Err(error) => panic!("{name}: {error}"),
                }
            }
            assert_eq!((won.len(), lost.len()), (1, 1), "{name}, round {round}");
            assert_eq!(lost[0], (1, won[0].clone()), "{name}: the other one is told");
            let entries = desk.store().timeline(&TimelineQuery::new(Scope::All, incident.id)).await.unwrap().items;
            assert_eq!(entries.len(), 2, "{name}: one entry of the opening, one of the change");
        }
    }
}

#[tokio::test]
async fn a_hundred_openings_of_one_key_are_one_incident_with_a_hundred_attachments() {
    for (name, desk) in desks().await {
        let tasks: Vec<_> = (0..100)
            .map(|_| {
                let desk = desk.clone();
                tokio::spawn(async move {
                    let opening = desk.open(keyed()).await.unwrap();
                    desk.attach_alert(opening.incident.id, "fp", Timestamp::now()).await.unwrap();
                    (opening.incident.id, opening.is_new)
                })
            })
            .collect();
        let mut ids = Vec::new();
        let mut new = 0;
        for task in tasks {
            let (id, is_new) = task.await.unwrap();
            ids.push(id);
            new += usize::from(is_new);
        }
        ids.sort();
        ids.dedup();
        assert_eq!((ids.len(), new), (1, 1), "{name}");
        let all = desk.store().incidents(&IncidentQuery::new(Scope::All)).await.unwrap().items;
        assert_eq!(all.len(), 1, "{name}");
        let query = TimelineQuery::new(Scope::All, ids[0]).kind(EntryKind::AlertAttached);
        let attached = desk.store().timeline(&query).await.unwrap().items;
        assert_eq!((attached.len(), attached[0].details.get("count")), (1, Some(&100.into())), "{name}");
    }
}

#[tokio::test]
async fn changes_without_a_version_are_all_made() {
    for (name, desk) in desks().await {
        let incident = desk.open(Incident::draft("it breaks", Severity::Low)).await.unwrap().incident;
        let tasks: Vec<_> = (0..20)
            .map(|number| {
                let (desk, id) = (desk.clone(), incident.id);
                let change = vec![IncidentChange::Title(format!("title {number}"))];
                tokio::spawn(async move { desk.change(id, &Scope::All, change, &ann(), None).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let there = desk.incident(incident.id, &Scope::All).await.unwrap();
        assert_eq!(there.version, 21, "{name}");
    }
}

#[tokio::test]
async fn what_fires_again_soon_reopens_and_what_fires_again_later_names_the_one_before() {
    for (name, desk) in desks().await {
        let first = desk.open(keyed()).await.unwrap().incident;
        desk.resolve(first.id, "the alert is over", &Actor::Automation).await.unwrap();
        let again = desk.open(keyed()).await.unwrap();
        assert_eq!((again.incident.id, again.is_reopened), (first.id, true), "{name}");
        assert_eq!(again.incident.status, IncidentStatus::Investigating, "{name}");
        // A cancelled one does not come back by itself.
        desk.change(first.id, &Scope::All, status(IncidentStatus::Cancelled), &ann(), None).await.unwrap();
        let other = desk.open(keyed()).await.unwrap();
        assert_eq!((other.is_new, other.incident.previous), (true, Some(first.id)), "{name}");
        // Nor one that was resolved long ago.
        let long_ago = Timestamp::now().minus(Duration::from_secs(31 * 60));
        let mut old = desk.resolve(other.incident.id, "over", &Actor::Automation).await.unwrap();
        (old.milestones.resolved_at, old.updated_at) = (Some(long_ago), long_ago);
        let seen = old.version;
        old.version += 1;
        desk.store().change_incident(seen, &old, &[]).await.unwrap();
        let third = desk.open(keyed()).await.unwrap();
        assert_eq!((third.is_new, third.incident.previous), (true, Some(other.incident.id)), "{name}");
    }
}

#[tokio::test]
async fn automation_raises_a_severity_and_a_person_lowers_it() {
    for (name, desk) in desks().await {
        let id = desk.open(keyed()).await.unwrap().incident.id;
        let severity = |to| vec![IncidentChange::Severity(to)];
        desk.change(id, &Scope::All, severity(Severity::Critical), &Actor::Automation, None).await.unwrap();
        let lowered = desk.change(id, &Scope::All, severity(Severity::Low), &Actor::Automation, None).await;
        let refused = matches!(lowered, Err(DeskError::Change(ChangeError::SeverityLowered { .. })));
        assert!(refused, "{name}: {lowered:?}");
        let lowered = desk.change(id, &Scope::All, severity(Severity::Low), &ann(), None).await.unwrap();
        assert_eq!(lowered.severity, Severity::Low, "{name}");
    }
}

#[tokio::test]
async fn merging_names_the_other_and_frees_the_key() {
    for (name, desk) in desks().await {
        let (one, other) = (desk.open(keyed()).await.unwrap().incident, Incident::draft("bank down", Severity::High));
        let other = desk.open(other).await.unwrap().incident;
        let merged = desk.merge(one.id, other.id, &ann(), Some(one.version)).await.unwrap();
        let due = (IncidentStatus::Cancelled, Some(other.id));
        assert_eq!((merged.status, merged.merged_into), due, "{name}");
        assert!(desk.open(keyed()).await.unwrap().is_new, "{name}: the key is free again");
        let nobody = watchkeeper::Id::at(Timestamp::now());
        let missing = desk.merge(other.id, nobody, &ann(), None).await;
        assert!(matches!(missing, Err(DeskError::NotFound(id)) if id == nobody), "{name}");
    }
}

#[tokio::test]
async fn an_incident_of_others_is_not_there() {
    for (name, desk) in desks().await {
        let draft = Incident::draft("mine", Severity::Low).created_by("ann");
        let id = desk.open(draft).await.unwrap().incident.id;
        let bob = Scope::CreatedBy("bob".into());
        let by = Actor::Person("bob".into());
        let title = vec![IncidentChange::Title("bob's".into())];
        assert!(matches!(desk.incident(id, &bob).await, Err(DeskError::NotFound(_))), "{name}");
        assert!(matches!(desk.change(id, &bob, title, &by, None).await, Err(DeskError::NotFound(_))), "{name}");
        assert!(matches!(desk.note(id, &bob, "hello", &by).await, Err(DeskError::NotFound(_))), "{name}");
        let options = watchkeeper::desk::TimelineOptions::new();
        assert!(matches!(desk.timeline(id, &bob, &options).await, Err(DeskError::NotFound(_))), "{name}");
        assert!(matches!(desk.note(id, &Scope::All, "", &by).await, Err(DeskError::Invalid(_))), "{name}");
    }
}

#[test]
fn the_key_of_alerts_does_not_depend_on_the_order_of_labels() {
    let rule = watchkeeper::Id::at(Timestamp::EPOCH);
    let pairs = [("host", "a"), ("job", "shop"), ("zone", "x")];
    let labels = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let mut turned = pairs;
    turned.reverse();
    assert_eq!(alert_key(rule, &labels(&pairs)), alert_key(rule, &labels(&turned)));
    assert_ne!(alert_key(rule, &labels(&pairs)), alert_key(rule, &labels(&pairs[1..])));
}

#[tokio::test]
async fn whoever_opens_it_again_with_a_higher_severity_raises_it_and_nobody_lowers_it() {
    let draft = |severity| Incident::draft("payments fail", severity).dedup_key("payments");
    for (name, desk) in desks().await {
        let first = desk.open(draft(Severity::Medium)).await.unwrap().incident;
        let lower = desk.open(draft(Severity::Low)).await.unwrap();
        assert_eq!((lower.is_new, lower.incident), (false, first.clone()), "{name}: nothing is lowered");

        let raised = desk.open(draft(Severity::High)).await.unwrap();
        assert_eq!(
            (raised.is_new, raised.is_reopened, raised.incident.severity),
            (false, false, Severity::High),
            "{name}"
        );
        assert_eq!((raised.incident.id, raised.incident.version), (first.id, 2), "{name}");

        let over = desk.resolve(first.id, "over", &Actor::Automation).await.unwrap();
        let back = desk.open(draft(Severity::Critical)).await.unwrap();
        assert_eq!(
            (back.is_new, back.is_reopened, back.incident.severity),
            (false, true, Severity::Critical),
            "{name}"
        );
        let entries = desk.store().timeline(&TimelineQuery::new(Scope::All, first.id).limit(2)).await.unwrap().items;
        let kinds: Vec<_> = entries.iter().map(|entry| &entry.kind).collect();
        assert_eq!(kinds, [&EntryKind::SeverityChanged, &EntryKind::Reopened], "{name}: both or none");
        assert_eq!(back.incident.version, over.version + 2, "{name}");

        let many: Vec<_> = (0..40)
            .map(|number| {
                let (desk, severity) = (desk.clone(), Severity::ALL[number % Severity::ALL.len()]);
                let draft = Incident::draft("search is slow", severity).dedup_key("search");
                tokio::spawn(async move { desk.open(draft).await.unwrap().incident.id })
            })
            .collect();
        let mut found = Vec::new();
        for one in many {
            found.push(one.await.unwrap());
        }
        found.dedup();
        assert_eq!(found.len(), 1, "{name}");
        let worst = desk.incident(found[0], &Scope::All).await.unwrap();
        assert_eq!(worst.severity, Severity::Critical, "{name}");
    }
}
