//! PromQL evaluated in the process, over any source of series.
//!
//! A [`Query`] is an expression that was read and checked: what is wrong or not supported is known when it is made,
//! with its position. An [`Engine`] evaluates it over a [`SeriesSource`], at one time or at every step of a range, and
//! within [`Limits`].

mod aggregate;
mod binary;
mod budget;
mod calendar;
mod call;
mod calls;
mod classic_histogram;
mod constant;
#[allow(clippy::module_inception)]
mod engine;
mod error;
mod evaluate;
mod fault;
mod function;
mod grid;
mod label_set;
mod limits;
mod literal;
mod matched;
mod matcher;
mod node;
mod over_range;
mod pattern;
mod query;
mod range_function;
mod ranking;
mod read;
mod regression;
mod relabel;
mod select;
mod series;
mod source;
mod statistic;
mod syntax;
mod syntax_fault;
mod token;
mod value;
mod value_type;
mod window;

pub use engine::Engine;
pub use error::QueryError;
pub use fault::EvaluationError;
pub use label_set::{Label, LabelSet, METRIC_NAME};
pub use limits::Limits;
pub use matcher::Matcher;
pub use query::Query;
pub use series::{STALE_MARKER, Series, is_stale, stale};
pub use source::{SeriesSource, SourceBounds, SourceError};
pub use value::{Sample, Value};
pub use value_type::ValueType;
