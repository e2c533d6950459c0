//! The end of a process: how it is told, and waiting that holds no runtime up.

use std::thread;

use tokio::sync::oneshot;

/// Ends at Ctrl-C in a terminal, or at a supervisor's SIGTERM.
pub(crate) async fn signal() {
    #[cfg(unix)]
    let told = {
        use tokio::signal::unix::{SignalKind, signal};
        async {
            let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            Ok::<(), std::io::Error>(())
        }
    };
    #[cfg(not(unix))]
    let told = tokio::signal::ctrl_c();
    if let Err(error) = told.await {
        tracing::warn!(%error, "cannot listen to signals, so no shutdown will begin by one");
        std::future::pending::<()>().await;
    }
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
