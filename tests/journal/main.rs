//! The journal as an app uses it: recording, stores that hang, the end and what is passed on.

#![allow(unreachable_pub, dead_code, reason = "what other test binaries use of the receiver")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod faulty;
mod forwarding;
mod otlp;
#[path = "../traces/receiver.rs"]
mod receiver;
mod recording;
#[path = "../support/mod.rs"]
mod support;
mod waiting;

use std::time::Duration;

use watchkeeper::Watchkeeper;
use watchkeeper::event::{Event, EventDraft, Level};
use watchkeeper::journal::Sink;
use watchkeeper::queue::Counts;

/// An event that matters as much as any can.
fn event(number: usize) -> EventDraft {
    Event::log("checkout").level(Level::Critical).message(number.to_string())
}

fn counts(watch: &Watchkeeper, sink: Sink) -> Counts {
    watch.journal().counts(sink).expect("the journal has that sink")
}

/// Waits until the store has taken everything that was recorded.
#[track_caller]
fn settled(watch: &Watchkeeper, sink: Sink) -> Counts {
    support::process::eventually(|| {
        let counts = counts(watch, sink);
        if counts.queued() == 0 { Ok(counts) } else { Err(format!("{counts:?}")) }
    })
}

/// Runs a future on a thread without a runtime.
fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

const A_MOMENT: Duration = Duration::from_millis(50);
