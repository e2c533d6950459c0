//! Instrumentation for Rust services in one crate.
#![forbid(unsafe_code)]

pub mod http;
pub mod metric;
pub mod presets;
pub mod sanitise;
pub mod service;

pub use service::ServiceInfo;
