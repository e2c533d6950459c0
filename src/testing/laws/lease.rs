//! The law of leases, runs and progress.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::{ok, side_by_side, time};
use crate::store::{
    Instance, Lease, LeaseStore, Leased, MAX_LEASE_NAME_BYTES, RunClaim, RunStatus, StoreErrorKind, TaskRun,
};

/// Long enough for no law to see its end.
const LONG: Duration = Duration::from_secs(3600);

async fn held(store: &dyn LeaseStore, name: &str, holder: &str, time: Duration) -> Lease {
    match ok(store.acquire_lease(name, holder, time)).await {
        Leased::Held(lease) => lease,
        Leased::Taken(lease) => panic!("{holder} is told that {name} is {}'s", lease.holder),
    }
}

fn claim(task: &str, slot: i64, fence: u64) -> RunClaim {
    RunClaim { task: task.to_owned(), slot: time(slot), holder: format!("holder {fence}"), fence }
}

/// Of twenty who ask at once one holds the lease, and the others are told who.
pub async fn a_lease_has_one_holder_at_a_time(store: &dyn LeaseStore) {
    let holders: Vec<String> = (0..20).map(|n| format!("é {n}")).collect();
    let calls = holders.iter().map(|holder| Box::pin(ok(store.acquire_lease("lead", holder, LONG))) as _);
    let answers: Vec<Leased> = side_by_side(calls.collect()).await;
    let winners: Vec<_> = answers.iter().filter_map(|answer| answer.clone().held()).collect();
    assert_eq!(winners.len(), 1, "{answers:?}");
    let winner = &winners[0];
    assert!(winner.until > winner.now && winner.until <= winner.now.plus(LONG));
    for answer in answers {
        let (Leased::Held(lease) | Leased::Taken(lease)) = answer;
        assert_eq!((&lease.holder, lease.fence, lease.until), (&winner.holder, winner.fence, winner.until));
    }
    // Another name is another lease.
    held(store, "other", "é 99", LONG).await;
}

