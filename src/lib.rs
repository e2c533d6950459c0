//! Instrumentation for Rust services in one crate.
#![forbid(unsafe_code)]

pub mod environment;
pub mod http;
pub mod sanitise;
pub mod service;
pub mod telemetry;

pub use service::ServiceInfo;
pub use telemetry::Telemetry;

/// Compiles the guide's code.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../docs/guide/logging.md")]
    mod logging {}
}
