//! Prometheus' own query API over the history, so that Grafana can have the service as a data source of type Prometheus.
//!
//! Paths, parameters, answers and errors are those of Prometheus; who may not call gets the errors of all other routes.

mod fault;
mod form;
mod metadata;
mod query;
pub(super) mod value;

pub(super) use form::duration;

use http::Method;

use super::Role;
use super::query::Parameter;
use super::route::{Answers, Route};
use super::schema::Schema;
use crate::promql::engine::Query;

const TEXT: Schema = Schema::Text(64);
const EXPRESSION: Parameter = Parameter::query("query", Schema::Text(Query::MOST_BYTES), "The expression, in PromQL.");
const START: Parameter = Parameter::query("start", TEXT, "From when on, in seconds since 1970 or RFC 3339.");
const END: Parameter = Parameter::query("end", TEXT, "Until when, in seconds since 1970 or RFC 3339.");
const MATCH: Parameter =
    Parameter::each("match[]", Schema::Text(Query::MOST_BYTES), "A selector of the series that are meant.");
const LIMIT: Parameter = Parameter::query("limit", TEXT, "How many are returned at most; all by default.");

const INSTANT: &[Parameter] =
    &[EXPRESSION, Parameter::query("time", TEXT, "As of when, in seconds since 1970 or RFC 3339; now by default.")];
const RANGE: &[Parameter] =
    &[EXPRESSION, START, END, Parameter::query("step", TEXT, "How far apart the values are, in seconds or as `15s`.")];
const SERIES: &[Parameter] = &[MATCH, START, END, LIMIT];
const METADATA: &[Parameter] = &[Parameter::query("metric", Schema::Text(256), "Of the metric of this name."), LIMIT];

/// The rows of the table. What Prometheus answers to a form in the body, is answered to one here too.
pub(super) fn routes() -> Vec<Route> {
    macro_rules! row {
        ($method:ident $path:literal, $name:literal, $handler:expr, $takes:expr, $about:literal) => {
            Route::new(Method::$method, concat!("/prometheus/api/v1/", $path), Role::Moderator, $name, $handler)
                .about($about)
                .takes_form($takes)
                .answers(Answers::Document("application/json"))
        };
    }
    vec![
        row!(GET "query", "prometheusQuery", query::instant, INSTANT, "Evaluates an expression, as Prometheus does."),
        row!(POST "query", "prometheusQueryForm", query::instant, INSTANT, "Evaluates an expression that a form holds."),
        row!(GET "query_range", "prometheusQueryRange", query::range, RANGE, "Evaluates an expression at steps."),
        row!(POST "query_range", "prometheusQueryRangeForm", query::range, RANGE, "Evaluates a form's expression at steps."),
        row!(GET "series", "prometheusSeries", metadata::series, SERIES, "Lists series by their labels."),
        row!(POST "series", "prometheusSeriesForm", metadata::series, SERIES, "Lists the series that a form selects."),
        row!(GET "labels", "prometheusLabels", metadata::labels, SERIES, "Lists the names of labels."),
        row!(POST "labels", "prometheusLabelsForm", metadata::labels, SERIES, "Lists the names of a form's labels."),
        row!(GET "label/{name}/values", "prometheusLabelValues", metadata::values, SERIES, "Lists the values of a label."),
        row!(GET "metadata", "prometheusMetadata", metadata::metadata, METADATA, "Says what metrics are."),
        row!(GET "status/buildinfo", "prometheusBuildInfo", metadata::build_info, &[], "Says which language is spoken."),
    ]
}
