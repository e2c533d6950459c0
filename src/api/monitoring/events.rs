//! The routes of events.

use std::sync::Arc;

use http::Method;
use serde_json::Value;

use super::Role;
use super::answer::Answer;
use super::call::{self, Call};
use super::error::ApiError;
use super::idempotency::{self, Key};
use super::ingest::{Told, bulk};
use super::query::{PAGE, Parameter, TIMES, paged};
use super::route::{Answers, Route};
use super::schema::{Field, Object, Schema};
use crate::event::{Event, EventDraft, EventType, Level, MAX_IDENTITY_BYTES, MAX_SOURCE_BYTES};
use crate::sanitise::MAX_TEXT_BYTES;
use crate::store::EventQuery;
use crate::timestamp::Timestamp;

const TYPE: Schema = Schema::Named(|| EventType::ALL.iter().map(|value| value.as_str()).collect());
const LEVEL: Schema = Schema::Named(|| Level::ALL.iter().map(|value| value.as_str()).collect());
const IDENTITY: Schema = Schema::Name(MAX_IDENTITY_BYTES);

/// An event as it is told.
pub(super) const DRAFT: Object = Object {
    name: "EventDraft",
    fields: &[
        Field::required("event_type", TYPE, "What it tells of."),
        Field::required("source", Schema::Name(MAX_SOURCE_BYTES), "The part of the service that it happened in."),
        Field::optional("message", Schema::Text(MAX_TEXT_BYTES), "What is said about it."),
        Field::optional("level", LEVEL, "How grave it is."),
        Field::optional("tags", Schema::Fields, "What it is found by."),
        Field::optional("payload", Schema::Fields, "Its details. An event takes at most 64 KiB as JSON."),
        Field::optional("timestamp", Schema::Time, "When it happened, at most 30 days ago; now by default."),
        Field::optional("trace_id", IDENTITY, "The trace that it belongs to."),
        Field::optional("dedup_key", IDENTITY, "What it has in common with others of its kind."),
    ],
};

/// An event as it is kept.
pub(crate) const EVENT: Object = Object {
    name: "Event",
    fields: &[
        Field::required("id", Schema::Id, "Its id, which holds its time."),
        Field::required("event_type", TYPE, "What it tells of."),
        Field::required("source", Schema::Text(MAX_SOURCE_BYTES), "The part of the service that it happened in."),
        Field::nullable("message", Schema::Text(MAX_TEXT_BYTES), "What is said about it."),
        Field::nullable("level", LEVEL, "How grave it is."),
        Field::required("tags", Schema::Fields, "What it is found by."),
        Field::required("payload", Schema::Fields, "Its details."),
        Field::required("timestamp", Schema::Time, "When it happened."),
        Field::required("created_at", Schema::Time, "When it was accepted."),
        Field::nullable("created_by", Schema::Text(MAX_IDENTITY_BYTES), "Who told it; null when the app itself did."),
        Field::nullable("trace_id", Schema::Text(MAX_IDENTITY_BYTES), "The trace that it belongs to."),
        Field::nullable("dedup_key", Schema::Text(MAX_IDENTITY_BYTES), "What it has in common with others."),
    ],
};

const FILTERS: &[Parameter] = &[
    Parameter::query("event_type", TYPE, "Of this type."),
    Parameter::query("source", Schema::Text(MAX_SOURCE_BYTES), "From this source, letter by letter."),
    Parameter::query("level", LEVEL, "Of exactly this level."),
    Parameter::query("min_level", LEVEL, "Of at least this level."),
    Parameter::query("trace_id", Schema::Text(MAX_IDENTITY_BYTES), "Of this trace."),
    Parameter::each(
        "tag",
        Schema::Matching(1024, r"^[^:\u0000]+:[^\u0000]*$", |text| {
            !text.contains('\0') && text.split_once(':').is_some_and(|(key, _)| !key.is_empty())
        }),
        "With this tag, as `key:value`. A value that reads as a number, true, false, null or a text in quotes is that, \
         anything else is a text.",
    ),
];

