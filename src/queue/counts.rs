//! What an account has counted, read in one moment.

use crate::presets::monitoring::DropReason;

/// The numbers of an account, all read in the same moment, so that they always agree:
/// `accepted = stored + dropped + queued`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub(super) accepted: u64,
    pub(super) stored: u64,
    pub(super) dropped: [u64; DropReason::ALL.len()],
    pub(super) queued: u64,
    pub(super) queued_bytes: u64,
}

impl Counts {
    /// How many items were offered so far, whether there was room for them or not.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// How many items the sink has taken.
    pub fn stored(&self) -> u64 {
        self.stored
    }

    /// How many items did not arrive, for this reason.
    pub fn dropped_for(&self, reason: DropReason) -> u64 {
        self.dropped[reason as usize]
    }

    /// How many items did not arrive, for any reason.
    pub fn dropped(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// How many items wait, or are being written.
    pub fn queued(&self) -> u64 {
        self.queued
    }

    /// How many bytes wait, or are being written.
    pub fn queued_bytes(&self) -> u64 {
        self.queued_bytes
    }

    /// Adds another account of the same sink.
    pub(super) fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.stored += other.stored;
        self.queued += other.queued;
        self.queued_bytes += other.queued_bytes;
        for (sum, more) in self.dropped.iter_mut().zip(other.dropped) {
            *sum += more;
        }
    }
}
