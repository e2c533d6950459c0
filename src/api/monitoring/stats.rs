//! The route of statistics.

use http::Method;

use super::Role;
use super::answer::Answer;
use super::call::Call;
use super::error::ApiError;
use super::route::{Answers, Route};
use super::schema::{Field, Object, Schema};

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
    Answer::ok(&call.services().desk.statistics().await?)
}
