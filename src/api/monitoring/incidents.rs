//! The routes of incidents.

use http::Method;

use super::answer::Answer;
use super::call::Call;
use super::error::{ApiError, Code};
use super::incident_change::{self, CHANGE};
use super::query::{PAGE, Parameter, TIMES, paged};
use super::route::{Answers, Route};
use super::schema::{Field, Object, Schema};
use super::{Role, timeline};
use crate::event::MAX_IDENTITY_BYTES;
use crate::id::Id;
use crate::incident::{Incident, IncidentDraft, IncidentStatus, MAX_TITLE_BYTES, Severity};
use crate::sanitise::MAX_TEXT_BYTES;
use crate::store::{IncidentQuery, Opened};
use crate::timestamp::Timestamp;

pub(super) const SEVERITY: Schema = Schema::Named(|| Severity::ALL.iter().map(|value| value.as_str()).collect());
pub(super) const STATUS: Schema = Schema::Named(|| IncidentStatus::ALL.iter().map(|value| value.as_str()).collect());
const NAME: Schema = Schema::Text(MAX_IDENTITY_BYTES);

const DRAFT: Object = Object {
    name: "IncidentDraft",
    fields: &[
        Field::required("title", Schema::Name(MAX_TITLE_BYTES), "What it is, in a line."),
        Field::optional("description", Schema::Text(MAX_TEXT_BYTES), "What it is, at length."),
        Field::required("severity", SEVERITY, "How much harm it does."),
    ],
};

/// An incident as it is kept.
pub(crate) const INCIDENT: Object = Object {
    name: "Incident",
    fields: &[
        Field::required("id", Schema::Id, "Its id, which holds the time at which it was opened."),
        Field::required("title", Schema::Text(MAX_TITLE_BYTES), "What it is, in a line."),
        Field::required("description", Schema::Text(MAX_TEXT_BYTES), "What it is, at length."),
        Field::required("severity", SEVERITY, "How much harm it does."),
        Field::required("status", STATUS, "The state that it is in."),
        Field::nullable("root_cause", Schema::Text(MAX_TEXT_BYTES), "What caused it, once that is known."),
        Field::nullable("assigned_to", NAME, "Who is at it."),
        Field::nullable("created_by", NAME, "Who opened it; null when automation did."),
        Field::nullable("dedup_key", NAME, "What makes another report the same incident."),
        Field::nullable("previous", Schema::Id, "The incident of the same key before this one."),
        Field::nullable("merged_into", Schema::Id, "The incident that this one turned out to be."),
        Field::required("started_at", Schema::Time, "When the harm began."),
        Field::required("detected_at", Schema::Time, "When it was noticed."),
        Field::nullable("acknowledged_at", Schema::Time, "When somebody took it up."),
        Field::nullable("mitigated_at", Schema::Time, "When the harm was stopped."),
        Field::nullable("resolved_at", Schema::Time, "When it was mended."),
        Field::nullable("closed_at", Schema::Time, "When it was written up."),
        Field::required("created_at", Schema::Time, "When it was opened."),
        Field::required("updated_at", Schema::Time, "When it was last changed."),
        Field::required(
            "version",
            Schema::Whole(1, u64::MAX >> 1),
            "How often it was changed, and one; the same as `ETag`.",
        ),
    ],
};

const FILTERS: &[Parameter] = &[
    Parameter::each("status", STATUS, "In this state, or in one of several."),
    Parameter::query("severity", SEVERITY, "Of this severity."),
    Parameter::query("assigned_to", NAME, "With somebody at it."),
    Parameter::query("dedup_key", NAME, "With this key."),
];

/// The rows of the table.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::new(Method::POST, "/incidents", Role::User, "createIncident", create)
            .about("Opens an incident.")
            .takes(&DRAFT)
            .idempotent()
            .answers(Answers::Created(Schema::Object(&INCIDENT))),
        Route::new(Method::GET, "/incidents", Role::User, "listIncidents", list)
            .about("Finds incidents: one's own, from moderator on everybody's.")
            .query(FILTERS)
            .query(TIMES)
            .query(PAGE)
            .answers(Answers::Page(Schema::Object(&INCIDENT))),
        Route::new(Method::GET, "/incidents/{id}", Role::User, "getIncident", get)
            .about("Finds an incident by its id.")
            .answers(Answers::One(Schema::Object(&INCIDENT))),
        Route::new(Method::PUT, "/incidents/{id}", Role::User, "changeIncident", incident_change::put)
            .about("Changes an incident. A user changes title and description of an own one while it goes on.")
            .takes(&CHANGE)
            .versioned()
            .forbids()
            .answers(Answers::One(Schema::Object(&INCIDENT))),
    ];
    routes.extend(timeline::routes());
    routes
}

/// Finds an incident that the caller sees.
pub(super) async fn find(call: &Call, id: Id) -> Result<Incident, ApiError> {
    call.services().store.incident(id, &call.scope()).await?.ok_or_else(ApiError::not_found)
}

/// Answers an incident with its version.
pub(super) fn shown(incident: &Incident) -> Result<Answer, ApiError> {
    Ok(Answer::ok(incident)?.version(incident.version))
}

async fn create(mut call: Call) -> Result<Answer, ApiError> {
    let key = call.key("incidents", Timestamp::now())?;
    let draft: IncidentDraft = call.body()?;
    let now = match &key {
        Some(key) => call.within_window(key.time)?,
        None => Timestamp::now(),
    };
    let (mut incident, mut created) = draft.created_by(call.principal().name()).check(now)?;
    if let Some(key) = &key {
        incident.id = key.id(0, now);
        (created.id, created.incident) = (key.id(1, now), incident.id);
    }
    let opened = call.services().store.open_incident(&incident, &created).await?;
    match opened {
        Opened::New => {
            let path = format!("/incidents/{}", incident.id);
            Ok(Answer::created(&incident, Some(path))?.version(incident.version))
        }
        // It may have been changed since; what was told then is the first entry of its timeline, but for the title.
        Opened::Existing(there) if there.id == incident.id && there.version == 1 && !same(&there, &incident) => {
            Err(ApiError::new(Code::KeyReused, "the idempotency key was used for something else"))
        }
        Opened::Existing(there) if there.id == incident.id => shown(&there),
        Opened::Existing(_) => Err(ApiError::new(Code::Conflict, "an incident of the same key goes on")),
    }
}

fn same(a: &Incident, b: &Incident) -> bool {
    (&a.title, &a.description, a.severity) == (&b.title, &b.description, b.severity)
}

async fn list(call: Call) -> Result<Answer, ApiError> {
    let from = call.query();
    let mut query = paged!(IncidentQuery::new(call.scope()), from);
    query.statuses = from.all("status").filter_map(|status| status.parse().ok()).collect();
    query.severity = from.parsed("severity");
    query.assigned_to = from.text("assigned_to").map(str::to_owned);
    query.dedup_key = from.text("dedup_key").map(str::to_owned);
    query.start = from.time("start_time");
    query.end = from.time("end_time");
    let page = call.services().store.incidents(&query).await?;
    Answer::page(&page.items, page.next)
}

async fn get(call: Call) -> Result<Answer, ApiError> {
    shown(&find(&call, call.id()?).await?)
}
