//! Stack traces: backtraces whose frames are given names, on the worker's thread.

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use backtrace::{Backtrace, Symbol};
use sentry::protocol::{Frame, Stacktrace};

use super::origin::qualified;

/// How many addresses the names are kept of. An app that reports has few places to report from.
const MOST_KEPT: usize = 4096;

/// The most frames of a report; of a deeper stack, those nearest to what happened.
const MOST_FRAMES: usize = 128;

/// How long is waited between two looks at who is next.
const PAUSE: Duration = Duration::from_micros(20);

/// How what is no code of the app's begins.
const NOT_IN_APP: &[&str] = &[
    "__rust",
    "_start",
    "alloc::",
    "anyhow::",
    "axum::",
    "axum_core::",
    "backtrace::",
    "clone3",
    "core::",
    "futures_core::",
    "futures_util::",
    "http_body",
    "hyper::",
    "hyper_util::",
    "log::",
    "main",
    "matchit::",
    "sentry",
    "start_thread",
    "std::",
    "tokio::",
    "tonic::",
    "tower",
    "tracing",
    "watchkeeper::",
];

/// How the machinery begins that leads from what happened to its report; it is left out.
const MACHINERY: &[&str] = &[
    "backtrace::",
    "tracing_core::",
    "tracing_subscriber::",
    "watchkeeper::telemetry",
    "sentry",
    "std::panicking",
    "core::panicking",
    "__rustc::rust_begin_unwind",
    "rust_begin_unwind",
    "std::sys::backtrace",
    "core::option::expect_failed",
    "core::option::unwrap_failed",
    "core::result::unwrap_failed",
];

/// What begins like machinery and runs the app's code.
const RUNS_THE_APP: &[&str] =
    &["std::panicking::catch_unwind", "std::panicking::try", "std::sys::backtrace::__rust_begin"];

/// How many other frames may lie between two of the machinery: closures, boxes, thread-locals.
const MOST_BETWEEN: usize = 4;

/// The longest that a thread waits for its backtrace. Opening the debug information of another part of the app takes the
/// worker a few milliseconds, and the crate that reads it has one lock for that and for taking a backtrace.
/// In a build that is not optimised every name takes that long, and nobody counts milliseconds.
const MOST_WAIT: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1_000 } else { 1 });

/// Held while names are read, and while a backtrace is taken.
static READING: Mutex<()> = Mutex::new(());

/// How many threads wait for their backtrace; the worker lets them go first.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// Takes this thread's backtrace, as addresses; `None` where names are being read for longer than a thread may wait.
pub(super) fn capture() -> Option<Backtrace> {
    let start = Instant::now();
    WAITING.fetch_add(1, Ordering::Relaxed);
    let backtrace = loop {
        match READING.try_lock() {
            Ok(_reading) => break Some(Backtrace::new_unresolved()),
            Err(TryLockError::Poisoned(_reading)) => break Some(Backtrace::new_unresolved()),
            Err(TryLockError::WouldBlock) if start.elapsed() >= MOST_WAIT => break None,
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
        }
    };
    WAITING.fetch_sub(1, Ordering::Relaxed);
    backtrace
}

/// Lets those who wait for a backtrace go first, for as long as they may wait.
fn let_others_go_first() {
    let start = Instant::now();
    while WAITING.load(Ordering::Relaxed) > 0 && start.elapsed() < MOST_WAIT {
        std::thread::sleep(PAUSE);
    }
}

/// Gives frames their names, and keeps them.
#[derive(Default)]
pub(super) struct Names {
    known: HashMap<usize, Vec<Frame>>,
}

impl Names {
    /// Makes the first report as quick as the others: to open what a debugger would read takes a while. The frames are
    /// the worker's own and those that the app set telemetry up from.
    pub(super) fn warm_up(&mut self, app: Option<&Backtrace>) {
        for backtrace in capture().iter().chain(app) {
            let _ = self.stack(backtrace);
        }
    }

