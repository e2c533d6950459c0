//! Tasks: named jobs with JSON arguments, run when they are called or once in each interval by one of all instances.
//!
//! ```
//! # async fn doc() -> Result<(), Box<dyn std::error::Error>> {
//! use serde_json::json;
//! use watchkeeper::{Watchkeeper, service_info};
//!
//! let watch = Watchkeeper::builder(service_info!()).build()?;
//! let said = watch.tasks().run("monitoring_data_retention", json!({ "event_days": 7 })).await?;
//! # Ok(())
//! # }
//! ```

mod archive;
mod argument;
mod builtin;
mod context;
mod core;
mod correlation;
mod error;
mod evidence;
mod gauges;
mod handle;
mod incidents;
mod options;
mod processing;
mod retention;
mod run;
mod scheduler;
mod task;

pub use archive::{Archive, ArchiveFile, ArchivePlace};
pub use argument::{Argument, Arguments, MAX_ARGUMENT_BYTES};
pub use context::TaskContext;
pub use error::{InvalidTask, InvalidTaskOptions, TaskError};
pub use handle::Tasks;
pub use options::TaskOptions;
pub use task::{ArgumentInfo, Task, TaskFuture, TaskInfo, Work};

/// The name of the task that completes events and links them to incidents.
pub const EVENT_PROCESSING: &str = "monitoring_event_processing";
/// The name of the task that evaluates alert rules.
pub const ALERT_EVALUATION: &str = "monitoring_alert_evaluation";
/// The name of the task that looks for the causes of an incident.
pub const INCIDENT_ANALYSIS: &str = "monitoring_incident_analysis";
/// The name of the task that drops what is older than it is to be kept.
pub const DATA_RETENTION: &str = "monitoring_data_retention";

/// The host's name, made fit to stand in another name; `unknown` where it has none.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = crate::sanitise::label_value(name.trim()).into_owned();
    if name.is_empty() { "unknown".to_owned() } else { name }
}

/// A number at random: no secret.
fn draw() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}
