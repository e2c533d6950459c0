//! Alerts, from the rule to those who are told.

#![cfg(feature = "alerting")]

mod states;
mod templates;
