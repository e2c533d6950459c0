//! The check of a Postgres server: it is up when it answers a query.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use tokio_postgres::SimpleQueryMessage;

use super::failure::Failure;
use super::probe::{Probe, ProbeFuture};
use super::url::InvalidUrl;
use crate::store::postgres::{InvalidDatabaseUrl, Server};

/// How long connecting may take; the check's own timeout is about all of it.
const CONNECT: Duration = Duration::from_secs(10);

/// Asks a Postgres server `SELECT 1`, over a connection of its own: by TLS as the address says, with the feature
/// `postgres-tls`.
///
/// It shows that the server takes connections, and says nothing of the app's pool: that is
/// [`DatabaseMetrics::record_pool`](crate::presets::database::DatabaseMetrics::record_pool).
#[derive(Clone)]
pub struct Postgres {
    server: Server,
}

impl Postgres {
    /// Checks an address such as `postgres://user:password@db:5432/shop`, or `host=db user=shop` and so on.
    ///
    /// # Errors
    ///
    /// [`InvalidUrl`] for what is no such address, and one that asks for TLS without the feature `postgres-tls`.
    pub fn from_url(url: &str) -> Result<Self, InvalidUrl> {
        let server = Server::read(url, "watchkeeper health", CONNECT);
        let invalid =
            |error: InvalidDatabaseUrl| InvalidUrl { wanted: InvalidDatabaseUrl::WANTED, wrong: error.wrong.into() };
        Ok(Self { server: server.map_err(invalid)? })
    }
}

impl Probe for Postgres {
    fn probe(&self) -> ProbeFuture {
        let server = self.server.clone();
        Box::pin(async move {
            let (client, connection) = server.connect().await?;
            // Driven here rather than by a task of its own, so that both end together, whatever ends them.
            let query = async move {
                let answer = client.simple_query("SELECT 1").await?;
                let one = answer
                    .iter()
                    .any(|message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some("1")));
                if one { Ok(()) } else { Err(Failure::new("it answers SELECT 1 without a row")) }
            };
            let (mut query, mut connection) = (pin!(query), connection);
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
