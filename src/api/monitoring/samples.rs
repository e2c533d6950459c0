//! The routes of samples, and that of the whole scrape.

use std::sync::Arc;

use http::Method;
use serde_json::Value;

use super::Role;
use super::answer::Answer;
use super::call::{self, Call};
use super::error::ApiError;
use super::idempotency::{self, Key};
use super::ingest::{self, Told, bulk};
use super::query::{PAGE, Parameter, TIMES, paged};
use super::route::{Answers, Route};
use super::schema::{Field, Object, Schema};
use crate::event::MAX_IDENTITY_BYTES;
use crate::sample::{MAX_NAME_BYTES, MetricType, Sample, SampleDraft, is_name};
use crate::store::SampleQuery;
use crate::timestamp::Timestamp;

const TYPE: Schema = Schema::Named(|| MetricType::ALL.iter().map(|value| value.as_str()).collect());
const NAME: Schema = Schema::Matching(MAX_NAME_BYTES, "^[a-zA-Z_:][a-zA-Z0-9_:]*$", |text| is_name(text, |c| c == ':'));

/// A sample as it is told.
const DRAFT: Object = Object {
    name: "SampleDraft",
    fields: &[
        Field::required("name", NAME, "The metric's name."),
        Field::required("metric_type", TYPE, "The metric's type."),
        Field::required("value", Schema::SampleValue, "The value."),
        Field::optional("labels", Schema::Labels, "The labels, at most 64."),
        Field::optional("timestamp", Schema::Time, "When it was measured, at most 30 days ago; now by default."),
    ],
};

/// A sample as it is kept.
const SAMPLE: Object = Object {
    name: "Sample",
    fields: &[
        Field::required("id", Schema::Id, "Its id, which holds its time."),
        Field::required("name", NAME, "The metric's name."),
        Field::required("metric_type", TYPE, "The metric's type."),
        Field::required("value", Schema::SampleValue, "The value."),
        Field::required("labels", Schema::Labels, "The labels."),
        Field::required("timestamp", Schema::Time, "When it was measured."),
        Field::required("created_at", Schema::Time, "When it was accepted."),
        Field::nullable("created_by", Schema::Text(MAX_IDENTITY_BYTES), "Who told it; null when the app itself did."),
    ],
};

const FILTERS: &[Parameter] = &[
    Parameter::query("name", Schema::Text(MAX_NAME_BYTES), "Of the metric of this name."),
    Parameter::each(
        "label",
        Schema::Matching(512, r"^[a-zA-Z_][a-zA-Z0-9_]*:[^\u0000]*$", |text| {
            !text.contains('\0') && text.split_once(':').is_some_and(|(name, _)| is_name(name, |_| false))
        }),
        "With this label, as `name:value`; a label that is empty is one that is not there.",
    ),
];

/// The rows of the table.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/metrics", Role::User, "createSample", create)
            .unaudited()
            .about("Keeps a sample of a metric, and answers when the store has it.")
            .takes(&DRAFT)
            .idempotent()
            .answers(Answers::Created(Schema::Object(&SAMPLE))),
        Route::new(Method::GET, "/metrics", Role::User, "listSamples", list)
            .about("Finds samples: one's own, from moderator on everybody's.")
            .query(FILTERS)
            .query(TIMES)
            .query(PAGE)
            .answers(Answers::Page(Schema::Object(&SAMPLE))),
        Route::new(Method::POST, "/metrics/bulk", Role::User, "createSamples", create_many)
            .unaudited()
            .about("Keeps many samples, each by itself: what is refused holds up nothing else.")
            .takes_many(&DRAFT)
            .idempotent()
            .answers(Answers::Created(Schema::Object(&ingest::OUTCOME))),
        Route::new(Method::GET, "/metrics/prometheus", Role::User, "scrape", scrape)
            .unaudited()
            .about("Returns what `/metrics` of the app shows, in Prometheus' text or OpenMetrics.")
            .answers(Answers::Document("text/plain")),
    ]
}

async fn create(mut call: Call) -> Result<Answer, ApiError> {
    let now = Timestamp::now();
    let key = call.key("metrics", now)?;
    let value = call.value();
    Told::one(&call, accept(&call, value, key.as_ref(), 0, now)?, key.is_some()).await
}

async fn create_many(mut call: Call) -> Result<Answer, ApiError> {
    let now = Timestamp::now();
    let key = call.key("metrics/bulk", now)?;
    let items = call.items();
    let accepted = items.into_iter().enumerate().map(|(place, item)| {
        let mut value = item?;
        DRAFT.check(&mut value)?;
        accept(&call, value, key.as_ref(), place, now)
    });
    let accepted = accepted.collect();
    bulk::<Sample>(&call, accepted).await
}

/// Makes a sample of what was told. It is the caller's, whatever was told.
fn accept(call: &Call, value: Value, key: Option<&Key>, place: usize, now: Timestamp) -> Result<Arc<Sample>, ApiError> {
    let told = value.get("timestamp").is_some();
    let mut draft = call::read::<SampleDraft>(value)?.created_by(call.principal().name());
    if let Some(key) = key.filter(|_| !told) {
        draft = draft.at(key.time);
    }
    let checked = draft.check(call.api.options.window, now);
    let mut sample = checked.map_err(|invalid| idempotency::unfit(invalid, told))?;
    if let Some(key) = key {
        sample.id = key.id(place, sample.timestamp);
    }
    Ok(Arc::new(sample))
}

async fn list(call: Call) -> Result<Answer, ApiError> {
    let from = call.query();
    let mut query = paged!(SampleQuery::new(call.scope()), from);
    query.name = from.text("name").map(str::to_owned);
    query.start = from.time("start_time");
    query.end = from.time("end_time");
    for (name, value) in from.all("label").filter_map(|label| label.split_once(':')) {
        query = query.label(name, value);
    }
    let page = call.services().store.samples(&query).await?;
    let items: Vec<&Sample> = page.items.iter().map(|sample| &**sample).collect();
    Answer::page(&items, page.next)
}

async fn scrape(call: Call) -> Result<Answer, ApiError> {
    Ok(Answer::whole(call.services().scraper.answer_known(&call.head.headers).await))
}
