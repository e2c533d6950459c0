//! Panics, logged once each as structured errors.

use std::cell::Cell;
use std::panic::{self, Location, PanicHookInfo};
use std::sync::Arc;

/// A panic, as the thread that panicked sees it. The calls that led to it are still on the thread's stack.
#[allow(dead_code, reason = "read by the part that reports errors")]
pub(crate) struct Panic<'a> {
    /// What it says.
    pub(crate) message: &'a str,
    /// Where in the source it began.
    pub(crate) location: Option<&'a Location<'a>>,
}

/// The target of the line that the hook logs.
pub(crate) const PANIC_TARGET: &str = "panic";

/// Is told about panics.
pub(crate) trait ObservePanics: Send + Sync + 'static {
    /// Takes note of a panic, within the panic hook: quickly, without waiting, and without panicking.
    fn panicked(&self, panic: Panic<'_>);
}

thread_local! {
    static OBSERVING: Cell<bool> = const { Cell::new(false) };
}

/// Adds to the process' panic hook: the one that was there runs first, then the panic is logged and observed.
pub(super) fn install(observer: Option<Arc<dyn ObservePanics>>) {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        previous(info);
        observe(info, observer.as_deref());
    }));
}

fn observe(info: &PanicHookInfo<'_>, observer: Option<&dyn ObservePanics>) {
    // A panic within the hook ends the process. Nothing below prints a value of the app's, and a panic of the
    // observer's own must not come back here.
    if OBSERVING.try_with(|observing| observing.replace(true)).unwrap_or(true) {
        return;
    }
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let message = text.unwrap_or("a panic without a text");
    let thread = std::thread::current();
    tracing::error!(
        target: PANIC_TARGET,
        location = info.location().map(tracing::field::display),
        thread = thread.name(),
        "{message}"
    );
    if let Some(observer) = observer {
        observer.panicked(Panic { message, location: info.location() });
    }
    let _ = OBSERVING.try_with(|observing| observing.set(false));
}
