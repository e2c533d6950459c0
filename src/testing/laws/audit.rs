//! The law of the audit.

use super::{ok, time};
use crate::audit::{AuditOutcome, AuditRecord};
use crate::store::{Appended, AuditQuery, AuditStore};

fn record(micros: i64, who: &str, target: &str) -> AuditRecord {
    AuditRecord::new("incident.change", AuditOutcome::Done, time(micros)).by(Some(who)).target(target)
}

/// A record comes back with all that it had.
pub async fn a_record_is_read_back_whole(store: &dyn AuditStore) {
    let full = record(0, "ann", "incident 1").role(Some("moderator")).address(Some("192.0.2.7")).detail("fields", "ü");
    let bare = AuditRecord::new("events.read", AuditOutcome::Refused, time(1));
    assert_eq!(ok(store.append_audit(&[full.clone(), bare.clone()])).await, [Appended::Stored; 2]);
    assert_eq!(ok(store.audit(&AuditQuery::new())).await.items, [bare, full]);
    assert_eq!(ok(store.append_audit(&[])).await, []);
}

/// A record that is there stays as it was.
pub async fn a_record_is_never_changed(store: &dyn AuditStore) {
    let first = record(0, "ann", "incident 1");
    let mut forged = first.clone();
    forged.who = Some("bob".to_owned());
    assert_eq!(ok(store.append_audit(&[first.clone(), forged.clone()])).await, [Appended::Stored, Appended::Duplicate]);
    assert_eq!(ok(store.append_audit(&[forged])).await, [Appended::Duplicate]);
    assert_eq!(ok(store.audit(&AuditQuery::new())).await.items, [first]);
}

/// Records are found by caller, action, target, outcome and time, all together.
pub async fn records_are_found_by_what_they_say(store: &dyn AuditStore) {
    let mut records = [record(0, "ann", "a"), record(1, "bob", "a"), record(2, "ann", "b"), record(3, "ann", "a")];
    records[3].outcome = AuditOutcome::Refused;
    ok(store.append_audit(&records)).await;
    let found = async |query: AuditQuery| {
        let page = ok(store.audit(&query)).await;
        page.items
            .iter()
            .map(|found| records.iter().position(|record| record == found).expect("one of these"))
            .collect()
    };
    let expect: [(AuditQuery, Vec<usize>); 7] = [
        (AuditQuery::new().who("ann"), vec![3, 2, 0]),
        (AuditQuery::new().who("ann").target("a"), vec![3, 0]),
        (AuditQuery::new().who("ann").target("a").outcome(AuditOutcome::Done), vec![0]),
        (AuditQuery::new().action("incident.change").oldest_first(), vec![0, 1, 2, 3]),
        (AuditQuery::new().action("incident"), vec![]),
        (AuditQuery::new().start(time(1)).end(time(2)), vec![2, 1]),
        (AuditQuery::new().who("ann\0"), vec![]),
    ];
    for (query, due) in expect {
        let places: Vec<usize> = found(query.clone()).await;
        assert_eq!(places, due, "{query:?}");
    }
}

/// Whoever follows the cursors gets each record once.
pub async fn the_cursors_lead_to_every_record(store: &dyn AuditStore) {
    let records: Vec<_> = (0..25).map(|micros| record(micros, "ann", "a")).collect();
    ok(store.append_audit(&records)).await;
    let (mut found, mut query) = (Vec::new(), AuditQuery::new().limit(7).oldest_first());
    loop {
        let page = ok(store.audit(&query)).await;
        found.extend(page.items);
        let Some(next) = page.next else { break };
        query = query.after(next);
    }
    assert_eq!(found, records);
}
