//! What can be chosen about a store in Postgres.

use std::time::Duration;

/// The options of a store in Postgres.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "options do nothing until a store is made with them"]
#[non_exhaustive]
pub struct PostgresOptions {
    /// The most connections, at least 1 and at most 64. Default: 4.
    pub connections: usize,
    /// How long a call waits for a connection that others use; then it answers `Unavailable`. Default: 1 s.
    pub acquire_deadline: Duration,
    /// How long a call may take in all; then its connection is closed and it answers `Timeout`. Default: 5 s.
    pub call_deadline: Duration,
    /// Whether the schema is made and changed by this store. Default: yes.
    ///
    /// Where it is not, the SQL of [`migrations`](super::migrations) is to be applied beforehand; partitions are made by the
    /// store in either case.
    pub migrate: bool,
    /// How old an event or a sample may be; what is older is answered as `Refused`. Default: 400 days.
    pub max_age: Duration,
    /// The most series of samples that one store writes to in a day; samples of further ones are answered as `Refused`.
    /// Default: 10,000.
    pub max_series: usize,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            connections: 4,
            acquire_deadline: Duration::from_secs(1),
            call_deadline: Duration::from_secs(5),
            migrate: true,
            max_age: Duration::from_secs(400 * 86_400),
            max_series: 10_000,
        }
    }
}
