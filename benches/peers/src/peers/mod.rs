//! The rows beside ours, one file each.

pub mod axum_prometheus;
pub mod bare;
pub mod ideal;
pub mod noop;
pub mod tutorial;
