//! The change of an incident over HTTP: what each role may change, from which version.

use serde::{Deserialize, Deserializer};

use super::answer::Answer;
use super::call::Call;
use super::error::{ApiError, Code};
use super::incidents::{SEVERITY, STATUS, find, shown};
use super::schema::{Field, Object, Schema};
use super::{Principal, Role};
use crate::desk::DeskError;
use crate::event::MAX_IDENTITY_BYTES;
use crate::id::Id;
use crate::incident::{ChangeError, Incident, IncidentChange, IncidentStatus, MAX_TITLE_BYTES, Obstacle, Severity};
use crate::sanitise::MAX_TEXT_BYTES;

/// What may be changed. What is left out stays as it is.
pub(super) const CHANGE: Object = Object {
    name: "IncidentChange",
    fields: &[
        Field::optional("version", Schema::Whole(1, u64::MAX >> 1), "The version that the change is made from."),
        Field::optional("title", Schema::Name(MAX_TITLE_BYTES), "What it is, in a line."),
        Field::optional("description", Schema::Text(MAX_TEXT_BYTES), "What it is, at length."),
        Field::optional("status", STATUS, "The state that it goes to; for a moderator."),
        Field::optional("reason", Schema::Text(MAX_TEXT_BYTES), "Why it goes there; some steps need it."),
        Field::optional("severity", SEVERITY, "How much harm it does; for a moderator."),
        Field::clearable(
            "root_cause",
            Schema::Text(MAX_TEXT_BYTES),
            "What caused it; null where that is not known after all. For a moderator.",
        ),
        Field::clearable(
            "assigned_to",
            Schema::Name(MAX_IDENTITY_BYTES),
            "Who is at it; null for nobody. For a moderator.",
        ),
        Field::optional("merged_into", Schema::Id, "The incident that it turned out to be; for a moderator."),
    ],
};

#[derive(Deserialize)]
struct Change {
    version: Option<u64>,
    title: Option<String>,
    description: Option<String>,
    status: Option<IncidentStatus>,
    reason: Option<String>,
    severity: Option<Severity>,
    #[serde(default, deserialize_with = "told")]
    root_cause: Option<Option<String>>,
    #[serde(default, deserialize_with = "told")]
    assigned_to: Option<Option<String>>,
    merged_into: Option<Id>,
}

/// Tells null from what is left out.
fn told<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}

impl Change {
    /// Names a field that only a moderator may change.
    fn of_moderators(&self) -> Option<&'static str> {
        let told = [
            ("status", self.status.is_some()),
            ("reason", self.reason.is_some()),
            ("severity", self.severity.is_some()),
            ("root_cause", self.root_cause.is_some()),
            ("assigned_to", self.assigned_to.is_some()),
            ("merged_into", self.merged_into.is_some()),
        ];
        told.into_iter().find_map(|(name, told)| told.then_some(name))
    }

    /// Returns the changes one after the other: the state last, so that it ends the others.
    fn steps(self) -> Vec<IncidentChange> {
        let reason = self.reason;
        let steps = [
            self.title.map(IncidentChange::Title),
            self.description.map(IncidentChange::Description),
            self.severity.map(IncidentChange::Severity),
            self.root_cause.map(IncidentChange::RootCause),
            self.assigned_to.map(IncidentChange::AssignedTo),
            self.status.map(|to| IncidentChange::Status { to, reason }),
            self.merged_into.map(IncidentChange::MergedInto),
        ];
        steps.into_iter().flatten().collect()
    }
}

/// Changes an incident, all that was told or nothing.
pub(super) async fn put(mut call: Call) -> Result<Answer, ApiError> {
    let change: Change = call.body()?;
    let id = call.id()?;
    // Whether it is there comes first: another's is not there, whatever is to be changed.
    let before = find(&call, id).await?;
    allow(call.principal(), &before, &change)?;
    let seen = call.seen(before.version, change.version)?;
    if let Some(other) = change.merged_into
        && call.services().store.incident(other, &call.scope()).await?.is_none()
    {
        return Err(ApiError::not_found().field("merged_into"));
    }
    // What a user may do hangs on the state, so it is done to that version and no other.
    let seen = if call.principal().role() < Role::Moderator { Some(before.version) } else { seen };
    let (scope, actor) = (call.scope(), call.principal().actor());
    let changed = call.services().desk.change(id, &scope, change.steps(), &actor, seen).await;
    shown(&changed?)
}

/// A user changes title and description, while the incident goes on.
fn allow(principal: &Principal, incident: &Incident, change: &Change) -> Result<(), ApiError> {
    if principal.role() >= Role::Moderator {
        return Ok(());
    }
    if let Some(field) = change.of_moderators() {
        let message = format!("this field needs the role {}", Role::Moderator);
        return Err(ApiError::new(Code::Forbidden, message).field(field));
    }
    if !incident.status.is_active() {
        let message = format!("an incident that is {} needs the role {}", incident.status, Role::Moderator);
        return Err(ApiError::new(Code::Forbidden, message));
    }
    Ok(())
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Invalid(invalid) => invalid.into(),
            ChangeError::Transition(refused) if refused.obstacle == Obstacle::ReasonNeeded => {
                Self::new(Code::InvalidTransition, refused.to_string()).field("reason")
            }
            ChangeError::Transition(refused) => Self::new(Code::InvalidTransition, refused.to_string()).field("status"),
            ChangeError::SeverityLowered { .. } => {
                Self::new(Code::InvalidTransition, error.to_string()).field("severity")
            }
            ChangeError::MergedIntoItself => Self::new(Code::InvalidField, error.to_string()).field("merged_into"),
        }
    }
}

impl From<DeskError> for ApiError {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::NotFound(_) => Self::not_found(),
            DeskError::Stale { current, .. } => Self::stale(current.version),
            DeskError::KeyTaken(_) => Self::new(Code::Conflict, "another incident of the same key goes on"),
            DeskError::Change(change) => change.into(),
            DeskError::Invalid(invalid) => invalid.into(),
            DeskError::Contended(_) => Self::new(Code::Unavailable, "others change it again and again"),
            DeskError::Store(store) => store.into(),
        }
    }
}
