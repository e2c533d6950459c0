//! What carries a request to the receiver, and what comes of it.

use std::borrow::Cow;
use std::time::Duration;

use super::wire::{self, Malformed, Value};
use crate::presets::monitoring::DropReason;

/// The most bytes that are read of an answer.
pub(super) const MOST_OF_ANSWER: usize = 64 << 10;

/// Carries requests to one receiver. Blocks the thread that sends, for no longer than it is given.
pub(super) trait Transport: Send {
    /// Sends a request; returns how many items of it the receiver has refused while it took the others.
    fn send(&mut self, request: &[u8], time: Duration) -> Result<u64, Failure>;
}

/// Why a request did not arrive.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The cause in a few words; nothing of what the other side sent but numbers.
    pub(crate) what: Cow<'static, str>,
    /// What its items are counted under, where it is not tried again.
    pub(crate) reason: DropReason,
    pub(crate) retry: Retry,
}

/// Whether to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    Never,
    Later,
    /// Not before so long.
    After(Duration),
}

impl Failure {
    pub(super) fn final_for(reason: DropReason, what: impl Into<Cow<'static, str>>) -> Self {
        Self { what: what.into(), reason, retry: Retry::Never }
    }

    pub(super) fn for_now(reason: DropReason, what: impl Into<Cow<'static, str>>) -> Self {
        Self { what: what.into(), reason, retry: Retry::Later }
    }
}

/// Reads an answer: how many items were refused. Only what is an answer acknowledges anything; a page of some proxy
/// does not.
pub(super) fn refused(answer: &[u8]) -> Result<u64, Malformed> {
    let mut refused = 0;
    for field in wire::fields(answer) {
        if let (1, Value::Bytes(partial)) = field? {
            for field in wire::fields(partial) {
                if let (1, Value::Number(items)) = field? {
                    refused = items;
                }
            }
        }
    }
    Ok(refused)
}
