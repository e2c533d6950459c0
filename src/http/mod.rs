//! HTTP: what a request leaves behind.

pub mod request_id;
