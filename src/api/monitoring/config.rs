//! The routes of the configuration that can be changed while the app runs, and of OpenAPI.

use http::Method;
use serde::{Deserialize, Serialize};

use super::Role;
use super::answer::Answer;
use super::call::Call;
use super::error::{ApiError, Code};
use super::route::{Answers, Route};
use super::schema::{Field, Object, Schema};

/// The longest filter, in bytes.
const MAX_FILTER_BYTES: usize = 4096;

const CONFIG: Object = Object {
    name: "Config",
    fields: &[Field::nullable(
        "log_filter",
        Schema::Text(MAX_FILTER_BYTES),
        "What is logged, in the form of `RUST_LOG`; null where the watch has no telemetry.",
    )],
};

const CHANGE: Object = Object {
    name: "ConfigChange",
    fields: &[Field::required("log_filter", Schema::LogFilter(MAX_FILTER_BYTES), "What is to be logged from now on.")],
};

#[derive(Serialize)]
struct Config {
    log_filter: Option<String>,
}

#[derive(Deserialize)]
struct Change {
    log_filter: String,
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
    Answer::ok(&Config { log_filter: call.services().telemetry.as_ref().map(|telemetry| telemetry.filter()) })
}

async fn get(call: Call) -> Result<Answer, ApiError> {
    current(&call)
}

async fn put(mut call: Call) -> Result<Answer, ApiError> {
    let change: Change = call.body()?;
    let Some(telemetry) = &call.services().telemetry else {
        return Err(ApiError::new(Code::Unsupported, "the watch has no telemetry, so nothing is filtered"));
    };
    telemetry
        .set_filter(&change.log_filter)
        .map_err(|error| ApiError::new(Code::InvalidField, error.to_string()).field("log_filter"))?;
    current(&call)
}

async fn openapi(call: Call) -> Result<Answer, ApiError> {
    Ok(Answer::document("application/json", call.api.document.clone()))
}
