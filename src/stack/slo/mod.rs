//! Service level objectives: declared in code, rendered as recordings, an error budget and burn-rate alerts.
//!
//! An objective is kept over 30 days. What counts as an error is a rate of its own, so that every window weighs errors
//! by the traffic of its time; where there is no traffic there is no ratio, and no alert.
//!
//! ```
//! use watchkeeper::presets::http::REQUEST_DURATION;
//! use watchkeeper::promql::Scope;
//! use watchkeeper::stack::slo::{self, Slo};
//!
//! // The threshold is a bound of the metric's buckets, or this does not compile.
//! const CHECKOUT_LATENCY: Slo = Slo::latency(
//!     "checkout-latency",
//!     "99 % of checkouts answer within 300 ms.",
//!     0.99,
//!     const { &REQUEST_DURATION }, // a reference to a constant that lasts
//!     0.3,
//! )
//! .of(|requests| requests.eq("path", "/checkout"));
//!
//! let rules = slo::rules(&[CHECKOUT_LATENCY]);
//! let yaml = rules.render(&Scope::default(), "https://runbooks.example.org")?;
//! assert!(yaml.contains("record: slo:error_budget:remaining_ratio"));
//! # Ok::<(), watchkeeper::stack::rule::RuleError>(())
//! ```

mod burn;
mod declaration;
mod error;
mod shipped;

pub use burn::{budget_remaining, error_ratio, objective, rules};
pub(in crate::stack) use burn::{objectives, ratios, remainders};
pub use declaration::Slo;
pub use error::SloError;
pub use shipped::SHIPPED;
