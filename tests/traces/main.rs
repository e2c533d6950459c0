//! Traces from a request's headers to their receiver: what is exported, what arrives, and what becomes of it where the
//! receiver is slow, hostile or gone.
#![allow(unreachable_pub, reason = "the modules are this binary's own")]
#![allow(dead_code, reason = "what other test binaries use of the scripted body")]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/script.rs"]
mod script;

mod canaries;
mod closing;
mod delivery;
mod grpc;
mod receiver;
mod requests;
mod rotel;
mod runtimes;
mod spans;
mod traced;
