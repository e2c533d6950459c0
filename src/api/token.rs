//! The token that a caller shows to see what is not for everybody.

use std::fmt;

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use subtle::ConstantTimeEq;

/// A bearer token. It is compared in constant time, and its `Debug` does not show it.
#[derive(Clone)]
pub(super) struct Token(String);

impl Token {
    pub(super) const fn new(token: String) -> Self {
        Self(token)
    }

    /// Tells whether a request shows this token.
    pub(super) fn is_sent_in(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).and_then(bearer).unwrap_or_default();
        self.0.as_bytes().ct_eq(given).into()
    }
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}
