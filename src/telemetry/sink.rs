//! What a sink owes to the guard: to end within a deadline, and to tell what was left.

use std::time::Instant;

/// Sends what a running app emits to one place outside, from a queue and a thread of its own.
///
/// A sink is closed once, on a thread that the guard gives up at the deadline: a sink that hangs is left behind and
/// [abandoned](Self::abandon).
pub(crate) trait Sink: Send + Sync + 'static {
    /// Names the sink in reports and in labels: `log`, `errors`, `traces`.
    fn name(&self) -> &'static str;

    /// Sends what waits and ends by the deadline; says how many items were left, each counted as dropped by then.
    /// What comes later is dropped and counted.
    fn close(&self, deadline: Instant) -> u64;

    /// Counts whatever still waits as dropped, and says how many items that were. Called where [`close`](Self::close)
    /// has not come back in time, maybe while it still runs, so it waits for nothing.
    fn abandon(&self) -> u64;
}
