//! Queries, as of one time and at steps.

use bytes::Bytes;

use super::super::answer::Answer;
use super::super::call::Call;
use super::super::error::ApiError;
use super::fault::Fault;
use super::form::Form;
use super::value;
use crate::history::History;
use crate::timestamp::Timestamp;

/// How many steps Prometheus answers at most.
const MOST_STEPS: u128 = 11_000;

pub(super) async fn instant(call: Call) -> Result<Answer, ApiError> {
    Ok(answered(evaluate(&call).await))
}

pub(super) async fn range(call: Call) -> Result<Answer, ApiError> {
    Ok(answered(evaluate_range(&call).await))
}

/// Returns the history that is asked.
pub(super) fn history(call: &Call) -> Result<&History, Fault> {
    call.services().history.as_ref().ok_or_else(Fault::off)
}

/// Answers data, or what is wrong, as Prometheus does.
pub(super) fn answered(data: Result<String, Fault>) -> Answer {
    match data {
        Ok(data) => {
            Answer::document("application/json", Bytes::from(format!("{{\"status\":\"success\",\"data\":{data}}}")))
        }
        Err(fault) => fault.answer(),
    }
}

async fn evaluate(call: &Call) -> Result<String, Fault> {
    let form = Form::of(call)?;
    let time = form.time("time")?.unwrap_or_else(Timestamp::now);
    let value = history(call)?.query(form.text("query").unwrap_or_default(), time).await?;
    Ok(value::render(&value, time))
}

async fn evaluate_range(call: &Call) -> Result<String, Fault> {
    let form = Form::of(call)?;
    let (start, end) = (form.needed_time("start")?, form.needed_time("end")?);
    if end < start {
        return Err(Fault::parameter("end", "end timestamp must not be before start time"));
    }
    let step = form.needed_duration("step")?;
    if step.as_millis() == 0 || end.since(start).as_millis() / step.as_millis() > MOST_STEPS {
        return Err(Fault::bad_data(
            "exceeded maximum resolution of 11,000 points per timeseries. \
             Try decreasing the query resolution (?step=XX)",
        ));
    }
    let value = history(call)?.query_range(form.text("query").unwrap_or_default(), start, end, step).await?;
    Ok(value::render(&value, end))
}
