//! Outgoing addresses that come from the API: which are allowed, and a client that connects to no other.

mod network;
mod resolver;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;
use ureq::unversioned::transport::DefaultConnector;

use network::{Network, is_public};
use resolver::Checked;

/// Which addresses a rule that came by the API may name. Default: none.
///
/// A host has to be on the list, by its name or by a pattern such as `*.example.com`; and every address that its name
/// leads to has to be one of the public internet, or in a network that is allowed. The connection is made to the address
/// that was checked, so a name that leads elsewhere a moment later changes nothing. No redirect is followed, no proxy is
/// used, and nothing of an answer is shown.
///
/// Addresses from the app's code or its environment are trusted, and not on this list.
///
/// ```
/// use watchkeeper::alerting::{AddressError, AllowList};
///
/// let allowed = AllowList::new().host("*.example.com").network("10.20.0.0/16")?;
/// assert!(allowed.check("https://hooks.example.com/T1").is_ok());
/// assert_eq!(allowed.check("https://example.org/"), Err(AddressError::Host));
/// assert_eq!(allowed.check("http://2130706433/"), Err(AddressError::Host));
/// # Ok::<(), AddressError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct AllowList {
    hosts: Vec<String>,
    networks: Vec<Network>,
}

/// Says why an address is not connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It is no URL of http or https.
    #[error("it is no URL of http or https")]
    Malformed,
    /// There is a name or a password in it.
    #[error("it has a name or a password in it")]
    Credentials,
    /// The host is not on the list of those that are allowed.
    #[error("its host is not among those that are allowed")]
    Host,
    /// The host's address is not one of the public internet, and in no network that is allowed.
    #[error("its host has an address that is not allowed")]
    Address,
    /// A network of the list is none, such as `10.0.0.0/8`.
    #[error("it is no network such as 10.0.0.0/8")]
    Network,
}

impl AllowList {
    /// Allows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows a host: a name, a pattern such as `*.example.com` for every name below that, or `*` for all names.
    #[must_use]
    pub fn host(mut self, pattern: impl Into<String>) -> Self {
        self.hosts.push(pattern.into().to_ascii_lowercase());
        self
    }

    /// Allows a network that is not of the public internet, such as `10.20.0.0/16`.
    ///
    /// # Errors
    ///
    /// When it is no network.
    pub fn network(mut self, network: &str) -> Result<Self, AddressError> {
        self.networks.push(network.parse().map_err(|()| AddressError::Network)?);
        Ok(self)
    }

    /// Takes a URL whose host is allowed. What a name leads to is looked at when it is connected to; an address in the
    /// place of a name is looked at now as well.
    ///
    /// # Errors
    ///
    /// Why it would not be connected to.
    pub fn check(&self, url: &str) -> Result<http::Uri, AddressError> {
        // What a lenient reader would drop or take for a slash is refused.
        if url.bytes().any(|byte| byte <= b' ' || byte == b'\\' || byte >= 0x7f) {
            return Err(AddressError::Malformed);
        }
        let url: http::Uri = url.parse().map_err(|_| AddressError::Malformed)?;
        if !matches!(url.scheme_str(), Some("http" | "https")) {
            return Err(AddressError::Malformed);
        }
        if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(AddressError::Credentials);
        }
        let host = url.host().filter(|host| !host.is_empty()).ok_or(AddressError::Malformed)?;
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        if !self.has_host(&host) {
            return Err(AddressError::Host);
        }
        match literal(&host) {
            Some(ip) if !self.allows(ip) => Err(AddressError::Address),
            // An address in another form than the usual: only those who want to hide one write it.
            None if looks_numeric(&host) => Err(AddressError::Address),
            _ => Ok(url),
        }
    }

    /// Tells whether an address may be connected to.
    pub(super) fn allows(&self, ip: IpAddr) -> bool {
        is_public(ip) || self.networks.iter().any(|network| network.contains(ip))
    }

    /// Makes a client that connects to no address that is not allowed, whatever it is asked for.
    pub(super) fn agent(&self, timeout: Duration) -> ureq::Agent {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // A proxy would look names up, and connect, for us.
            .proxy(None)
            .user_agent(concat!("watchkeeper/", env!("CARGO_PKG_VERSION")))
            .build();
        ureq::Agent::with_parts(config, DefaultConnector::default(), Checked::new(self.clone()))
    }

    fn has_host(&self, host: &str) -> bool {
        self.hosts.iter().any(|pattern| match pattern.strip_prefix('*') {
            Some("") => true,
            Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix) && suffix.starts_with('.'),
            None => host == pattern,
        })
    }
}

fn literal(host: &str) -> Option<IpAddr> {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse().ok()
}

/// Tells whether a host's last part is a number, so that resolvers take the whole for an address.
fn looks_numeric(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or(host);
    let is_hex = last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    is_hex || host.starts_with('[') || last.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for AllowList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hosts.join(", "))
    }
}