    /// Makes a stack trace of a backtrace: the innermost call last, without the machinery that made it.
    pub(super) fn stack(&mut self, backtrace: &Backtrace) -> Option<Stacktrace> {
        let mut frames: Vec<Frame> = Vec::new();
        for frame in backtrace.frames().iter().filter(|frame| !frame.ip().is_null()) {
            frames.extend_from_slice(self.frames(frame.ip()));
            if frames.len() > 2 * MOST_FRAMES {
                break;
            }
        }
        frames.drain(..machinery(&frames));
        frames.truncate(MOST_FRAMES);
        if !frames.iter().any(|frame| frame.in_app == Some(true)) {
            frames.iter_mut().for_each(|frame| frame.in_app = None);
        }
        Stacktrace::from_frames_reversed(frames)
    }

    fn frames(&mut self, address: *mut c_void) -> &[Frame] {
        if self.known.len() >= MOST_KEPT {
            self.known.clear();
        }
        self.known.entry(address.addr()).or_insert_with(|| {
            let mut frames = Vec::new();
            // One frame at a time, so that threads that wait for a backtrace get a turn.
            let_others_go_first();
            let reading = READING.lock().unwrap_or_else(PoisonError::into_inner);
            backtrace::resolve(address, |symbol| frames.push(named(symbol, address)));
            drop(reading);
            if frames.is_empty() {
                frames.push(Frame {
                    function: Some("<unknown>".to_owned()),
                    instruction_addr: Some(address.into()),
                    ..Frame::default()
                });
            }
            frames
        })
    }
}

/// Returns how many frames on top are machinery.
fn machinery(frames: &[Frame]) -> usize {
    let mut top = 0;
    for (at, frame) in frames.iter().enumerate() {
        if at - top > MOST_BETWEEN {
            break;
        }
        if begins(frame, MACHINERY) && !begins(frame, RUNS_THE_APP) {
            top = at + 1;
        }
    }
    // Something is always left to look at.
    top.min(frames.len().saturating_sub(1))
}

fn named(symbol: &Symbol, address: *mut c_void) -> Frame {
    // Without the hash at its end.
    let function = symbol.name().map_or_else(|| "<unknown>".to_owned(), |name| format!("{name:#}"));
    let path = symbol.filename().map(|path| path.to_string_lossy().into_owned());
    let function = qualified(function, path.as_deref());
    let mut frame = Frame {
        filename: path.as_ref().map(|path| path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned()),
        abs_path: path,
        lineno: symbol.lineno().map(u64::from),
        colno: symbol.colno().map(u64::from),
        instruction_addr: Some(address.into()),
        function: Some(function),
        ..Frame::default()
    };
    frame.in_app = Some(!begins(&frame, NOT_IN_APP));
    frame
}

/// Tells whether a function's name begins with one of these, whatever traits and references stand before it.
fn begins(frame: &Frame, starts: &[&str]) -> bool {
    let Some(name) = frame.function.as_deref() else { return false };
    let name = name.trim_start_matches(['<', '&', '_']).trim_start_matches("dyn ");
    // `<F as axum::handler::Handler<…>>::call`: what stands for a type says nothing.
    let name = match name.split_once(" as ") {
        Some((own, behind)) if !own.contains(':') => behind,
        _ => name,
    };
    starts.iter().any(|start| name.starts_with(start.trim_start_matches('_')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn a_function_of_the_app() -> Backtrace {
        Backtrace::new_unresolved()
    }

    #[test]
    fn the_innermost_call_is_last_and_names_its_function() {
        let mut names = Names::default();
        let stack = names.stack(&a_function_of_the_app()).unwrap();
        let functions: Vec<_> = stack.frames.iter().filter_map(|frame| frame.function.clone()).collect();
        assert!(functions.iter().all(|name| !name.starts_with("backtrace::")), "{functions:?}");
        assert!(stack.frames.len() > 3 && stack.frames.len() <= MOST_FRAMES);
        let again = names.stack(&a_function_of_the_app()).unwrap();
        assert_eq!(again.frames.len(), stack.frames.len());
    }
}
