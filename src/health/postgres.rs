//! The check of a Postgres server: it is up when it answers a query.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use tokio_postgres::{Config, NoTls, SimpleQueryMessage};

use super::failure::Failure;
use super::probe::{Probe, ProbeFuture};
use super::url::InvalidUrl;

/// How long connecting may take; the check's own timeout is about all of it.
const CONNECT: Duration = Duration::from_secs(10);

/// Asks a Postgres server `SELECT 1`, over a connection of its own and without TLS.
///
/// It shows that the server takes connections, and says nothing of the app's pool: that is
/// [`DatabaseMetrics::record_pool`](crate::presets::database::DatabaseMetrics::record_pool).
#[derive(Clone)]
pub struct Postgres {
    config: Config,
}

impl Postgres {
    /// Checks an address such as `postgres://user:password@db:5432/shop`, or `host=db user=shop` and so on.
    ///
    /// # Errors
    ///
    /// [`InvalidUrl`] for what is no such address.
    pub fn from_url(url: &str) -> Result<Self, InvalidUrl> {
        let config: Config = url.trim().parse().map_err(|_| InvalidUrl {
            wanted: "a Postgres address is postgres://user:password@host:port/database",
            wrong: "it cannot be read as one",
        })?;
        Ok(Self::from_config(config))
    }

    /// Checks the server that a `tokio_postgres::Config` leads to.
    fn from_config(mut config: Config) -> Self {
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        if config.get_application_name().is_none() {
            config.application_name("watchkeeper health");
        }
        Self { config }
    }
}

impl Probe for Postgres {
    fn probe(&self) -> ProbeFuture {
        let config = self.config.clone();
        Box::pin(async move {
            let (client, connection) = config.connect(NoTls).await?;
            // Driven here rather than by a task of its own, so that both end together, whatever ends them.
            let query = async move {
                let answer = client.simple_query("SELECT 1").await?;
                let one = answer
                    .iter()
                    .any(|message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some("1")));
                if one { Ok(()) } else { Err(Failure::new("it answers SELECT 1 without a row")) }
            };
            let (mut query, mut connection) = (pin!(query), pin!(connection));
            tokio::select! {
                biased;
                answer = &mut query => answer,
                ended = &mut connection => match ended {
                    Ok(()) => query.await,
                    Err(error) => Err(error.into()),
                },
            }
        })
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").finish_non_exhaustive()
    }
}
