//! What the API answers when it does not do what was asked: a code, a status, a sentence.

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use crate::sanitise::Invalid;
use crate::store::{StoreError, StoreErrorKind};

macro_rules! codes {
    ($($(#[doc = $about:literal])+ $code:ident = $name:literal, $status:literal;)+) => {
        /// The codes of errors. They are stable; the sentences beside them are not.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $about])+ $code,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$code),+];

            /// Returns the code's name, as the answer has it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$code => $name,)+ }
            }

            /// Returns the status that it is answered with.
            pub const fn status(self) -> u16 {
                match self { $(Self::$code => $status,)+ }
            }

            /// Returns what it means, in a sentence.
            pub fn about(self) -> &'static str {
                match self { $(Self::$code => concat!($($about),+).trim_start(),)+ }
            }
        }
    };
}

codes! {
    /// The body is no JSON, names a member twice, begins with a byte order mark, or is nested too deep.
    InvalidJson = "invalid_json", 400;
    /// A field is missing, unknown, of another type or out of its range; `field` names it.
    InvalidField = "invalid_field", 400;
    /// A parameter of the query or a header is unknown, there twice, or not of its form; `field` names it.
    InvalidParameter = "invalid_parameter", 400;
    /// It is not known who is calling.
    Unauthorized = "unauthorized", 401;
    /// The caller's role does not allow it.
    Forbidden = "forbidden", 403;
    /// There is no such thing, or it is another's.
    NotFound = "not_found", 404;
    /// The path does not take this method; `Allow` names those that it takes.
    MethodNotAllowed = "method_not_allowed", 405;
    /// The body took too long to arrive.
    RequestTimeout = "request_timeout", 408;
    /// Somebody else has changed it since the version that was named.
    StaleVersion = "stale_version", 409;
    /// There is no such step from the state that it is in.
    InvalidTransition = "invalid_transition", 409;
    /// It is there already, or would be the same as one that is.
    Conflict = "conflict", 409;
    /// The idempotency key was used for something else.
    KeyReused = "key_reused", 409;
    /// The body is too large, as it is or decoded, or has too many items.
    TooLarge = "too_large", 413;
    /// The query is too long.
    QueryTooLong = "query_too_long", 414;
    /// The body's type is none that the route takes.
    UnsupportedMediaType = "unsupported_media_type", 415;
    /// The body's encoding is none but gzip.
    UnsupportedEncoding = "unsupported_encoding", 415;
    /// The caller has sent too many requests; `Retry-After` says when to come again.
    TooManyRequests = "too_many_requests", 429;
    /// Something failed that should not have.
    Internal = "internal", 500;
    /// What is behind the API does not offer this.
    Unsupported = "unsupported", 501;
    /// Something that is needed cannot be reached or is busy; `Retry-After` says when to come again.
    Unavailable = "unavailable", 503;
    /// The store has no room.
    StoreFull = "store_full", 503;
    /// The store can be read and not written.
    StoreReadOnly = "store_read_only", 503;
    /// It took too long; whether it was done is not known.
    Timeout = "timeout", 504;
}

/// An error, as it is answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub(super) code: Code,
    pub(super) message: Cow<'static, str>,
    pub(super) field: Option<String>,
    /// In seconds.
    pub(super) retry_after: Option<u64>,
    /// The methods that the path takes.
    pub(super) allow: Option<String>,
}

impl ApiError {
    /// Makes an error. The message is for whoever made the request: nothing of the inside belongs there.
    pub(crate) fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        let retry_after = (code.status() == 503).then_some(1);
        Self { code, message: message.into(), field: None, retry_after, allow: None }
    }

    /// Names the field.
    #[must_use]
    pub(crate) fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says when to come again, in whole seconds and at least one.
    #[must_use]
    pub(crate) fn retry_after(mut self, time: Duration) -> Self {
        self.retry_after = Some(time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)).max(1));
        self
    }

    /// The answer to a change that is made from an older version.
    pub(crate) fn stale(version: u64) -> Self {
        Self::new(Code::StaleVersion, format!("it is at version {version} by now")).field("version")
    }

    /// The answer about whatever is not there or another's: the same for both.
    pub(crate) fn not_found() -> Self {
        Self::new(Code::NotFound, "there is nothing of that id")
    }
}

/// The one place where a store's faults become answers.
impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let (code, message) = match error.kind() {
            StoreErrorKind::Unavailable | StoreErrorKind::Closed => (Code::Unavailable, "the store cannot be reached"),
            StoreErrorKind::Contention => (Code::Unavailable, "the store is busy"),
            StoreErrorKind::Timeout => (Code::Timeout, "the store did not answer in time"),
            StoreErrorKind::Full => (Code::StoreFull, "the store has no room"),
            StoreErrorKind::ReadOnly => (Code::StoreReadOnly, "the store can only be read"),
            StoreErrorKind::Refused => (Code::InvalidField, "the store can never keep this"),
            StoreErrorKind::Unsupported => (Code::Unsupported, "the store does not offer this"),
            StoreErrorKind::Corrupt | StoreErrorKind::Internal => (Code::Internal, "the store failed"),
        };
        if code.status() >= 500 {
            tracing::warn!(
                operation = error.operation(),
                kind = error.kind().as_str(),
                error = error.source(),
                "the monitoring API could not do what was asked of the store"
            );
        }
        Self::new(code, message)
    }
}

impl From<Invalid> for ApiError {
    fn from(invalid: Invalid) -> Self {
        Self::new(Code::InvalidField, invalid.rule()).field(invalid.field)
    }
}
