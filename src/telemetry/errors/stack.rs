//! Stack traces: backtraces whose frames are given names, on the worker's thread.

use std::collections::HashMap;
use std::ffi::c_void;
use std::time::Duration;

use backtrace::{Backtrace, Symbol};
use sentry::protocol::{Frame, Stacktrace};

/// How many addresses the names are kept of. An app that reports has few places to report from.
const MOST_KEPT: usize = 4096;

/// The most frames of a report; of a deeper stack, those nearest to what happened.
const MOST_FRAMES: usize = 128;

/// How long others get between two frames whose names are read.
const PAUSE: Duration = Duration::from_micros(50);

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

/// Gives frames their names, and keeps them.
#[derive(Default)]
pub(super) struct Names {
    known: HashMap<usize, Vec<Frame>>,
}

impl Names {
    /// Makes the first report as quick as the others: to open what a debugger would read takes a while. The frames are
    /// the worker's own and those that the app set telemetry up from.
    pub(super) fn warm_up(&mut self, app: &Backtrace) {
        for backtrace in [&Backtrace::new_unresolved(), app] {
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
            // One frame at a time, with a pause: threads that take a backtrace meanwhile wait for the same lock, and would
            // not get it from one who takes it again at once.
            backtrace::resolve(address, |symbol| frames.push(named(symbol, address)));
            std::thread::sleep(PAUSE);
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
