//! The route of statistics.

use http::Method;
use serde::Serialize;

use super::Role;
use super::answer::Answer;
use super::call::Call;
use super::error::ApiError;
use super::route::{Answers, Route};
use super::schema::{Field, Object, Schema};
use crate::timestamp::Timestamp;

const COUNT: Schema = Schema::Whole(0, u64::MAX >> 1);

const STATS: Object = Object {
    name: "Stats",
    fields: &[
        Field::required("total_events", COUNT, "The events that were ever stored; it never falls."),
        Field::required("total_metrics", COUNT, "The samples that were ever stored; it never falls."),
        Field::required("active_alerts", COUNT, "The alerts that are firing."),
        Field::required("open_incidents", COUNT, "The incidents that go on: open, investigating or mitigated."),
        Field::required("events_last_hour", COUNT, "The events of the last hour, by their own time."),
        Field::required("metrics_last_hour", COUNT, "The samples of the last hour, by their own time."),
    ],
};

#[derive(Serialize)]
struct Stats {
    total_events: u64,
    total_metrics: u64,
    active_alerts: u64,
    open_incidents: u64,
    events_last_hour: u64,
    metrics_last_hour: u64,
}

/// The rows of the table.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/stats", Role::Moderator, "getStats", get)
            .unaudited()
            .about("Counts what there is.")
            .answers(Answers::One(Schema::Object(&STATS))),
    ]
}

async fn get(call: Call) -> Result<Answer, ApiError> {
    let (store, now) = (&call.services().store, Timestamp::now());
    let (events, samples) = (store.event_counts(now).await?, store.sample_counts(now).await?);
    Answer::ok(&Stats {
        total_events: events.total,
        total_metrics: samples.total,
        active_alerts: store.active_alerts().await?,
        open_incidents: store.active_incidents().await?,
        events_last_hour: events.last_hour,
        metrics_last_hour: samples.last_hour,
    })
}
