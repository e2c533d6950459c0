//! What can be chosen about a store in Postgres, and the address that it is at.

use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

/// Says what is wrong with a database's address; the address itself is not shown, since it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a Postgres address is postgres://user:password@host:port/database, but {wrong}")]
pub struct InvalidDatabaseUrl {
    wrong: &'static str,
}

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

impl PostgresOptions {
    /// Reads an address.
    pub(super) fn config(&self, url: &str) -> Result<Config, InvalidDatabaseUrl> {
        let invalid = |wrong| InvalidDatabaseUrl { wrong };
        let tls = "it asks for TLS, which this library does not speak to Postgres yet";
        // The driver takes these for errors without saying so.
        if url.contains("sslmode=verify-") {
            return Err(invalid(tls));
        }
        let mut config: Config = url.trim().parse().map_err(|_| invalid("it cannot be read as one"))?;
        if config.get_hosts().is_empty() {
            return Err(invalid("it has no host"));
        }
        if !matches!(config.get_ssl_mode(), SslMode::Disable | SslMode::Prefer) {
            return Err(invalid(tls));
        }
        if config.get_application_name().is_none() {
            config.application_name("watchkeeper");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(self.call_deadline);
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_leads_nowhere_is_refused_without_being_repeated() {
        let wrong = |url: &str| PostgresOptions::default().config(url).unwrap_err().to_string();
        for (url, why) in [
            ("s3cret", "it cannot be read as one"),
            ("postgres://ada:s3cret@db:x/shop", "it cannot be read as one"),
            ("", "it has no host"),
            ("postgres://ada:s3cret@db/shop?sslmode=require", "it asks for TLS"),
            ("postgres://ada:s3cret@db/shop?sslmode=verify-full", "it asks for TLS"),
        ] {
            let said = wrong(url);
            assert!(said.contains(why) && !said.contains("s3cret"), "{said}");
        }
        assert!(PostgresOptions::default().config(" host=/run/postgresql user=ada ").is_ok());
    }
}
