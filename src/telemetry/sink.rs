//! What a sink owes to the guard: to end within a deadline, and to tell what was left.

use std::time::Instant;

use crate::presets::monitoring::DropReason;
use crate::queue::Account;

/// Sends what a running app emits to one place outside, from a queue and a thread of its own.
///
/// A sink is closed once, on a thread that the guard gives up at the deadline: a sink that hangs is left behind and
/// [abandoned](Self::abandon). What a sink's thread logs itself is to be marked as
/// [`OwnWork`](crate::queue::OwnWork), and its layer passes over what is marked.
pub(crate) trait Sink: Send + Sync + 'static {
    /// Returns the account of what was accepted, sent, dropped and queued.
    fn account(&self) -> &Account;

    /// Says whether the last try to get something there succeeded, and why not; `None` of a sink that does not tell.
    fn state(&self) -> Option<Result<(), &'static str>> {
        None
    }

    /// Sends what waits and ends by the deadline; says how many items were left, each counted as dropped by then.
    /// What comes later is dropped and counted.
    fn close(&self, deadline: Instant) -> u64;

    /// Counts whatever still waits as dropped, and says how many items that were. Called where [`close`](Self::close)
    /// has not come back in time, maybe while it still runs, so it waits for nothing.
    fn abandon(&self) -> u64 {
        self.account().write_off(DropReason::Shutdown)
    }
}
