//! Alerts, from the rule to those who are told.

#![cfg(all(feature = "alerting", feature = "api"))]
#![allow(unreachable_pub, dead_code, reason = "each test binary uses a part of the support")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "../support/mod.rs"]
mod support;

mod alertmanager;
mod api;
mod app;
mod differential;
mod evaluation;
mod outgoing;
mod receiving;
mod rule_files;
mod states;
mod templates;
