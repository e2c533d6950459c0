//! The shipped alerts, by what they are about.
//!
//! A share is always made of sums, so that a service without traffic has none and no alert fires; what is down is told
//! by `up`, which Prometheus makes itself.

mod availability;
mod billing;
mod database;
mod gateway;
mod http;
mod machine;
mod monitor;
mod realtime;
mod sync;

use super::rule::RuleFile;
use super::settings::Settings;

macro_rules! files {
    ($($(#[$doc:meta])* $name:ident;)+) => {
        $(
            $(#[$doc])*
            pub fn $name(settings: &Settings) -> RuleFile {
                RuleFile::new([$name::group(settings)])
            }
        )+

        /// Every shipped file of alerts, with its name without `.yml`.
        pub fn all(settings: &Settings) -> Vec<(&'static str, RuleFile)> {
            vec![$((stringify!($name), $name(settings))),+]
        }
    };
}

files! {
    /// Services that are down.
    availability;
    /// Errors and latency of served requests.
    http;
    /// The gateway: latency, limits, keys, cache, Kafka.
    gateway;
    /// Invoices, documents, e-mails, payments.
    billing;
    /// Connections to the database.
    database;
    /// Disk and memory.
    machine;
    /// Realtime connections.
    realtime;
    /// Synchronisation with other systems.
    sync;
    /// The monitoring itself.
    monitor;
}
