//! What can be changed in an incident, and the one entry that each change leaves.

use thiserror::Error;

use super::status::{self, Step};
use super::{Actor, EntryKind, Incident, IncidentStatus, InvalidTransition, Severity, TimelineEntry};
use crate::id::Id;
use crate::sanitise::{Cleaner, Invalid, MAX_TEXT_BYTES};
use crate::timestamp::Timestamp;

/// One change of an incident.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum IncidentChange {
    /// To another state.
    Status {
        /// The state.
        to: IncidentStatus,
        /// Why; some steps need it.
        reason: Option<String>,
    },
    /// To another severity.
    Severity(Severity),
    /// To another title.
    Title(String),
    /// To another description.
    Description(String),
    /// The cause, or that it is not known after all.
    RootCause(Option<String>),
    /// To somebody, or to nobody.
    AssignedTo(Option<String>),
    /// Into another incident: it is cancelled, and names that one.
    MergedInto(Id),
}

/// Says why an incident was not changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// There is no such step between states.
    #[error(transparent)]
    Transition(#[from] InvalidTransition),
    /// Automation raises a severity, a person alone lowers it.
    #[error("severity is lowered from {from} to {to} by a person alone")]
    SeverityLowered {
        /// The severity that it has.
        from: Severity,
        /// The severity that was wanted.
        to: Severity,
    },
    /// An incident is not merged into itself.
    #[error("an incident cannot be merged into itself")]
    MergedIntoItself,
    /// What was given is not fit to be kept.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

impl Incident {
    /// Makes a change: the incident as it is afterwards, one version further, and the one entry that tells of it.
    ///
    /// A change to what is already so answers `None`, and leaves no entry.
    ///
    /// # Errors
    ///
    /// When there is no such step, the severity would be lowered by automation, or a text is not fit to be kept.
    pub fn change(
        &self,
        change: IncidentChange,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Option<(Self, TimelineEntry)>, ChangeError> {
        // Time does not run backwards within an incident, whatever clocks do.
        let now = now.max(self.updated_at);
        let mut next = self.clone();
        let entry = |kind| TimelineEntry::new(self.id, kind, now).by(by.name());
        let entry = match change {
            IncidentChange::Status { to, reason } => {
                let reason = fit("reason", reason)?;
                match next.go(to, by, reason.as_deref(), now)? {
                    Step::None => return Ok(None),
                    step => {
                        let kind = if step == Step::Reopen { EntryKind::Reopened } else { EntryKind::StatusChanged };
                        let entry = entry(kind).detail("from", self.status.as_str()).detail("to", to.as_str());
                        reason.into_iter().fold(entry, TimelineEntry::message)
                    }
                }
            }
            IncidentChange::Severity(to) if to == self.severity => return Ok(None),
            IncidentChange::Severity(to) => {
                if to < self.severity && *by == Actor::Automation {
                    return Err(ChangeError::SeverityLowered { from: self.severity, to });
                }
                next.severity = to;
                entry(EntryKind::SeverityChanged).detail("from", self.severity.as_str()).detail("to", to.as_str())
            }
            IncidentChange::Title(to) if to == self.title => return Ok(None),
            IncidentChange::Title(mut to) => {
                let mut cleaner = Cleaner::new(super::MAX_INCIDENT_BYTES, 0);
                cleaner.name("title", &mut to, super::MAX_TITLE_BYTES);
                cleaner.check()?;
                next.title = to.clone();
                entry(EntryKind::Custom).detail("field", "title").detail("from", self.title.as_str()).detail("to", to)
            }
            IncidentChange::Description(to) => {
                let to = fit("description", Some(to))?.unwrap_or_default();
                if to == self.description {
                    return Ok(None);
                }
                next.description = to;
                entry(EntryKind::Custom).detail("field", "description")
            }
            IncidentChange::RootCause(to) => {
                let to = fit("root_cause", to)?;
                if to == self.root_cause {
                    return Ok(None);
                }
                next.root_cause = to.clone();
                to.into_iter().fold(entry(EntryKind::RootCauseSet), TimelineEntry::message)
            }
            IncidentChange::AssignedTo(to) if to == self.assigned_to => return Ok(None),
            IncidentChange::AssignedTo(mut to) => {
                let mut cleaner = Cleaner::new(super::MAX_INCIDENT_BYTES, 0);
                cleaner.identity("assigned_to", &mut to, crate::event::MAX_IDENTITY_BYTES);
                cleaner.check()?;
                next.assigned_to = to.clone();
                entry(EntryKind::Assigned).detail("from", self.assigned_to.clone()).detail("to", to)
            }
            IncidentChange::MergedInto(other) if self.merged_into == Some(other) => return Ok(None),
            IncidentChange::MergedInto(other) if other == self.id => return Err(ChangeError::MergedIntoItself),
            IncidentChange::MergedInto(other) => {
                if next.go(IncidentStatus::Cancelled, by, Some("merged"), now)? == Step::None {
                    // It was none already, for another reason.
                    let (from, to) = (self.status, IncidentStatus::Cancelled);
                    return Err(InvalidTransition { from, to, obstacle: super::Obstacle::NoSuchStep }.into());
                }
                next.merged_into = Some(other);
                entry(EntryKind::Merged).detail("into", other.to_string()).detail("from", self.status.as_str())
            }
        };
        next.version += 1;
        next.updated_at = now;
        Ok(Some((next, entry)))
    }

    /// Takes a step, and sets the milestones that it reaches.
    fn go(
        &mut self,
        to: IncidentStatus,
        by: &Actor,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<Step, InvalidTransition> {
        let step = status::step(self.status, to, by, reason, self.milestones.resolved_at, now)?;
        if step != Step::None {
            self.milestones.reach(self.status, to, step == Step::Reopen, now);
            self.status = to;
            if step == Step::Reopen {
                self.merged_into = None;
            }
        }
        Ok(step)
    }
}

fn fit(field: &'static str, text: Option<String>) -> Result<Option<String>, Invalid> {
    let Some(mut text) = text else { return Ok(None) };
    let mut cleaner = Cleaner::new(super::MAX_INCIDENT_BYTES, 0);
    cleaner.text(field, &mut text, MAX_TEXT_BYTES);
    cleaner.check()?;
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn open() -> Incident {
        Incident::draft("payments fail", Severity::High).check(NOW).unwrap().0
    }

    fn to(status: IncidentStatus) -> IncidentChange {
        IncidentChange::Status { to: status, reason: Some("because".into()) }
    }

    fn ann() -> Actor {
        Actor::Moderator("ann".into())
    }

    fn after(minutes: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(minutes * 60))
    }

    #[test]
    fn the_same_again_is_no_change_and_leaves_no_entry() {
        let incident = open();
        for same in [
            to(IncidentStatus::Open),
            IncidentChange::Severity(Severity::High),
            IncidentChange::Title("payments fail".into()),
            IncidentChange::Description(String::new()),
            IncidentChange::RootCause(None),
            IncidentChange::AssignedTo(None),
        ] {
            assert_eq!(incident.change(same.clone(), &ann(), NOW), Ok(None), "{same:?}");
        }
    }

    #[test]
    fn milestones_are_set_once_in_a_pass_and_a_new_pass_sets_them_again() {
        let mut incident = open();
        let steps = [
            (IncidentStatus::Investigating, 1),
            (IncidentStatus::Mitigated, 2),
            (IncidentStatus::Investigating, 3),
            (IncidentStatus::Mitigated, 4),
            (IncidentStatus::Resolved, 5),
        ];
        for (status, minute) in steps {
            incident = incident.change(to(status), &ann(), after(minute)).unwrap().unwrap().0;
        }
        let first = incident.milestones;
        assert_eq!(
            [first.acknowledged_at, first.mitigated_at, first.resolved_at],
            [Some(after(1)), Some(after(4)), Some(after(5))]
        );
        let (again, entry) = incident.change(to(IncidentStatus::Investigating), &ann(), after(9)).unwrap().unwrap();
        assert_eq!((entry.kind, entry.message.as_deref()), (EntryKind::Reopened, Some("because")));
        let second = again.milestones;
        assert_eq!((second.started_at, second.acknowledged_at), (NOW, Some(after(9))));
        assert_eq!((second.mitigated_at, second.resolved_at), (None, None));
    }

    #[test]
    fn time_does_not_run_backwards_within_an_incident() {
        let (incident, _) = open().change(to(IncidentStatus::Investigating), &ann(), after(5)).unwrap().unwrap();
        let (incident, entry) = incident.change(to(IncidentStatus::Resolved), &ann(), NOW).unwrap().unwrap();
        assert_eq!(incident.milestones.resolved_at, Some(after(5)));
        assert_eq!((incident.updated_at, entry.timestamp), (after(5), after(5)));
    }

    #[test]
    fn a_severity_is_raised_by_anybody_and_lowered_by_a_person() {
        let incident = open();
        let raised = IncidentChange::Severity(Severity::Critical);
        let (raised, entry) = incident.change(raised, &Actor::Automation, NOW).unwrap().unwrap();
        assert_eq!((raised.severity, raised.version, entry.created_by), (Severity::Critical, 2, None));
        let lowered = || IncidentChange::Severity(Severity::Low);
        let refused = raised.change(lowered(), &Actor::Automation, NOW).unwrap_err();
        assert_eq!(refused, ChangeError::SeverityLowered { from: Severity::Critical, to: Severity::Low });
        assert!(raised.change(lowered(), &Actor::Person("bob".into()), NOW).unwrap().is_some());
    }

    #[test]
    fn merging_is_a_link_and_a_cancellation() {
        let (incident, other) = (open(), open());
        let (merged, entry) = incident.change(IncidentChange::MergedInto(other.id), &ann(), NOW).unwrap().unwrap();
        assert_eq!((merged.status, merged.merged_into), (IncidentStatus::Cancelled, Some(other.id)));
        assert_eq!(entry.kind, EntryKind::Merged);
        let itself = incident.change(IncidentChange::MergedInto(incident.id), &ann(), NOW);
        assert_eq!(itself, Err(ChangeError::MergedIntoItself));
        let (again, _) = merged.change(to(IncidentStatus::Investigating), &ann(), NOW).unwrap().unwrap();
        assert_eq!(again.merged_into, None);
        let resolved = again.change(to(IncidentStatus::Resolved), &ann(), NOW).unwrap().unwrap().0;
        assert!(resolved.change(IncidentChange::MergedInto(other.id), &ann(), NOW).is_err());
    }

    #[test]
    fn what_is_not_fit_to_be_kept_changes_nothing() {
        for bad in [
            IncidentChange::Title(String::new()),
            IncidentChange::Title("x".repeat(257)),
            IncidentChange::Description("\0".into()),
            IncidentChange::RootCause(Some("x".repeat(MAX_TEXT_BYTES + 1))),
            IncidentChange::AssignedTo(Some("x".repeat(300))),
        ] {
            assert!(matches!(open().change(bad.clone(), &ann(), NOW), Err(ChangeError::Invalid(_))), "{bad:?}");
        }
    }

    #[test]
    fn an_entry_of_an_unknown_kind_survives_word_for_word() {
        let json = r#"{"kind":"quantum_flux","details":{"z":1,"a":[2.5]}}"#;
        let entry = TimelineEntry::new(open().id, EntryKind::Other("quantum_flux".into()), NOW)
            .detail("z", 1)
            .detail("a", vec![2.5]);
        let written = serde_json::to_value(&entry).unwrap();
        let told: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!((&written["kind"], &written["details"]), (&told["kind"], &told["details"]));
        assert_eq!(serde_json::from_value::<TimelineEntry>(written).unwrap(), entry);
        for kind in EntryKind::KNOWN {
            assert_eq!(EntryKind::from(kind.as_str()), *kind);
        }
    }
}
