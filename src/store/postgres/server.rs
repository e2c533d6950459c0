//! The server that an address leads to, and how it is spoken to: in plain text, or by TLS.

use std::pin::Pin;
use std::time::Duration;

use tokio_postgres::config::SslMode;
use tokio_postgres::{CancelToken, Client, Config, Error, NoTls};

use super::address::{Address, InvalidDatabaseUrl, TlsSettings};
#[cfg(feature = "postgres-tls")]
use super::tls::{Connector, connector};

/// A server, and how to connect to it.
#[derive(Clone)]
pub(crate) struct Server {
    config: Config,
    #[cfg(feature = "postgres-tls")]
    tls: Option<Connector>,
}

/// What drives a connection, until it ends.
pub(crate) type Driver = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// What is to become of a connection, by the names that `sslmode` has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Disable,
    /// By TLS where the server offers it; nothing is checked.
    Prefer,
    /// By TLS; nothing is checked, unless there are roots to check by.
    Require,
    /// By TLS, with a certificate that the roots vouch for.
    VerifyCa,
    /// By TLS, with a certificate that the roots vouch for and that has the host's name.
    VerifyFull,
}

impl Server {
    /// Reads an address. It has `connect` to connect, and the name for those who look at the server's sessions, unless it says
    /// otherwise.
    pub(crate) fn read(address: &str, name: &str, connect: Duration) -> Result<Self, InvalidDatabaseUrl> {
        let Address { mut config, tls } = Address::read(address)?;
        if config.get_application_name().is_none() {
            config.application_name(name);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(connect);
        }
        let mode = Mode::of(&tls)?;
        config.ssl_mode(match mode {
            Mode::Disable => SslMode::Disable,
            Mode::Prefer => SslMode::Prefer,
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
        });
        #[cfg(feature = "postgres-tls")]
        let server = Self { config, tls: connector(mode, &tls)? };
        #[cfg(not(feature = "postgres-tls"))]
        let server = without_tls(mode, &tls).map(|()| Self { config })?;
        Ok(server)
    }

    /// Connects. What is returned beside the client is to be polled for as long as that is used.
    pub(crate) async fn connect(&self) -> Result<(Client, Driver), Error> {
        #[cfg(feature = "postgres-tls")]
        if let Some(tls) = &self.tls {
            let (client, connection) = self.config.connect(tls.clone()).await?;
            return Ok((client, Box::pin(connection)));
        }
        let (client, connection) = self.config.connect(NoTls).await?;
        Ok((client, Box::pin(connection)))
    }

    /// Asks the server to give up what it does for a client.
    pub(super) async fn cancel(&self, token: &CancelToken) -> Result<(), Error> {
        #[cfg(feature = "postgres-tls")]
        if let Some(tls) = &self.tls {
            return token.cancel_query(tls.clone()).await;
        }
        token.cancel_query(NoTls).await
    }
}

impl Mode {
    fn of(settings: &TlsSettings) -> Result<Self, InvalidDatabaseUrl> {
        let Some(mode) = settings.mode.as_deref() else {
            let is_public = settings.roots.as_deref() == Some("system");
            return Ok(if is_public { Self::VerifyFull } else { Self::Prefer });
        };
        match mode {
            "disable" => Ok(Self::Disable),
            "prefer" => Ok(Self::Prefer),
            "require" => Ok(Self::Require),
            "verify-ca" => Ok(Self::VerifyCa),
            "verify-full" => Ok(Self::VerifyFull),
            _ => {
                let known = "its sslmode is none of disable, prefer, require, verify-ca and verify-full";
                Err(InvalidDatabaseUrl::new(known))
            }
        }
    }
}

/// Refuses what asks for TLS, since there is none: it is never weakened.
#[cfg(any(test, not(feature = "postgres-tls")))]
fn without_tls(mode: Mode, settings: &TlsSettings) -> Result<(), InvalidDatabaseUrl> {
    let has_files = [&settings.roots, &settings.certificate, &settings.key].into_iter().any(Option::is_some);
    match mode {
        Mode::Disable => Ok(()),
        Mode::Prefer if !has_files => Ok(()),
        _ => Err(InvalidDatabaseUrl::new("it asks for TLS, which needs the feature `postgres-tls` of watchkeeper")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(settings: &str) -> String {
        let address = format!("postgres://ada:s3cret@db/shop?{settings}");
        let read = Server::read(&address, "test", Duration::from_secs(1));
        let said = read.map(|_| ()).unwrap_err().to_string();
        assert!(!said.contains("s3cret"), "{said}");
        said
    }

    #[test]
    fn a_mode_that_nobody_knows_is_refused() {
        for mode in ["allow", "on", "verify-none", "REQUIRE"] {
            assert!(wrong(&format!("sslmode={mode}")).ends_with("disable, prefer, require, verify-ca and verify-full"));
        }
    }

    #[test]
    fn without_the_feature_tls_is_refused_and_never_weakened() {
        let read = |settings: &str| {
            let tls = Address::read(&format!("postgres://db?{settings}")).unwrap().tls;
            without_tls(Mode::of(&tls).unwrap(), &tls).map_err(|error| error.to_string())
        };
        for settings in
            ["sslmode=require", "sslmode=verify-ca", "sslmode=verify-full", "sslrootcert=system", "sslrootcert=a"]
        {
            let said = read(settings).unwrap_err();
            assert!(said.ends_with("it asks for TLS, which needs the feature `postgres-tls` of watchkeeper"), "{said}");
        }
        for settings in ["options=x", "sslmode=disable", "sslmode=prefer", "sslmode=disable&sslrootcert=a"] {
            assert_eq!(read(settings), Ok(()));
        }
    }
}
