//! What can go wrong in a store.

use std::error::Error;
use std::fmt;

/// What kind of fault it is; what to do follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store cannot be reached, or is starting, stopping or out of connections. It passes.
    Unavailable,
    /// The store did not answer within the deadline; whether it did what was asked is not known. It passes.
    Timeout,
    /// Others were at the same thing, and this call was chosen to give way. It passes.
    Contention,
    /// The store has no room, such as a full disk. It passes when somebody makes room.
    Full,
    /// The store may be read but not written: a standby, missing rights, or a schema that is newer than this library.
    ReadOnly,
    /// What was given can never be stored; nothing of the call was. Trying again changes nothing.
    Refused,
    /// What was read is not what this library wrote.
    Corrupt,
    /// The store does not offer this.
    Unsupported,
    /// The store is closed.
    Closed,
    /// Any other fault, such as a panic within the store.
    Internal,
}

impl StoreErrorKind {
    /// Returns the kind's name, such as `unavailable`, for metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Contention => "contention",
            Self::Full => "full",
            Self::ReadOnly => "read_only",
            Self::Refused => "refused",
            Self::Corrupt => "corrupt",
            Self::Unsupported => "unsupported",
            Self::Closed => "closed",
            Self::Internal => "internal",
        }
    }

    /// Tells whether the same call may succeed later.
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Unavailable | Self::Timeout | Self::Contention | Self::Full | Self::ReadOnly)
    }
}

impl fmt::Display for StoreErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A fault of a store: its kind, the operation, and what caused it.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    operation: &'static str,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// Makes an error of a kind; `operation` is the method's name, such as `append_events`.
    pub const fn new(kind: StoreErrorKind, operation: &'static str) -> Self {
        Self { kind, operation, source: None }
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns the kind of fault.
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Returns the name of the method that was called.
    pub const fn operation(&self) -> &'static str {
        self.operation
    }

    /// Tells whether the same call may succeed later.
    pub const fn is_transient(&self) -> bool {
        self.kind.is_transient()
    }
}

impl fmt::Display for StoreError {
    /// Writes the operation and the kind; the cause is for [`source`](Error::source).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.kind)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
