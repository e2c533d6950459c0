//! Request ids: taken from the client where valid, made otherwise.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::hex;
use crate::trace::random::Draws;

/// The header that carries a request's id, in both directions.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// How long a UUID's text is, in bytes.
pub(super) const LENGTH: usize = 36;

/// The longest id that is taken from a client, in bytes.
pub const MAX_BYTES: usize = 128;

/// Names one request, in its span, its response and all of its log lines.
///
/// ```
/// use watchkeeper::http::request_id::RequestId;
///
/// let mut headers = http::HeaderMap::new();
/// headers.insert("x-request-id", "checkout-17".parse()?);
/// let id = RequestId::from_headers(&headers).unwrap_or_else(RequestId::generate);
/// assert_eq!(id.as_str(), "checkout-17");
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[derive(Clone)]
pub struct RequestId(Kind);

#[derive(Clone)]
enum Kind {
    /// As the client sent it; valid, so ASCII.
    Given(HeaderValue),
    /// A UUID's text.
    Made([u8; LENGTH]),
}

impl RequestId {
    /// Takes the client's id, the first `x-request-id`: 1 to [`MAX_BYTES`] bytes of ASCII letters, digits and
    /// `-_.:/+=~@`. `None` where there is none or it is anything else.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(HEADER)?;
        let valid = (1..=MAX_BYTES).contains(&value.len()) && value.as_bytes().iter().all(|b| is_allowed(*b));
        valid.then(|| Self(Kind::Given(value.clone())))
    }

    /// Makes a new id, a UUID of version 7. Neither allocates nor asks the system for random bytes: the random part
    /// comes from a generator that is quick and can be guessed, so do not use an id as a secret.
    pub fn generate() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::made_at(now, &mut Draws::at(now))
    }

    /// Makes a new id at this time since 1970.
    pub(super) fn made_at(now: Duration, draws: &mut Draws) -> Self {
        // 48 bits of the time, the version, 12 random bits; the variant, 62 random bits.
        let high = (millis(now) << 16) | 0x7000 | (draws.next() >> 52);
        let low = (1 << 63) | (draws.next() >> 2);
        let (high, low) = (hex::of_u64(high), hex::of_u64(low));
        let mut text = *b"00000000-0000-0000-0000-000000000000";
        text[..8].copy_from_slice(&high[..8]);
        text[9..13].copy_from_slice(&high[8..12]);
        text[14..18].copy_from_slice(&high[12..]);
        text[19..23].copy_from_slice(&low[..4]);
        text[24..].copy_from_slice(&low[4..]);
        Self(Kind::Made(text))
    }

    /// Gives the id's text.
    pub fn as_str(&self) -> &str {
        let bytes = match &self.0 {
            Kind::Given(value) => value.as_bytes(),
            Kind::Made(text) => text,
        };
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// Gives the text of an id that was made here.
    pub(super) const fn made(&self) -> Option<&[u8; LENGTH]> {
        match &self.0 {
            Kind::Given(_) => None,
            Kind::Made(text) => Some(text),
        }
    }

    /// Makes the value of the response's header. Free for a client's own id, one allocation otherwise.
    pub fn to_header_value(&self) -> HeaderValue {
        match &self.0 {
            Kind::Given(value) => value.clone(),
            // A UUID's text is a valid value.
            Kind::Made(text) => HeaderValue::from_bytes(text).unwrap_or(HeaderValue::from_static("")),
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestId").field(&self.as_str()).finish()
    }
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.:/+=~@".contains(&byte)
}

fn millis(now: Duration) -> u64 {
    now.as_secs().wrapping_mul(1_000).wrapping_add(u64::from(now.subsec_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn given(value: &[u8]) -> Option<String> {
        let headers = HeaderMap::from_iter([(HEADER, HeaderValue::from_bytes(value).unwrap())]);
        RequestId::from_headers(&headers).map(|id| id.to_string())
    }

    #[test]
    fn a_clients_valid_id_is_kept() {
        assert_eq!(given(b"Az09-_.:/+=~@").as_deref(), Some("Az09-_.:/+=~@"));
        assert_eq!(given(&[b'a'; 128]).map(|id| id.len()), Some(128));
    }

    #[test]
    fn a_clients_odd_id_is_not_taken() {
        for odd in [&b""[..], &[b'a'; 129], b"a b", b"a\"b", b"a\tb", b"a,b", b"<b>", "é".as_bytes(), b"\xff"] {
            assert_eq!(given(odd), None, "{odd:?}");
        }
        assert!(RequestId::from_headers(&HeaderMap::new()).is_none());
    }

    #[test]
    fn a_made_id_is_a_uuid_of_version_7_with_the_time_of_now() {
        let id = RequestId::generate();
        let uuid = uuid::Uuid::parse_str(id.as_str()).unwrap();
        assert_eq!((uuid.get_version_num(), uuid.get_variant()), (7, uuid::Variant::RFC4122));
        let (seconds, _) = uuid.get_timestamp().unwrap().to_unix();
        assert!(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() - seconds < 60);
    }

    #[test]
    fn a_made_id_is_accepted_when_it_comes_back() {
        let id = RequestId::generate();
        assert_eq!(given(id.to_header_value().as_bytes()).as_deref(), Some(id.as_str()));
    }

    #[test]
    fn made_ids_are_unique_across_threads() {
        let make = || (0..10_000).map(|_| RequestId::generate().to_string()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(make)).collect();
        let ids: HashSet<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(ids.len(), 40_000);
    }
}
