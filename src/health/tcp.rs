//! The check of a TCP endpoint: it is up when it accepts a connection.

use std::net::SocketAddr;

use tokio::net::TcpStream;

use super::probe::{Probe, ProbeFuture};

/// Connects to a TCP endpoint, and closes the connection again.
#[derive(Debug, Clone)]
pub struct Tcp {
    address: String,
}

impl Tcp {
    /// Checks `host:port`; the host may be a name, which is looked up for every check.
    pub fn new(address: impl Into<String>) -> Self {
        Self { address: address.into() }
    }
}

impl From<SocketAddr> for Tcp {
    fn from(address: SocketAddr) -> Self {
        Self::new(address.to_string())
    }
}

impl Probe for Tcp {
    fn probe(&self) -> ProbeFuture {
        let address = self.address.clone();
        Box::pin(async move {
            TcpStream::connect(address).await?;
            Ok(())
        })
    }
}
