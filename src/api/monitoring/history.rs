//! The routes that ask the history, in the envelope of all other routes.

use std::time::Duration;

use http::Method;

use super::Role;
use super::answer::Answer;
use super::call::Call;
use super::error::{ApiError, Code};
use super::prometheus::{duration, value};
use super::query::{Parameter, TIMES};
use super::route::{Answers, Route};
use super::schema::Schema;
use crate::history::{History, HistoryError};
use crate::promql::engine::{EvaluationError, Query, SourceError, Value};
use crate::timestamp::Timestamp;

const EXPRESSION: &[Parameter] =
    &[Parameter::query("query", Schema::Text(Query::MOST_BYTES), "The expression, in PromQL. It has to be there.")];

const TIME: &[Parameter] =
    &[Parameter::query("time", Schema::Time, "As of when it is evaluated, in RFC 3339; now by default.")];

const STEP: &[Parameter] = &[Parameter::query(
    "step",
    Schema::Matching(32, "^[0-9.]+(ms|[smhdwy])?([0-9]+(ms|[smhdwy]))*$", |text| duration(text).is_some()),
    "How far apart the values are, in seconds or as `15s`; a 250th of the time, and a second at least, by default.",
)];

/// How far a range reaches back that does not say where it begins.
const AN_HOUR: Duration = Duration::from_secs(3600);

/// The rows of the table.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/metrics/query", Role::Moderator, "queryMetrics", query)
            .about("Evaluates an expression over the history and the samples, as of one time.")
            .query(EXPRESSION)
            .query(TIME)
            .answers(Answers::One(Schema::Any)),
        Route::new(Method::GET, "/metrics/query_range", Role::Moderator, "queryMetricsRange", query_range)
            .about("Evaluates an expression over the history and the samples, at steps from one time to another.")
            .query(EXPRESSION)
            .query(TIMES)
            .query(STEP)
            .answers(Answers::One(Schema::Any)),
    ]
}

async fn query(call: Call) -> Result<Answer, ApiError> {
    let (history, expression) = asked(&call)?;
    let time = call.query().time("time").unwrap_or_else(Timestamp::now);
    answer(history.query(expression, time).await, time)
}

async fn query_range(call: Call) -> Result<Answer, ApiError> {
    let (history, expression) = asked(&call)?;
    let end = call.query().time("end_time").unwrap_or_else(Timestamp::now);
    let start = call.query().time("start_time").unwrap_or_else(|| end.minus(AN_HOUR));
    if end < start {
        return Err(ApiError::new(Code::InvalidParameter, "it is before `start_time`").field("end_time"));
    }
    let fit = (end.since(start) / 250).max(Duration::from_secs(1));
    let step = call.query().text("step").and_then(duration).unwrap_or(fit);
    if step < Duration::from_millis(1) {
        return Err(ApiError::new(Code::InvalidParameter, "accepted: a millisecond or more").field("step"));
    }
    answer(history.query_range(expression, start, end, step).await, end)
}

/// Returns what a call wants to know, and of whom.
fn asked(call: &Call) -> Result<(&History, &str), ApiError> {
    let off = || ApiError::new(Code::Unsupported, "the service keeps no history");
    let history = call.services().history.as_ref().ok_or_else(off)?;
    let missing = || ApiError::new(Code::InvalidParameter, "it is missing").field("query");
    Ok((history, call.query().text("query").ok_or_else(missing)?))
}

fn answer(result: Result<Value, HistoryError>, time: Timestamp) -> Result<Answer, ApiError> {
    let text = value::render(&result?, time);
    // It is JSON already.
    Ok(Answer::document("application/json", format!("{{\"success\":true,\"data\":{text}}}").into()))
}

impl From<HistoryError> for ApiError {
    fn from(error: HistoryError) -> Self {
        let said = crate::sanitise::truncate(&error.to_string(), 1024).to_owned();
        match error {
            HistoryError::Busy | HistoryError::Overdue { .. } => Self::new(Code::Unavailable, said),
            HistoryError::Evaluation(EvaluationError::Deadline { .. })
            | HistoryError::Evaluation(EvaluationError::Source(SourceError::Deadline))
            | HistoryError::Source(SourceError::Deadline) => Self::new(Code::Timeout, said),
            HistoryError::Evaluation(EvaluationError::Source(SourceError::Unavailable(_)))
            | HistoryError::Source(SourceError::Unavailable(_)) => {
                Self::new(Code::Unavailable, "the store cannot be asked")
            }
            HistoryError::Failed => Self::new(Code::Internal, said),
            _ => Self::new(Code::InvalidParameter, said).field("query"),
        }
    }
}
