//! The stack around an app: documents and configuration rendered from the catalogue and from code.
//!
//! Everything here is a function from declarations and [`Settings`] to text: nothing is read, nothing is written.

pub mod alertmanager;
pub mod alerts;
pub mod dashboard;
pub mod exporter;
mod job;
mod limits;
pub mod logstash;
pub mod prometheus;
pub mod recording;
pub mod reference;
mod renamed;
pub mod rule;
mod settings;
pub mod slo;
pub mod variables;
mod yaml;

pub use job::Job;
pub use limits::{Limit, Limits, PoolLimit};
pub use settings::Settings;
