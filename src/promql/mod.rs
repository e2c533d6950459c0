//! PromQL expressions built from descriptors, so that no query names what does not exist.
//!
//! An expression begins at a metric: a descriptor of the catalogue or of the app, a metric of a named exporter, or a
//! recording rule. It knows which labels its series have. What cannot be right is an error when it is built: a label
//! that the metric does not have, a value that a closed label never takes, the rate of a gauge, a quantile of a
//! counter, a comparison of series that never meet, a rate over fewer than four scrapes.
//!
//! ```
//! use watchkeeper::presets::{auth::LOGIN_ATTEMPTS, http::REQUEST_DURATION};
//! use watchkeeper::promql::{self, Scope};
//!
//! let logins = promql::rate(&LOGIN_ATTEMPTS, "5m").sum_by(&["result"]);
//! assert_eq!(logins.render(&Scope::default())?, "sum by (result) (rate(login_attempts_total[5m]))");
//!
//! let slow = promql::quantile(0.95, &REQUEST_DURATION, "5m", &["path"]).gt(1.0);
//! assert_eq!(
//!     slow.render(&Scope::default())?,
//!     "histogram_quantile(0.95, sum by (le, path) (rate(http_request_duration_seconds_bucket[5m]))) > 1",
//! );
//!
//! let wrong = promql::rate(&LOGIN_ATTEMPTS, "5m").sum_by(&["path"]).render(&Scope::default());
//! assert_eq!(wrong.unwrap_err().to_string(), "`login_attempts_total` has no label `path`");
//! # Ok::<(), promql::PromqlError>(())
//! ```

mod aggregate;
mod binary;
#[cfg(feature = "alerting")]
pub mod engine;
mod error;
mod expr;
mod function;
mod labels;
mod matcher;
mod node;
mod scope;
mod selector;
mod series;
pub(crate) mod window;

pub use binary::On;
pub use error::PromqlError;
pub use expr::{Expr, number, time, vector};
pub use function::{
    absent, avg_over_time, changes, count_over_time, delta, deriv, increase, last_over_time, max_over_time, mean,
    min_over_time, predict_linear, quantile, rate, resets, share, sum_over_time,
};
pub use node::Use;
pub use scope::Scope;
pub use selector::{Selector, bucket, observations, select, total};
pub use series::{ExporterMetric, Origin, Queried, Series, SeriesKind, TARGET_LABELS};
pub use window::Window;
