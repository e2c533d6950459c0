//! The routes of an incident's timeline.

use http::Method;
use serde::Deserialize;

use super::Role;
use super::answer::Answer;
use super::call::Call;
use super::error::{ApiError, Code};
use super::events::EVENT;
use super::incidents::find;
use super::query::{PAGE, Parameter};
use super::route::{Answers, Route};
use super::schema::{Field, Object, Schema};
use crate::desk::TimelineOptions;
use crate::event::{Level, MAX_IDENTITY_BYTES};
use crate::incident::{EntryKind, MAX_KIND_BYTES, TimelineEntry};
use crate::sanitise::MAX_TEXT_BYTES;
use crate::store::{Appended, DEFAULT_LIMIT, TimelineQuery};
use crate::timestamp::Timestamp;

const NOTE: Object = Object {
    name: "Note",
    fields: &[Field::required(
        "message",
        Schema::Matching(MAX_TEXT_BYTES, r"^[^\u0000]*[^\s\u0000][^\u0000]*$", |text| {
            !text.contains('\0') && !text.trim().is_empty()
        }),
        "What there is to say.",
    )],
};

/// An entry of a timeline.
const ENTRY: Object = Object {
    name: "TimelineEntry",
    fields: &[
        Field::required("id", Schema::Id, "Its id, which holds its time."),
        Field::required("incident", Schema::Id, "The incident."),
        Field::required("kind", Schema::Text(MAX_KIND_BYTES), "What happened, such as `status_changed` or `comment`."),
        Field::required("timestamp", Schema::Time, "When it happened."),
        Field::nullable("created_by", Schema::Text(MAX_IDENTITY_BYTES), "Who did it; null when automation did."),
        Field::nullable("message", Schema::Text(MAX_TEXT_BYTES), "What is said about it."),
        Field::required("details", Schema::Fields, "Its details, such as `from` and `to`."),
    ],
};

/// One thing that happened.
const ITEM: Object = Object {
    name: "TimelineItem",
    fields: &[
        Field::required("type", Schema::Named(|| vec!["entry", "event"]), "Which of the two it is."),
        Field::required(
            "item",
            Schema::OneOf(&Schema::Object(&ENTRY), &Schema::Object(&EVENT)),
            "What was done about the incident, or an event from an hour before its start to its end.",
        ),
    ],
};

const FILTERS: &[Parameter] = &[Parameter::query(
    "min_level",
    Schema::Named(|| Level::ALL.iter().map(|value| value.as_str()).collect()),
    "The least level of events, `warn` by default; alerts come whatever their level. `trace` is all that have a level.",
)];

#[derive(Deserialize)]
struct Note {
    message: String,
}

/// The rows of the table.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/incidents/{id}/timeline", Role::User, "getTimeline", timeline)
            .about("Returns what was done about an incident, between the events of its time.")
            .query(FILTERS)
            .query(PAGE)
            .answers(Answers::Page(Schema::Object(&ITEM))),
        Route::new(Method::POST, "/incidents/{id}/notes", Role::User, "addNote", note)
            .about("Adds what somebody has to say to an incident's timeline.")
            .takes(&NOTE)
            .idempotent()
            .answers(Answers::Created(Schema::Object(&ENTRY))),
    ]
}

async fn timeline(call: Call) -> Result<Answer, ApiError> {
    let (id, from) = (call.id()?, call.query());
    let mut options = TimelineOptions::new();
    options = options.limit(from.whole("limit").unwrap_or(DEFAULT_LIMIT)).offset(from.whole("offset").unwrap_or(0));
    if let Some(level) = from.text("min_level") {
        options = options.min_level(level.parse().ok());
    }
    if let Some(cursor) = from.cursor() {
        options = options.after(cursor);
    }
    let timeline = call.services().desk.timeline(id, &call.scope(), &options).await?;
    Answer::page(&timeline.items, timeline.next)
}

async fn note(mut call: Call) -> Result<Answer, ApiError> {
    let incident = find(&call, call.id()?).await?;
    let now = Timestamp::now();
    let key = call.key(&format!("incidents/{}/notes", incident.id), now)?;
    let now = match &key {
        Some(key) => call.within_window(key.time)?,
        None => now,
    };
    let note: Note = call.body()?;
    let entry = TimelineEntry::new(incident.id, EntryKind::Comment, now);
    let mut entry = entry.by(Some(call.principal().name())).message(note.message);
    if let Some(key) = &key {
        entry.id = key.id(0, now);
    }
    match call.services().store.add_entry(&entry).await? {
        Appended::Stored => Answer::created(&entry, None),
        Appended::Duplicate => {
            let query = TimelineQuery::new(call.scope(), incident.id).start(now).end(now).limit(1000);
            let there = call.services().store.timeline(&query).await?;
            match there.items.iter().find(|there| there.id == entry.id) {
                Some(there) if *there == entry => Answer::ok(there),
                _ => Err(ApiError::new(Code::KeyReused, "the idempotency key was used for something else")),
            }
        }
        Appended::Refused => Err(ApiError::not_found()),
    }
}
