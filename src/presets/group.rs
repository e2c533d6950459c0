//! Groups of metrics: what an app chooses to export.

use std::fmt;

macro_rules! group {
    ($(#[doc = $about:literal] $group:ident = $name:literal),+ $(,)?) => {
        /// A group of ready-made metrics.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Group {
            $(#[doc = $about] $group),+
        }

        impl Group {
            /// Every group, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$group),+];

            /// Returns the group's name, as documents and configuration write it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$group => $name),+
                }
            }

            /// Says in one sentence what the group is about.
            pub const fn about(self) -> &'static str {
                match self {
                    $(Self::$group => $about.trim_ascii()),+
                }
            }
        }
    };
}

group! {
    /// Served HTTP requests.
    Http = "http",
    /// Sign-ins, sessions, users.
    Auth = "auth",
    /// Subscriptions and what happens to them.
    Subscription = "subscription",
    /// Payments and revenue.
    Payment = "payment",
    /// Connections, queries and operations of the database.
    Database = "database",
    /// What an API gateway forwards, checks and limits.
    Gateway = "gateway",
    /// Invoices, documents, charges, e-mails.
    Billing = "billing",
    /// Realtime connections and messages.
    Realtime = "realtime",
    /// Background tasks and imports.
    Jobs = "jobs",
    /// Synchronisation with other systems.
    Sync = "sync",
    /// The process, as the operating system sees it.
    Process = "process",
    /// The tokio runtime.
    Runtime = "runtime",
    /// The build that runs.
    Build = "build",
    /// The watch itself.
    Monitoring = "monitoring",
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
