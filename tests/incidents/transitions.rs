//! Every cell of the table of states: what is a step, who may take it, and the one entry that it leaves.

use watchkeeper::Id;
use watchkeeper::desk::{Desk, DeskError};
use watchkeeper::incident::{
    Actor, ChangeError, EntryKind, Incident, IncidentChange, IncidentStatus, Severity, TimelineEntry,
};
use watchkeeper::store::{Scope, TimelineQuery};

use IncidentStatus::{Cancelled, Closed, Investigating, Mitigated, Open, Resolved};

use crate::stores::desks;

/// What stands in a cell of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// The same state: nothing happens, and nothing is written.
    Same,
    /// A step that anybody may take.
    Step,
    /// A step that needs a reason.
    WithReason,
    /// A new pass, which anybody may begin.
    Reopen,
    /// A new pass, for a moderator with a reason.
    ReopenWithReason,
    /// A new pass, for a moderator.
    ReopenByModerator,
    /// No step.
    None,
}

use Cell::{None as No, Reopen, ReopenByModerator, ReopenWithReason, Same, Step, WithReason};

const STATES: [IncidentStatus; 6] = [Open, Investigating, Mitigated, Resolved, Closed, Cancelled];

/// From each state (a row) to each state (a column).
const TABLE: [[Cell; 6]; 6] = [
    [Same, Step, Step, Step, No, WithReason],
    [No, Same, Step, Step, No, Step],
    [No, Step, Same, Step, No, No],
    [No, Reopen, No, Same, Step, No],
    [No, ReopenWithReason, No, No, Same, No],
    [No, ReopenByModerator, No, No, No, Same],
];

fn moderator() -> Actor {
    Actor::Moderator("ann".into())
}

fn to(status: IncidentStatus, reason: Option<&str>) -> Vec<IncidentChange> {
    vec![IncidentChange::Status { to: status, reason: reason.map(str::to_owned) }]
}

/// Opens an incident and leads it to a state.
async fn incident_in(desk: &Desk, status: IncidentStatus) -> Incident {
    let incident = desk.open(Incident::draft("it breaks", Severity::High)).await.unwrap().incident;
    let path: &[IncidentStatus] = match status {
        Open => &[],
        Closed => &[Resolved, Closed],
        _ => &[status],
    };
    let mut there = incident;
    for step in path {
        there = desk.change(there.id, &Scope::All, to(*step, Some("why")), &moderator(), None).await.unwrap();
    }
    assert_eq!(there.status, status);
    there
}

async fn entries(desk: &Desk, id: Id) -> Vec<TimelineEntry> {
    desk.store().timeline(&TimelineQuery::new(Scope::All, id)).await.unwrap().items
}

/// Tries a step, and says whether it was taken; either way the timeline has as many new entries as it should.
async fn tries(desk: &Desk, from: &Incident, status: IncidentStatus, reason: Option<&str>, by: &Actor) -> bool {
    let before = entries(desk, from.id).await.len();
    let answer = desk.change(from.id, &Scope::All, to(status, reason), by, Some(from.version)).await;
    let after = entries(desk, from.id).await;
    let there = desk.incident(from.id, &Scope::All).await.unwrap();
    match answer {
        Ok(incident) => {
            let changed = usize::from(incident.status != from.status);
            assert_eq!((incident.status, after.len()), (status, before + changed));
            assert_eq!((&there, there.version), (&incident, from.version + changed as u64));
            true
        }
        Err(DeskError::Change(ChangeError::Transition(refused))) => {
            assert_eq!((refused.from, refused.to), (from.status, status));
            assert_eq!((&there, after.len()), (from, before));
            false
        }
        Err(error) => panic!("{error}"),
    }
}

