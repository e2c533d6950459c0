//! Every way in which a request ends, behind axum, plain hyper, tonic and Actix Web alike.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]
#![allow(unreachable_pub, reason = "the modules are this binary's own")]

mod actix;
mod answers;
mod app;
mod bodies;
mod grpc;
mod http2;
mod leaving;
mod panics;
mod poll;
#[path = "../support/script.rs"]
mod script;
mod service;
mod storm;
mod tonic;
mod wire;