/// The rows of the table.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/events", Role::User, "createEvent", create)
            .unaudited()
            .about("Keeps an event, and answers when the store has it.")
            .takes(&DRAFT)
            .idempotent()
            .answers(Answers::Created(Schema::Object(&EVENT))),
        Route::new(Method::GET, "/events", Role::User, "listEvents", list)
            .about("Finds events: one's own, from moderator on everybody's.")
            .query(FILTERS)
            .query(TIMES)
            .query(PAGE)
            .answers(Answers::Page(Schema::Object(&EVENT))),
        Route::new(Method::POST, "/events/bulk", Role::User, "createEvents", create_many)
            .unaudited()
            .about("Keeps many events, each by itself: what is refused holds up nothing else.")
            .takes_many(&DRAFT)
            .idempotent()
            .answers(Answers::Created(Schema::Object(&super::ingest::OUTCOME))),
        Route::new(Method::GET, "/events/{id}", Role::User, "getEvent", get)
            .about("Finds an event by its id.")
            .answers(Answers::One(Schema::Object(&EVENT))),
    ]
}

async fn create(mut call: Call) -> Result<Answer, ApiError> {
    let now = Timestamp::now();
    let key = call.key("events", now)?;
    let value = call.value();
    Told::one(&call, accept(&call, value, key.as_ref(), 0, now)?, key.is_some()).await
}

async fn create_many(mut call: Call) -> Result<Answer, ApiError> {
    let now = Timestamp::now();
    let key = call.key("events/bulk", now)?;
    let items = call.items();
    let accepted = items.into_iter().enumerate().map(|(place, item)| {
        let mut value = item?;
        DRAFT.check(&mut value)?;
        accept(&call, value, key.as_ref(), place, now)
    });
    let accepted = accepted.collect();
    bulk::<Event>(&call, accepted).await
}

/// Makes an event of what was told. It is the caller's, whatever was told.
fn accept(call: &Call, value: Value, key: Option<&Key>, place: usize, now: Timestamp) -> Result<Arc<Event>, ApiError> {
    let told = value.get("timestamp").is_some();
    let mut draft = call::read::<EventDraft>(value)?.created_by(call.principal().name());
    if let Some(key) = key.filter(|_| !told) {
        draft = draft.at(key.time);
    }
    let checked = draft.check(call.api.options.window, now);
    let mut event = checked.map_err(|invalid| idempotency::unfit(invalid, told))?;
    if let Some(key) = key {
        event.id = key.id(place, event.timestamp);
    }
    Ok(Arc::new(event))
}

async fn list(call: Call) -> Result<Answer, ApiError> {
    let from = call.query();
    let mut query = paged!(EventQuery::new(call.scope()), from);
    query.event_type = from.parsed("event_type");
    query.source = from.text("source").map(str::to_owned);
    query.level = from.parsed("level");
    query.min_level = from.parsed("min_level");
    query.trace_id = from.text("trace_id").map(str::to_owned);
    query.start = from.time("start_time");
    query.end = from.time("end_time");
    for (key, value) in from.all("tag").filter_map(|tag| tag.split_once(':')) {
        query = query.tag(key, tag_value(value));
    }
    let page = call.services().store.events(&query).await?;
    let items: Vec<&Event> = page.items.iter().map(|event| &**event).collect();
    Answer::page(&items, page.next)
}

/// Reads a tag's value: JSON that is no object or array, else text.
fn tag_value(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_))) => value,
        _ => Value::String(text.to_owned()),
    }
}

async fn get(call: Call) -> Result<Answer, ApiError> {
    let event = call.services().store.event(call.id()?, &call.scope()).await?;
    Answer::ok(&*event.ok_or_else(ApiError::not_found)?)
}
