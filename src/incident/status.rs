//! The states that an incident passes through, and the steps between them.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use crate::named::named_enum;
use crate::timestamp::Timestamp;

/// How long after its resolution an incident is reopened without a person asking for it.
pub const REOPEN_WINDOW: Duration = Duration::from_secs(30 * 60);

named_enum! {
    /// The state of an incident.
    pub enum IncidentStatus: "status" {
        /// Known, and nobody is at it.
        Open = "open",
        /// Somebody looks for the cause.
        Investigating = "investigating",
        /// The harm is stopped, the cause is not mended.
        Mitigated = "mitigated",
        /// Mended.
        Resolved = "resolved",
        /// Mended and written up.
        Closed = "closed",
        /// It was none.
        Cancelled = "cancelled",
    }
}

impl IncidentStatus {
    /// Tells whether the incident goes on: it is open, investigated or mitigated. Of these, one has a dedup key at a time.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Open | Self::Investigating | Self::Mitigated)
    }
}

named_enum! {
    /// How much harm an incident does; more is greater.
    pub enum Severity: "severity" {
        /// It can wait.
        Low = "low",
        /// It is to be mended soon.
        Medium = "medium",
        /// It is to be mended now.
        High = "high",
        /// Everything else waits.
        Critical = "critical",
    }
}

/// Who makes a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Nobody: an alert, a task.
    Automation,
    /// Somebody without a role above that of a user.
    Person(String),
    /// Somebody who is a moderator, or has a role above that.
    Moderator(String),
}

impl Actor {
    /// Returns the name of who it is; none for automation.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Automation => None,
            Self::Person(name) | Self::Moderator(name) => Some(name),
        }
    }
}

/// Says that an incident cannot go from one state to another, or not so.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("an incident that is {from} cannot become {to}{obstacle}")]
#[non_exhaustive]
pub struct InvalidTransition {
    /// The state that it is in.
    pub from: IncidentStatus,
    /// The state that was wanted.
    pub to: IncidentStatus,
    /// What stands in the way.
    pub obstacle: Obstacle,
}

/// What stands in the way of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Obstacle {
    /// There is no such step.
    NoSuchStep,
    /// A reason has to be given.
    ReasonNeeded,
    /// A moderator has to do it.
    ModeratorNeeded,
    /// A person has to do it, since more than 30 minutes have passed.
    PersonNeeded,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchStep => "",
            Self::ReasonNeeded => " without a reason",
            Self::ModeratorNeeded => " unless a moderator does it",
            Self::PersonNeeded => " again by itself more than 30 minutes after its resolution",
        })
    }
}

/// Which step it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The state is the same; nothing happens.
    None,
    /// On within the pass, or back from mitigated.
    On,
    /// A new pass begins.
    Reopen,
}

/// The table of steps, and no other: who may go from which state to which, and how.
pub(super) fn step(
    from: IncidentStatus,
    to: IncidentStatus,
    by: &Actor,
    reason: Option<&str>,
    resolved_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Step, InvalidTransition> {
    use IncidentStatus::{Cancelled, Closed, Investigating, Mitigated, Open, Resolved};

    let refuse = |obstacle| Err(InvalidTransition { from, to, obstacle });
    let has_reason = reason.is_some_and(|reason| !reason.trim().is_empty());
    let moderator = matches!(by, Actor::Moderator(_));
    match (from, to) {
        (same, also) if same == also => Ok(Step::None),
        (Open, Cancelled) if !has_reason => refuse(Obstacle::ReasonNeeded),
        (Open, Investigating | Mitigated | Resolved | Cancelled)
        | (Investigating, Mitigated | Resolved | Cancelled)
        | (Mitigated, Investigating | Resolved)
        | (Resolved, Closed) => Ok(Step::On),
        (Resolved, Investigating) => match by {
            Actor::Automation if resolved_at.is_none_or(|at| now.since(at) > REOPEN_WINDOW) => {
                refuse(Obstacle::PersonNeeded)
            }
            _ => Ok(Step::Reopen),
        },
        (Closed | Cancelled, Investigating) if !moderator => refuse(Obstacle::ModeratorNeeded),
        (Closed, Investigating) if !has_reason => refuse(Obstacle::ReasonNeeded),
        (Closed | Cancelled, Investigating) => Ok(Step::Reopen),
        _ => refuse(Obstacle::NoSuchStep),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use IncidentStatus::{Cancelled, Closed, Investigating, Mitigated, Open, Resolved};

    /// Every step that there is, but for those that reopen.
    const STEPS: [(IncidentStatus, IncidentStatus); 10] = [
        (Open, Investigating),
        (Open, Mitigated),
        (Open, Resolved),
        (Open, Cancelled),
        (Investigating, Mitigated),
        (Investigating, Resolved),
        (Investigating, Cancelled),
        (Mitigated, Investigating),
        (Mitigated, Resolved),
        (Resolved, Closed),
    ];

    fn taken(from: IncidentStatus, to: IncidentStatus, by: &Actor, reason: Option<&str>) -> Result<Step, Obstacle> {
        let now = Timestamp::from_micros(1_800_000_000_000_000);
        step(from, to, by, reason, Some(now), now).map_err(|refused| refused.obstacle)
    }

    #[test]
    fn the_table_has_these_steps_and_no_other() {
        let moderator = Actor::Moderator("ann".into());
        for &from in IncidentStatus::ALL {
            for &to in IncidentStatus::ALL {
                let expected = if from == to {
                    Ok(Step::None)
                } else if matches!((from, to), (Resolved | Closed | Cancelled, Investigating)) {
                    Ok(Step::Reopen)
                } else if STEPS.contains(&(from, to)) {
                    Ok(Step::On)
                } else {
                    Err(Obstacle::NoSuchStep)
                };
                assert_eq!(taken(from, to, &moderator, Some("why")), expected, "{from} to {to}");
            }
        }
    }

    #[test]
    fn some_steps_need_a_reason() {
        let moderator = Actor::Moderator("ann".into());
        for (from, to) in [(Open, Cancelled), (Closed, Investigating)] {
            for reason in [None, Some(" ")] {
                assert_eq!(taken(from, to, &moderator, reason), Err(Obstacle::ReasonNeeded), "{from} to {to}");
            }
        }
        assert_eq!(taken(Investigating, Cancelled, &moderator, None), Ok(Step::On));
    }

    #[test]
    fn what_is_closed_or_cancelled_is_reopened_by_a_moderator() {
        for by in [Actor::Automation, Actor::Person("bob".into())] {
            for from in [Closed, Cancelled] {
                assert_eq!(taken(from, Investigating, &by, Some("why")), Err(Obstacle::ModeratorNeeded), "{by:?}");
            }
        }
        assert_eq!(taken(Cancelled, Investigating, &Actor::Moderator("ann".into()), None), Ok(Step::Reopen));
    }

    #[test]
    fn what_is_resolved_reopens_by_itself_within_thirty_minutes() {
        let resolved = Timestamp::from_micros(1_800_000_000_000_000);
        let at = |by: &Actor, later| {
            step(Resolved, Investigating, by, None, Some(resolved), resolved.plus(later)).map_err(|no| no.obstacle)
        };
        let late = REOPEN_WINDOW + Duration::from_micros(1);
        assert_eq!(at(&Actor::Automation, REOPEN_WINDOW), Ok(Step::Reopen));
        assert_eq!(at(&Actor::Automation, late), Err(Obstacle::PersonNeeded));
        assert_eq!(at(&Actor::Person("bob".into()), late), Ok(Step::Reopen));
    }
}
