//! Addresses of what is checked: scheme, credentials, host, port, path.

use std::borrow::Cow;
use std::fmt;

/// Says what is wrong with an address; the address itself is not shown, since it may hold credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{wanted}, but {wrong}")]
pub struct InvalidUrl {
    pub(super) wanted: &'static str,
    pub(super) wrong: Cow<'static, str>,
}

/// The parts of an address. Its `Debug` shows no credentials.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) host: String,
    pub(super) port: u16,
    /// What follows host and port, query included; empty or beginning with `/` or `?`.
    pub(super) path: String,
}

impl Parts {
    /// Takes an address with this scheme apart.
    pub(super) fn read(url: &str, scheme: &str, port: u16, wanted: &'static str) -> Result<Self, InvalidUrl> {
        let invalid = |wrong: &'static str| InvalidUrl { wanted, wrong: wrong.into() };
        let (found, rest) = url.trim().split_once("://").ok_or(invalid("it has no scheme"))?;
        if !found.eq_ignore_ascii_case(scheme) {
            return Err(invalid("it has another scheme"));
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let path = path.split('#').next().unwrap_or_default();
        if path.bytes().any(|b| !b.is_ascii_graphic()) {
            return Err(invalid("its path holds a space, a control character or a character beyond ASCII"));
        }
        let (credentials, place) = authority.rsplit_once('@').map_or((None, authority), |(c, p)| (Some(c), p));
        let (user, password) = match credentials.map(|c| c.split_once(':').unwrap_or((c, ""))) {
            Some((user, password)) => (decoded(user), decoded(password)),
            None => (None, None),
        };
        // An IPv6 address stands in brackets, so that its colons are not the port's.
        let split = place.rfind(':').filter(|&colon| !place[colon..].contains(']'));
        let (host, number) = split.map_or((place, None), |at| (&place[..at], Some(&place[at + 1..])));
        let port = match number {
            Some(number) => number.parse().map_err(|_| invalid("its port is no number below 65536"))?,
            None => port,
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || host.bytes().any(|b| !b.is_ascii_graphic()) {
            return Err(invalid("it has no host"));
        }
        Ok(Self { user, password, host: host.to_owned(), port, path: path.to_owned() })
    }

    /// Writes host and port as they stand in an address.
    pub(super) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// Decodes `%40` and its like; `None` for nothing.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        let pair = if *first == b'%' { after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok()) } else { None };
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => bytes.push(*first),
        }
    }
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(&bytes).into_owned())
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Parts, InvalidUrl> {
        Parts::read(url, "redis", 6379, "a Redis address is redis://host:port")
    }

    #[test]
    fn an_address_is_taken_apart() {
        let parts = read("redis://ada:p%40ss:1@[::1]:7000/2#x").unwrap();
        assert_eq!((parts.user.as_deref(), parts.password.as_deref()), (Some("ada"), Some("p@ss:1")));
        assert_eq!((parts.authority().as_str(), parts.path.as_str()), ("[::1]:7000", "/2"));
        let parts = read("REDIS://cache").unwrap();
        assert_eq!((&parts.user, &parts.password, parts.authority().as_str()), (&None, &None, "cache:6379"));
        assert!(!format!("{:?}", read("redis://:s3cret@h/1").unwrap()).contains("s3cret"));
    }

    #[test]
    fn what_is_no_address_is_an_error_that_does_not_repeat_it() {
        for (url, wrong) in [
            ("s3cret", "it has no scheme"),
            ("http://u:s3cret@h", "it has another scheme"),
            ("redis://u:s3cret@h:70000", "its port is no number below 65536"),
            ("redis://u:s3cret@:1", "it has no host"),
            ("redis://h/s3cret\r\nX: y", "its path holds a space, a control character or a character beyond ASCII"),
        ] {
            let error = read(url).unwrap_err();
            assert_eq!(error.to_string(), format!("a Redis address is redis://host:port, but {wrong}"));
        }
    }
}
