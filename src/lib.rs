//! Instrumentation for Rust services in one crate.
#![forbid(unsafe_code)]

pub mod metric;
pub mod presets;
pub mod sanitise;
pub mod service;
pub mod stack;

pub use service::ServiceInfo;

/// The guide's code, compiled and run with the tests of the documentation.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../docs/guide/metrics.md")]
    mod metrics {}
    #[doc = include_str!("../docs/guide/own-metrics.md")]
    mod own_metrics {}
}
