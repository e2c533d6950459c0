//! PromQL evaluated in the process, over any source of series.
//!
//! A [`Query`] is an expression that was read and checked: what is wrong or not supported is known when it is made,
//! with its position. An [`Engine`] evaluates it over a [`SeriesSource`], at one time or at every step of a range, and
//! within [`Limits`].
//!
//! ```
//! use watchkeeper::promql::engine::{
//!     Engine, LabelSet, Matcher, Query, Series, SeriesSource, SourceBounds, SourceError, Value,
//! };
//!
//! struct Orders(Vec<Series>);
//!
//! impl SeriesSource for Orders {
//!     fn select(&self, matchers: &[Matcher], _: i64, _: i64, _: &SourceBounds) -> Result<Vec<Series>, SourceError> {
//!         Ok(self.0.iter().filter(|series| Matcher::all_match(matchers, &series.labels)).cloned().collect())
//!     }
//! }
//!
//! let labels = LabelSet::new([("__name__", "orders_total"), ("shop", "Delft")]);
//! let source = Orders(vec![Series { labels, points: vec![(0, 0.0), (15_000, 30.0), (30_000, 60.0)] }]);
//! let query = Query::parse("sum by (shop) (rate(orders_total[1m])) > 0.5")?;
//! let Value::Vector(samples) = Engine::default().instant(&query, &source, 30_000)? else { unreachable!() };
//! assert_eq!((samples[0].labels.get("shop"), samples[0].value), ("Delft", 1.0));
//!
//! let wrong = Query::parse("sum(rate(orders_total))").unwrap_err();
//! assert_eq!(wrong.position(), 4);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is evaluated
//!
//! PromQL as Prometheus 3 means it: selectors with all matchers, `offset`, `@`, subqueries, all operators and
//! aggregations, all functions of floats, and `histogram_quantile` and `histogram_fraction` of classic histograms; of the
//! functions that are experimental there, those that need nothing else. Ranges leave their left edge out; a value is
//! present for less than five minutes and until its series ends; a rate is extended to the ends of its range. A name is
//! dropped at the end of an evaluation, so that `label_replace` can still read it, as with Prometheus'
//! `promql-delayed-name-removal`. Dots match line breaks, and classes such as `\d` are ASCII.
//!
//! # What is refused
//!
//! When a query is made: native histograms (`histogram_count`, `histogram_sum`, `histogram_avg`, `histogram_stddev`,
//! `histogram_stdvar`, `</`, `>/`), and what is experimental in Prometheus (`info`, `histogram_quantiles`,
//! `limit_ratio`, `start_timestamp`, `fill`, `anchored`, `smoothed`, arithmetic of durations). A source that finds native
//! histograms where it was asked for series says so by [`SourceError::NativeHistogram`], rather than to leave them out.
//! Annotations, Prometheus' warnings beside a result, are not given.
//!
//! # What it may cost
//!
//! An expression has at most [`Query::MOST_BYTES`], [`Query::MOST_LEVELS`] and [`Query::MOST_PATTERNS`], and each of its
//! regular expressions compiles to at most 128 KiB; they match in time that grows with a text's length alone. So
//! reading is cheap, and neither reading nor evaluating needs more than a mebibyte of stack. An evaluation keeps to
//! [`Limits`]: every loop counts its work, and after 4,096 small steps the clock is looked at. So an evaluation ends
//! within milliseconds of its deadline, plus what the source takes to notice it. A label that a function makes has at
//! most 4 KiB.

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
