//! The routes of the configuration that can be changed while the app runs, and of OpenAPI.

use http::Method;
use serde::Serialize;
use serde_json::Value;

use super::Role;
use super::answer::Answer;
use super::call::Call;
use super::error::{ApiError, Code};
use super::route::{Answers, Route};
use super::schema::{Field, Object, Schema};
use crate::tasks::DATA_RETENTION;

/// The longest filter, in bytes.
const MAX_FILTER_BYTES: usize = 4096;

/// The names of the retention's settings: here, and as arguments of its task.
const DAYS: [(&str, &str); 2] = [("event_retention_days", "event_days"), ("metric_retention_days", "metric_days")];
const RETENTION: Schema = Schema::Whole(1, 3650);

const CONFIG: Object = Object {
    name: "Config",
    fields: &[
        Field::nullable(
            "log_filter",
            Schema::Text(MAX_FILTER_BYTES),
            "What is logged, in the form of `RUST_LOG`; null where the watch has no telemetry.",
        ),
        Field::nullable(DAYS[0].0, RETENTION, "For how many days events are kept."),
        Field::nullable(DAYS[1].0, RETENTION, "For how many days samples are kept."),
    ],
};

const CHANGE: Object = Object {
    name: "ConfigChange",
    fields: &[
        Field::optional("log_filter", Schema::LogFilter(MAX_FILTER_BYTES), "What is to be logged from now on."),
        Field::optional(DAYS[0].0, RETENTION, "For how many days events are to be kept."),
        Field::optional(DAYS[1].0, RETENTION, "For how many days samples are to be kept."),
    ],
};

#[derive(Serialize)]
struct Config {
    log_filter: Option<String>,
    event_retention_days: Option<Value>,
    metric_retention_days: Option<Value>,
}

/// The rows of the table.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/config", Role::Admin, "getConfig", get)
            .about("Returns what can be changed while the app runs.")
            .answers(Answers::One(Schema::Object(&CONFIG))),
        Route::new(Method::PUT, "/config", Role::Admin, "changeConfig", put)
            .about("Changes it, at once and until the app ends.")
            .takes(&CHANGE)
            .answers(Answers::One(Schema::Object(&CONFIG))),
        Route::new(Method::GET, "/openapi.json", Role::User, "openapi", openapi)
            .unaudited()
            .about("Returns this description.")
            .answers(Answers::Document("application/json")),
    ]
}

fn current(call: &Call) -> Result<Answer, ApiError> {
    let services = call.services();
    let tasks = services.tasks.list();
    let retention = tasks.iter().find(|task| task.name == DATA_RETENTION);
    let default = |name: &str| {
        let argument = retention?.arguments.iter().find(|argument| argument.name == name)?;
        argument.default.clone()
    };
    Answer::ok(&Config {
        log_filter: services.telemetry.as_ref().map(|telemetry| telemetry.filter()),
        event_retention_days: default(DAYS[0].1),
        metric_retention_days: default(DAYS[1].1),
    })
}

async fn get(call: Call) -> Result<Answer, ApiError> {
    current(&call)
}

async fn put(mut call: Call) -> Result<Answer, ApiError> {
    let change = call.value();
    // What may fail comes first; days have been checked.
    if let Some(filter) = change["log_filter"].as_str() {
        let Some(telemetry) = &call.services().telemetry else {
            return Err(ApiError::new(Code::Unsupported, "the watch has no telemetry, so nothing is filtered"));
        };
        telemetry
            .set_filter(filter)
            .map_err(|error| ApiError::new(Code::InvalidField, error.to_string()).field("log_filter"))?;
    }
    for (name, argument) in DAYS {
        if let Some(days) = change[name].as_u64() {
            call.services().tasks.set_default(DATA_RETENTION, argument, days)?;
        }
    }
    current(&call)
}

async fn openapi(call: Call) -> Result<Answer, ApiError> {
    Ok(Answer::document("application/json", call.api.document.clone()))
}
