//! The id of one request.

use std::fmt;

use http::{HeaderMap, HeaderValue};

/// The id of one request: the client's `x-request-id` where it is valid, else made here.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// Takes the id that a request carries.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(super::X_REQUEST_ID)?;
        let bytes = value.as_bytes();
        let fits = |b: &u8| b.is_ascii_alphanumeric() || b"-_.:/+=~@".contains(b);
        ((1..=128).contains(&bytes.len()) && bytes.iter().all(fits)).then(|| Self(value.clone()))
    }

    /// Makes a new id, a UUID of version 7.
    pub fn generate() -> Self {
        let mut buffer = uuid::Uuid::encode_buffer();
        let text = uuid::Uuid::now_v7().hyphenated().encode_lower(&mut buffer);
        Self(HeaderValue::from_bytes(text.as_bytes()).unwrap_or(HeaderValue::from_static("")))
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or("")
    }

    /// Returns the id as a header's value.
    pub fn to_header_value(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}
