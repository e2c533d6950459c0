//! Probes: what a check runs to learn whether something works.

use std::future::Future;
use std::pin::Pin;

use super::failure::Failure;

/// What a probe comes to.
pub type ProbeFuture = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// Finds out whether something works; any async function without arguments is one.
///
/// It is dropped when its time is over, so it should leave nothing half done behind. It runs on the runtime's workers, so it
/// should not block: on a runtime of one thread it would stop the timer too, and no answer comes before it has ended.
/// Blocking work belongs into [`Check::blocking`](super::Check::blocking), which has one thread at a time, rather than into
/// `tokio::task::spawn_blocking`, where each run may leave one behind.
pub trait Probe: Send + Sync + 'static {
    /// Asks once.
    fn probe(&self) -> ProbeFuture;
}

impl<F, R, E> Probe for F
where
    F: Fn() -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Failure>,
{
    fn probe(&self) -> ProbeFuture {
        let answer = self();
        Box::pin(async move { answer.await.map_err(Into::into) })
    }
}