/// Holds a cell against both stores.
async fn holds(from: IncidentStatus, status: IncidentStatus, cell: Cell) {
    for (name, desk) in desks().await {
        let about = format!("{from} to {status} in {name}");
        let person = Actor::Person("bob".into());
        let fresh = async || incident_in(&desk, from).await;
        let taken = [
            tries(&desk, &fresh().await, status, None, &person).await,
            tries(&desk, &fresh().await, status, Some("why"), &person).await,
            tries(&desk, &fresh().await, status, None, &moderator()).await,
        ];
        let last = fresh().await;
        let by_moderator = tries(&desk, &last, status, Some("why"), &moderator()).await;
        let due = match cell {
            Same | Step | Reopen => ([true, true, true], true),
            WithReason => ([false, true, false], true),
            ReopenWithReason => ([false, false, false], true),
            ReopenByModerator => ([false, false, true], true),
            No => ([false, false, false], false),
        };
        assert_eq!((taken, by_moderator), due, "{about}");
        let newest = entries(&desk, last.id).await.swap_remove(0);
        match cell {
            Step | WithReason => assert_eq!(newest.kind, EntryKind::StatusChanged, "{about}"),
            Reopen | ReopenWithReason | ReopenByModerator => assert_eq!(newest.kind, EntryKind::Reopened, "{about}"),
            Same | No => {}
        }
    }
}

macro_rules! cells {
    ($($name:ident: $from:ident to $to:ident;)+) => {
        $(
            #[tokio::test]
            async fn $name() {
                let place = |state| STATES.iter().position(|known| *known == state).unwrap();
                holds($from, $to, TABLE[place($from)][place($to)]).await;
            }
        )+

        #[test]
        fn no_cell_is_left_out() {
            let tried: std::collections::BTreeSet<_> = [$(($from.as_str(), $to.as_str())),+].into();
            assert_eq!(tried.len(), STATES.len() * STATES.len());
        }
    };
}

cells! {
    open_stays_open: Open to Open;
    open_is_investigated: Open to Investigating;
    open_is_mitigated: Open to Mitigated;
    open_is_resolved: Open to Resolved;
    open_is_not_closed: Open to Closed;
    open_is_cancelled_with_a_reason: Open to Cancelled;
    investigated_is_not_open_again: Investigating to Open;
    investigated_stays_investigated: Investigating to Investigating;
    investigated_is_mitigated: Investigating to Mitigated;
    investigated_is_resolved: Investigating to Resolved;
    investigated_is_not_closed: Investigating to Closed;
    investigated_is_cancelled: Investigating to Cancelled;
    mitigated_is_not_open_again: Mitigated to Open;
    mitigated_relapses: Mitigated to Investigating;
    mitigated_stays_mitigated: Mitigated to Mitigated;
    mitigated_is_resolved: Mitigated to Resolved;
    mitigated_is_not_closed: Mitigated to Closed;
    mitigated_is_not_cancelled: Mitigated to Cancelled;
    resolved_is_not_open_again: Resolved to Open;
    resolved_is_reopened: Resolved to Investigating;
    resolved_is_not_mitigated: Resolved to Mitigated;
    resolved_stays_resolved: Resolved to Resolved;
    resolved_is_closed: Resolved to Closed;
    resolved_is_not_cancelled: Resolved to Cancelled;
    closed_is_not_open_again: Closed to Open;
    closed_is_reopened_by_a_moderator_with_a_reason: Closed to Investigating;
    closed_is_not_mitigated: Closed to Mitigated;
    closed_is_not_resolved: Closed to Resolved;
    closed_stays_closed: Closed to Closed;
    closed_is_not_cancelled: Closed to Cancelled;
    cancelled_is_not_open_again: Cancelled to Open;
    cancelled_is_reopened_by_a_moderator: Cancelled to Investigating;
    cancelled_is_not_mitigated: Cancelled to Mitigated;
    cancelled_is_not_resolved: Cancelled to Resolved;
    cancelled_is_not_closed: Cancelled to Closed;
    cancelled_stays_cancelled: Cancelled to Cancelled;
}
