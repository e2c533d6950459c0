//! Threads that work for a sink: what they log themselves must not come back to a sink.

use std::cell::Cell;

thread_local! {
    static WORKS_FOR_SINK: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread, to its end, as one that works for a sink. What it logs goes to the log alone.
#[allow(dead_code, reason = "for the threads of the parts that send over the network")]
pub(crate) fn mark_this_thread() {
    let _ = WORKS_FOR_SINK.try_with(|works| works.set(true));
}

/// Tells whether an event or a span comes from a thread that works for a sink.
#[allow(dead_code, reason = "for the layers of the parts that send over the network")]
pub(crate) fn is_this_thread() -> bool {
    WORKS_FOR_SINK.try_with(Cell::get).unwrap_or(false)
}