/// Whoever does not renew a lease loses it at its end, and the number says so.
pub async fn a_lease_that_has_ended_is_anothers_under_a_higher_fence(store: &dyn LeaseStore) {
    let first = held(store, "lead", "a", Duration::from_millis(50)).await;
    let second = loop {
        match ok(store.acquire_lease("lead", "b", LONG)).await {
            Leased::Held(lease) => break lease,
            Leased::Taken(lease) => assert!(lease.now < first.until, "it is still a's at {:?}", lease.now),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert!(second.now >= first.until && second.fence > first.fence, "{first:?}, {second:?}");
    let back = ok(store.acquire_lease("lead", "a", LONG)).await;
    assert!(matches!(back, Leased::Taken(lease) if lease.holder == "b" && lease.fence == second.fence));
    assert!(!ok(store.release_lease("lead", "a")).await);
}

/// A renewal moves the end, and the number stays, be the end over or not.
pub async fn a_holder_who_comes_back_before_anybody_else_keeps_the_fence(store: &dyn LeaseStore) {
    let first = held(store, "lead", "a", Duration::from_millis(1)).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let second = held(store, "lead", "a", LONG).await;
    let third = held(store, "lead", "a", LONG).await;
    assert_eq!((first.fence, second.fence), (second.fence, third.fence));
    assert!(first.until < second.until && second.until <= third.until);
}

/// A lease may be given back, and goes to the next one at once.
pub async fn a_lease_that_is_given_back_is_free(store: &dyn LeaseStore) {
    let first = held(store, "lead", "a", LONG).await;
    assert!(!ok(store.release_lease("lead", "b")).await);
    assert!(ok(store.release_lease("lead", "a")).await);
    assert!(!ok(store.release_lease("lead", "a")).await);
    assert!(!ok(store.release_lease("none", "a")).await);
    let second = held(store, "lead", "b", LONG).await;
    assert!(second.fence > first.fence);
    assert!(ok(store.release_lease("lead", "b")).await);
    let third = held(store, "lead", "a", LONG).await;
    assert!(third.fence > second.fence);
}

/// Of twenty who begin the same run at once one does, and none again.
pub async fn a_run_is_begun_once_for_a_slot(store: &dyn LeaseStore) {
    let run = claim("sweep", 0, 1);
    let calls = (0..20).map(|_| Box::pin(ok(store.begin_run(&run))) as _).collect();
    let begun: Vec<bool> = side_by_side(calls).await;
    assert_eq!(begun.iter().filter(|begun| **begun).count(), 1);
    assert!(ok(store.begin_run(&claim("sweep", 1, 1))).await);
    assert!(ok(store.begin_run(&claim("dust", 0, 1))).await);
    assert!(ok(store.end_run(&run, RunStatus::Error, None)).await);
    assert!(!ok(store.end_run(&run, RunStatus::Success, None)).await);
    for fence in [1, 2] {
        assert!(!ok(store.begin_run(&claim("sweep", 0, fence))).await, "by fence {fence}");
    }
    assert!(!ok(store.end_run(&claim("sweep", 9, 1), RunStatus::Success, None)).await);
}

/// Somebody who was frozen finds that another has done the work, and only that one is counted.
pub async fn a_higher_fence_takes_over_a_run_that_was_not_ended(store: &dyn LeaseStore) {
    let (frozen, next) = (claim("sweep", 0, 3), claim("sweep", 0, 4));
    assert!(ok(store.begin_run(&frozen)).await);
    assert!(!ok(store.begin_run(&claim("sweep", 0, 2))).await);
    assert!(ok(store.begin_run(&next)).await);
    assert!(!ok(store.end_run(&frozen, RunStatus::Success, Some("frozen"))).await);
    assert!(ok(store.end_run(&next, RunStatus::Success, Some("next"))).await);
    assert!(!ok(store.end_run(&frozen, RunStatus::Success, Some("frozen"))).await);
    let runs = ok(store.runs("sweep", 10)).await;
    let [TaskRun { fence: 4, note: Some(note), .. }] = &runs[..] else { panic!("{runs:?}") };
    assert_eq!(note, "next");
}

/// A run is read back with all that is known of it.
pub async fn runs_come_newest_slot_first_and_whole(store: &dyn LeaseStore) {
    for slot in [1, 0, 2] {
        assert!(ok(store.begin_run(&claim("sweep", slot, 1))).await);
    }
    assert!(ok(store.end_run(&claim("sweep", 1, 1), RunStatus::Error, Some("ü \"refused\""))).await);
    let runs = ok(store.runs("sweep", 10)).await;
    assert_eq!(runs.iter().map(|run| run.slot).collect::<Vec<_>>(), [time(2), time(1), time(0)]);
    let [open, ended, _] = &runs[..] else { panic!("{runs:?}") };
    assert_eq!((open.ended_at, open.status, &open.note), (None, None, &None));
    assert_eq!((ended.task.as_str(), ended.holder.as_str(), ended.fence), ("sweep", "holder 1", 1));
    assert_eq!((ended.status, ended.note.as_deref()), (Some(RunStatus::Error), Some("ü \"refused\"")));
    assert!(ended.ended_at.is_some_and(|at| at >= ended.started_at));
    assert_eq!(ok(store.runs("sweep", 2)).await, runs[..2]);
    assert_eq!(ok(store.runs("dust", 2)).await, []);
}

/// Runs of slots before a time are forgotten, and no other.
pub async fn old_runs_are_forgotten(store: &dyn LeaseStore) {
    for slot in 0..4 {
        assert!(ok(store.begin_run(&claim("sweep", slot, 1))).await);
    }
    assert!(ok(store.begin_run(&claim("dust", 0, 1))).await);
    assert_eq!(ok(store.forget_runs(time(2))).await, 3);
    let left: BTreeSet<_> = ok(store.runs("sweep", 10)).await.iter().map(|run| run.slot).collect();
    assert_eq!(left, BTreeSet::from([time(2), time(3)]));
    assert_eq!(ok(store.runs("dust", 10)).await, []);
}

/// Who was left behind does not undo what the next one has noted.
pub async fn progress_is_not_put_back_by_a_lower_fence(store: &dyn LeaseStore) {
    assert_eq!(ok(store.progress("sweep")).await, None);
    let (first, second) = (json!({ "at": 1, "é": [1.5, null, "\"\\"] }), json!({ "at": 2 }));
    assert!(ok(store.put_progress("sweep", 4, &first)).await);
    assert_eq!(ok(store.progress("sweep")).await, Some(first.clone()));
    assert!(ok(store.put_progress("sweep", 4, &second)).await);
    assert!(!ok(store.put_progress("sweep", 3, &first)).await);
    assert_eq!(ok(store.progress("sweep")).await, Some(second.clone()));
    assert!(ok(store.put_progress("sweep", 9, &first)).await);
    assert!(ok(store.put_progress("dust", 1, &second)).await);
    assert_eq!(ok(store.progress("sweep")).await, Some(first));
}

/// What cannot be a name is refused, and nothing is kept of it.
pub async fn what_is_too_long_for_a_name_is_refused(store: &dyn LeaseStore) {
    for bad in ["x".repeat(MAX_LEASE_NAME_BYTES + 1), "\0".to_owned()] {
        let kinds = [
            store.acquire_lease(&bad, "a", LONG).await.err(),
            store.acquire_lease("lead", &bad, LONG).await.err(),
            store.begin_run(&RunClaim { task: bad.clone(), ..claim("", 0, 1) }).await.err(),
            store.put_progress(&bad, 1, &json!(1)).await.err(),
        ];
        for error in kinds {
            assert_eq!(error.map(|error| error.kind()), Some(StoreErrorKind::Refused), "{bad:?}");
        }
        assert_eq!(ok(store.runs(&bad, 1)).await, []);
        assert_eq!(ok(store.progress(&bad)).await, None);
    }
    held(store, &"x".repeat(MAX_LEASE_NAME_BYTES), "a", LONG).await;
}

/// An instance is noted once under its name, and seen again.
pub async fn an_instance_that_comes_again_is_the_same_one(store: &dyn LeaseStore) {
    let told = |name: &str, release: &str| Instance {
        name: name.to_owned(),
        process: (1 << 28) - 1,
        service: "shop".to_owned(),
        release: release.to_owned(),
        host: "a".to_owned(),
        started_at: time(0),
        seen_at: time(0),
    };
    ok(store.announce_instance(&told("one", "1"))).await;
    ok(store.announce_instance(&told("two", "1"))).await;
    let before = ok(store.instances(10)).await;
    ok(store.announce_instance(&told("one", "2"))).await;
    let after = ok(store.instances(10)).await;
    assert_eq!(after.iter().map(|instance| instance.name.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    let first = before.iter().find(|instance| instance.name == "one").expect("it was announced");
    assert_eq!((after[0].started_at, after[0].release.as_str()), (first.started_at, "2"));
    assert!(after[0].seen_at >= first.seen_at && first.started_at > time(0));
    assert_eq!(after[0].process, (1 << 28) - 1);
    assert_eq!(ok(store.instances(1)).await.len(), 1);
    ok(store.forget_runs(after[0].seen_at)).await;
    assert!(ok(store.instances(10)).await.iter().any(|instance| instance.name == "one"));
}
