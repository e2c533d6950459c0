//! What the log says about itself: that lines are lost, and how many were.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

use super::clock::Stamp;
use super::outlet::{self, Outlet};
use super::style::Style;

/// Where such a line says that it comes from.
pub(super) const TARGET: &str = "watchkeeper::telemetry";

/// A line about the log itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice<'a> {
    /// Lines are being lost from now on.
    Began {
        /// Why.
        reason: &'a str,
    },
    /// Lines arrive again.
    Ended {
        /// How many were lost.
        lost: u64,
        /// For how long they were.
        over: Duration,
    },
    /// There is no space left, so lines wait.
    Waits,
    /// These lines were lost while the app ended.
    Left {
        /// How many.
        lost: u64,
    },
}

/// Writes a notice as a whole line of some format.
pub(super) type NoticeLine = fn(Notice<'_>, SystemTime) -> String;

/// Writes a notice as a whole line of a style.
pub(super) fn line<S: Style>(notice: Notice<'_>, now: SystemTime) -> String {
    let mut out = S::LINE_START.to_owned();
    Stamp::default().write(now, &mut out);
    match notice {
        Notice::Began { reason } => S::notice(&mut out, &format!("log lines are being lost: {reason}"), &[]),
        Notice::Ended { lost, over } => {
            let seconds = over.as_secs();
            S::notice(&mut out, &lines_lost(lost), &[("lost", lost), ("seconds", seconds)]);
        }
        Notice::Waits => S::notice(&mut out, "no space is left for log lines, so they wait in memory", &[]),
        Notice::Left { lost } => {
            S::notice(&mut out, &format!("{} at the end of the app", lines_lost(lost)), &[("lost", lost)]);
        }
    }
    out.push('\n');
    out
}

fn lines_lost(lost: u64) -> String {
    format!("{lost} log {} lost", if lost == 1 { "line" } else { "lines" })
}

/// Says on standard error what the log cannot say. Waits for that no longer than `most`, whatever standard error is.
pub(super) fn complain(line: String, most: Duration) {
    if cfg!(test) {
        // The unit tests' own output stays readable; what is said is tested from outside.
        return;
    }
    let (said, waits) = mpsc::channel();
    let spoken = thread::Builder::new().name("watchkeeper-log".to_owned()).spawn(move || {
        outlet::block_sigpipe();
        let _ = Outlet::stderr().write(line.as_bytes());
        let _ = said.send(());
    });
    if spoken.is_ok() {
        let _ = waits.recv_timeout(most);
    }
}
