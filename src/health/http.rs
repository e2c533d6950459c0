//! The check of an HTTP endpoint: it is up when it answers a GET with 2xx.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::failure::Failure;
use super::probe::{Probe, ProbeFuture};
use super::url::{InvalidUrl, Parts};

/// The longest status line that is read, in bytes.
const MOST_LINE: usize = 1024;

/// Asks an HTTP endpoint, and takes 2xx for up; a redirect is followed by nobody and counts as down.
///
/// It speaks plain HTTP, as services do to each other behind a proxy. For `https://` write a check with the client that
/// the app has.
#[derive(Debug, Clone)]
pub struct HttpEndpoint {
    parts: Parts,
}

impl HttpEndpoint {
    /// Checks an address such as `http://search:9200/_cluster/health`. Default port: 80.
    ///
    /// # Errors
    ///
    /// [`InvalidUrl`] for any other scheme, for credentials, and for what is no address.
    pub fn from_url(url: &str) -> Result<Self, InvalidUrl> {
        const WANTED: &str = "an endpoint's address is http://host:port/path";
        let parts = Parts::read(url, "http", 80, WANTED)?;
        if parts.user.is_some() || parts.password.is_some() {
            return Err(InvalidUrl { wanted: WANTED, wrong: "it has credentials".into() });
        }
        Ok(Self { parts })
    }
}

impl Probe for HttpEndpoint {
    fn probe(&self) -> ProbeFuture {
        let Parts { host, port, path, .. } = self.parts.clone();
        let slash = if path.starts_with('/') { "" } else { "/" };
        let authority = self.parts.authority();
        let request = format!(
            "GET {slash}{path} HTTP/1.1\r\nhost: {authority}\r\nuser-agent: watchkeeper\r\naccept: */*\r\nconnection: close\r\n\r\n"
        );
        Box::pin(async move {
            let mut stream = TcpStream::connect((host.as_str(), port)).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut line = Vec::with_capacity(MOST_LINE);
            while !line.contains(&b'\n') && line.len() < MOST_LINE {
                let room = (MOST_LINE - line.len()) as u64;
                if (&mut stream).take(room).read_buf(&mut line).await? == 0 {
                    return Err(Failure::new("the connection was closed without an answer"));
                }
            }
            match status(&line) {
                Some(200..=299) => Ok(()),
                Some(status) => Err(Failure::new(&format!("answered {status}"))),
                None => Err(Failure::new("what it answers is not HTTP")),
            }
        })
    }
}

fn status(line: &[u8]) -> Option<u16> {
    let code = line.strip_prefix(b"HTTP/1.")?.get(2..5)?;
    std::str::from_utf8(code).ok()?.parse().ok()
}
