//! The HTTP layer: metrics, request id and log scope of every request, in one tower service.
//!
//! The layer resolves method and route to cells once per thread, and then only counts. It takes the route's
//! template from axum's router; any other tower service names its routes by a function.
//!
//! What it costs per request is in the README. What it counts is in [`presets::http`](crate::presets::http).
//!
//! | ending | status | outcome |
//! | --- | --- | --- |
//! | answered | as answered | `completed` at the end of the body |
//! | client left before the head | 499 | `cancelled` |
//! | client left during the body | as answered | `cancelled`; `completed` for server-sent events |
//! | handler panicked | 500 | `panicked`, and the panic goes on |
//! | service returned an error | 500 | `failed` |
//! | body panicked or failed | as answered | `panicked` or `failed` |
//! | gRPC's `grpc-status` is not 0 | as answered | `failed` |
//!
//! A body of known size counts as sent with the head, so nobody looks for trailers behind it. Upgrades and server-sent events stay out of the durations.

mod answer;
mod arrival;
mod block;
mod bodies;
mod body;
mod clock;
mod core;
mod future;
mod layer;
mod local;
mod method;
mod options;
mod passage;
mod path;
pub mod request_id;
mod request_meter;
mod route;
mod scope;
mod segment;
#[cfg(feature = "otlp")]
mod server_span;
mod service;
#[cfg(feature = "actix")]
pub(crate) mod template;
mod values;
mod visit;

pub use bodies::AnyBody;
#[cfg(feature = "axum")]
pub use bodies::AxumBody;
pub use body::MeteredBody;
pub use future::HttpFuture;
pub use layer::{HttpLayer, HttpLayerBuilder};
pub use options::{PathFunction, RequestHead, ResponseHead, TraceInAnswer, UnmatchedPath};
pub use path::path_pattern;
pub use request_id::RequestId;
pub use route::UNMATCHED;
pub use service::HttpService;

#[cfg(feature = "actix")]
pub(crate) use body::Meter;
#[cfg(feature = "actix")]
pub(crate) use passage::Passage;
#[cfg(feature = "actix")]
pub(crate) use request_meter::RequestMeter;
