//! What there is to ask for: series, labels and their values, what metrics are.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::json;

use super::super::answer::Answer;
use super::super::call::Call;
use super::super::error::ApiError;
use super::fault::Fault;
use super::form::Form;
use super::query::{answered, history};
use super::value::{self, quoted};
use crate::history::HistoryError;
use crate::promql::engine::LabelSet;
use crate::timestamp::Timestamp;

pub(super) async fn series(call: Call) -> Result<Answer, ApiError> {
    Ok(answered(list_series(&call).await))
}

pub(super) async fn labels(call: Call) -> Result<Answer, ApiError> {
    let names = texts(&call, |series, names| names.extend(series.iter().map(|(name, _)| name.to_owned()))).await;
    Ok(answered(names))
}

pub(super) async fn values(call: Call) -> Result<Answer, ApiError> {
    let label = call.path("name").to_owned();
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_';
    if !label.starts_with(starts) || !label.chars().all(|c| starts(c) || c.is_ascii_digit()) {
        return Ok(Fault::bad_data(format!("invalid label name: {label:?}")).answer());
    }
    let values = texts(&call, |series, values| {
        let value = series.get(&label);
        if !value.is_empty() {
            values.insert(value.to_owned());
        }
    });
    Ok(answered(values.await))
}

pub(super) async fn metadata(call: Call) -> Result<Answer, ApiError> {
    let describe = || {
        let form = Form::of(&call)?;
        let (wanted, limit) = (form.text("metric"), form.limit()?);
        let all = history(&call)?.descriptions().into_iter();
        let of_wanted = all.filter(|(name, _)| wanted.is_none_or(|wanted| wanted == name)).take(limit);
        let described: serde_json::Map<_, _> = of_wanted
            .map(|(name, said)| (name, json!([{ "type": said.kind, "help": said.help, "unit": said.unit }])))
            .collect();
        Ok(serde_json::Value::from(described).to_string())
    };
    Ok(answered(describe()))
}

/// Says that PromQL is that of Prometheus 3, and that this is none.
pub(super) async fn build_info(_: Call) -> Result<Answer, ApiError> {
    let said = json!({
        "version": "3.0.0",
        "revision": concat!("watchkeeper ", env!("CARGO_PKG_VERSION")),
        "branch": "", "buildUser": "", "buildDate": "", "goVersion": "",
    });
    Ok(answered(Ok(said.to_string())))
}

async fn list_series(call: &Call) -> Result<String, Fault> {
    let form = Form::of(call)?;
    if form.all("match[]").next().is_none() {
        return Err(Fault::bad_data("no match[] parameter provided"));
    }
    let found = selected(call, &form).await?;
    let mut out = String::from("[");
    for (at, series) in found.iter().take(form.limit()?).enumerate() {
        if at > 0 {
            out.push(',');
        }
        value::labels(&mut out, series);
    }
    out.push(']');
    Ok(out)
}

/// Lists texts that series have, each once and in order.
async fn texts(call: &Call, take: impl Fn(&LabelSet, &mut BTreeSet<String>)) -> Result<String, Fault> {
    let form = Form::of(call)?;
    let mut texts = BTreeSet::new();
    selected(call, &form).await?.iter().for_each(|series| take(series, &mut texts));
    let mut out = String::from("[");
    for (at, text) in texts.iter().take(form.limit()?).enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let _ = write!(out, "{comma}{}", quoted(text));
    }
    out.push(']');
    Ok(out)
}

async fn selected(call: &Call, form: &Form) -> Result<Vec<LabelSet>, Fault> {
    let start = form.time("start")?.unwrap_or(Timestamp::MIN);
    let end = form.time("end")?.unwrap_or(Timestamp::MAX);
    let selectors: Vec<&str> = form.all("match[]").collect();
    let found = history(call)?.series(&selectors, start, end).await;
    found.map_err(|error| match error {
        HistoryError::Query(wrong) => Fault::parameter("match[]", wrong),
        error => Fault::from(error),
    })
}
