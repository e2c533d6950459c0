//! The end of a process: how it is told, and waiting that holds no runtime up.

use std::io;
#[cfg(unix)]
use std::panic::catch_unwind;
use std::thread;

use tokio::sync::oneshot;

/// Ends at Ctrl-C in a terminal, or at a supervisor's SIGTERM.
pub(crate) async fn signal() {
    if let Err(error) = told().await {
        tracing::warn!(%error, "cannot listen to signals, so no shutdown will begin by one");
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
async fn told() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    // Without a runtime, or in one without I/O, tokio panics.
    let listen = || Ok((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?));
    let listening: io::Result<_> =
        catch_unwind(listen).unwrap_or_else(|_| Err(io::Error::other("no runtime with I/O")));
    let (mut interrupt, mut terminate) = listening?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn told() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// Runs what blocks on a thread of its own; on this one, where there are no more threads.
pub(crate) async fn on_its_own_thread<T: Send + 'static>(work: impl FnOnce() -> T + Clone + Send + 'static) -> T {
    let (answer, answered) = oneshot::channel();
    let there = work.clone();
    let started = thread::Builder::new().name("watchkeeper-close".to_owned()).spawn(move || {
        let _ = answer.send(there());
    });
    match started {
        Ok(_) => answered.await.unwrap_or_else(|_| work()),
        Err(_) => work(),
    }
}
