//! Rules for Prometheus: alerts and recordings, in groups, in files.
//!
//! ```
//! use watchkeeper::presets::http::REQUESTS;
//! use watchkeeper::promql::{self, Scope, select};
//! use watchkeeper::stack::rule::{Alert, Group, RuleFile};
//!
//! let failed = select(&REQUESTS).matching("status", "5..").eq("path", "/checkout");
//! let share = promql::share(failed, select(&REQUESTS).eq("path", "/checkout"), "5m", &["service"]);
//! let alert = Alert::critical("CheckoutFails", share.gt(0.02))
//!     .pending("5m")
//!     .summary("Checkouts of {{ $labels.service }} fail")
//!     .description("{{ $value | humanizePercentage }} of checkouts fail, over 2 %.");
//! let file = RuleFile::new([Group::new("checkout").alert(alert)]);
//!
//! let yaml = file.render(&Scope::default(), "https://runbooks.example.org")?;
//! assert!(yaml.contains("- alert: CheckoutFails"));
//! assert!(yaml.contains("runbook_url: https://runbooks.example.org/CheckoutFails.md"));
//! # Ok::<(), watchkeeper::stack::rule::RuleError>(())
//! ```

mod alert;
mod error;
mod file;
mod record;

pub use alert::{Alert, Severity};
pub use error::{RuleError, RuleFault};
pub use file::{Group, Rule, RuleFile};
pub use record::Record;
