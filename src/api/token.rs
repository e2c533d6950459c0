//! The token that a caller shows to see what is not for everybody.

use std::fmt;

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use subtle::ConstantTimeEq;

/// A bearer token; an empty one is shown by nobody. It is compared in constant time, and its `Debug` does not show it.
#[derive(Clone)]
pub(super) struct Token(String);

impl Token {
    /// Takes a token, without the white space around it: a file of a secret ends with a line's end.
    pub(super) fn new(token: &str) -> Self {
        Self(token.trim().to_owned())
    }

    /// Tells whether a request shows this token.
    pub(super) fn is_sent_in(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).and_then(bearer).unwrap_or_default();
        !self.0.is_empty() && bool::from(self.0.as_bytes().ct_eq(given))
    }
}

pub(super) fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}
