//! Forwarders: what passes events and samples on to a system outside.

use std::error::Error;
use std::fmt::{self, Debug};
use std::pin::Pin;
use std::sync::Arc;

use crate::event::Event;
use crate::sample::Sample;

/// What a forwarder answers, sooner or later.
pub type ForwardFuture<'a> = Pin<Box<dyn Future<Output = Result<(), ForwardError>> + Send + 'a>>;

/// Passes events and samples on to a system outside, beside the store.
///
/// It is called from the watch's own thread, with one batch at a time, in the order of acceptance. Each call has a
/// deadline, after which its future is dropped. What it answers says what becomes of the batch: `Ok` is stored; the kinds
/// of [`ForwardError`] say the rest. Since a batch may be sent again, the receiver should know things by their ids.
///
/// The future must not block its thread: it would hold up the store and all other sinks, though never the app.
pub trait Forwarder: Debug + Send + Sync {
    /// Passes a batch on; it is never empty.
    fn forward<'a>(&'a self, batch: &'a [Forwarded]) -> ForwardFuture<'a>;

    /// Tells whether it passes samples on, which it does unless it says otherwise. One that does not is never given any,
    /// and none are on its account. It is asked once.
    fn takes_samples(&self) -> bool {
        true
    }
}

/// One thing to be passed on.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Forwarded {
    /// An event.
    Event(Arc<Event>),
    /// A sample.
    Sample(Arc<Sample>),
}

/// What kind of fault it is; what becomes of the batch follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ForwardErrorKind {
    /// The receiver cannot be reached or is overloaded. The batch is tried again, with rests of up to a second.
    Unavailable,
    /// The receiver asks not to be sent any more for now. The batch is dropped for `refused`.
    Refused,
    /// Something in the batch can never be taken. The batch is halved until what it is is alone; that is dropped for
    /// `invalid`.
    Invalid,
    /// Any other fault, which trying again does not help. The batch is dropped for `failed`.
    Failed,
}

/// A fault of a forwarder: its kind, and what caused it.
#[derive(Debug)]
pub struct ForwardError {
    kind: ForwardErrorKind,
    refused: Option<usize>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl ForwardError {
    /// Makes an error of a kind.
    pub const fn new(kind: ForwardErrorKind) -> Self {
        Self { kind, refused: None, source: None }
    }

    /// Says that the receiver has refused so many things of the batch, nobody knows which, and taken the others. So many
    /// are dropped for `invalid`, at most all; the others are stored. The kind is `Invalid`.
    pub const fn some_refused(items: usize) -> Self {
        Self { kind: ForwardErrorKind::Invalid, refused: Some(items), source: None }
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns the kind of fault.
    pub const fn kind(&self) -> ForwardErrorKind {
        self.kind
    }

    /// Returns how many things of the batch were refused, where the others were taken.
    pub const fn refused(&self) -> Option<usize> {
        self.refused
    }

    /// Tells whether the same batch may be taken later.
    pub const fn is_transient(&self) -> bool {
        matches!(self.kind, ForwardErrorKind::Unavailable)
    }
}

impl fmt::Display for ForwardError {
    /// Writes the kind; the cause is for [`source`](Error::source).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            ForwardErrorKind::Unavailable => "the receiver is unavailable",
            ForwardErrorKind::Refused => "the receiver wants no more for now",
            ForwardErrorKind::Invalid => "the receiver cannot take what is in the batch",
            ForwardErrorKind::Failed => "the batch could not be passed on",
        })
    }
}

impl Error for ForwardError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
