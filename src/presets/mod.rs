//! Ready-made metrics of the field, by group.
//!
//! [`Presets`] is the handle on them; each group has a module with its metrics as constants, its closed labels as
//! enums, and a struct whose `record_*` methods and guards record them. [`CATALOGUE`] lists every metric.
//!
//! ```
//! use watchkeeper::presets::{Presets, Status, payment::PaymentStatus};
//!
//! let metrics = Presets::default();
//! metrics.payment().record_payment(PaymentStatus::Succeeded, 19_99); // whole cents
//! let task = metrics.jobs().start_task("reindex"); // dropped before its end, it counts as an error
//! task.end(Status::Success);
//! ```

pub mod auth;
pub mod billing;
pub mod build;
mod catalogue;
pub mod database;
pub mod gateway;
mod group;
mod handle;
pub mod http;
pub mod jobs;
pub mod monitoring;
pub mod payment;
pub mod process;
pub mod realtime;
mod run;
pub mod runtime;
mod status;
pub mod subscription;
pub mod sync;

pub use catalogue::{CATALOGUE, Entry};
pub use group::Group;
pub use handle::{Presets, global};
pub use run::Run;
pub use status::Status;
