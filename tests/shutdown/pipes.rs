//! An output that stops taking lines while the app runs on: no panic, lost equals counted, a line on recovery.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::app::{App, Plan, Report};
use crate::outlet::{Messages, Outlet};
use crate::support::lateness::Lateness;

/// Lets an app run against `| true`, and expects all lines to be counted as lost and nothing else to happen.
#[track_caller]
fn survives_a_closed_pipe(plan: Plan) {
    let (output, _) = Outlet::Refusing.open();
    let (report, errors) = App::start(Plan { lines: 10_000, ..plan }, output).report();
    assert_eq!((report.logged, report.dropped), (10_000, 10_000), "{report:?}: {errors}");
    assert!(report.close_ms < 500, "{report:?}");
}

#[test]
fn a_closed_pipe_does_not_end_the_app() {
    survives_a_closed_pipe(Plan::default());
}

#[test]
fn a_closed_pipe_does_not_end_an_app_that_lets_its_signal_kill() {
    survives_a_closed_pipe(Plan { sigpipe_kills: true, ..Plan::default() });
}

#[test]
fn a_closed_pipe_for_both_streams_does_not_end_the_app() {
    survives_a_closed_pipe(Plan { stderr_too: true, ..Plan::default() });
    survives_a_closed_pipe(Plan { stderr_too: true, sigpipe_kills: true, ..Plan::default() });
}

#[test]
fn a_full_disk_is_said_on_standard_error_and_counted() {
    let output = File::options().write(true).open("/dev/full").unwrap();
    let plan = Plan { lines: 1_000, lingers_ms: 300, ..Plan::default() };
    let (report, errors) = App::start(plan, output.into()).report();
    assert_eq!(report.dropped, report.logged, "{report:?}");
    assert!(errors.contains("no space is left for log lines, so they wait in memory"), "{errors}");
}

/// Lets an app log more than may wait to a reader that begins to read only when the app has long been at it.
#[track_caller]
fn recovers(output: OwnedFd, mut reader: impl Read + Send + 'static, as_nobody: bool) -> (Report, Messages) {
    let times = Plan { lingers_ms: 4_000, deadline_ms: 20_000, ..Plan::default() };
    let plan = Plan { lines: 20_000, bytes: 4096, as_nobody, ..times };
    let app = App::start(plan, output);
    let reading = thread::spawn(move || {
        thread::sleep(Duration::from_secs(2));
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        bytes
    });
    let (report, _) = app.report();
    let messages = Messages::of(&reading.join().unwrap());
    assert_eq!(messages.app.len() as u64 + report.dropped, report.logged, "{report:?}");
    assert_eq!(messages.torn, 0);
    assert!(report.dropped > 1_000 && report.left == 0, "{report:?}");
    // No line held the app up, though nobody read for two seconds.
    assert!(report.longest_us < 1_000_000, "{report:?}");
    let lost = format!("{} log lines lost", report.dropped);
    assert_eq!(messages.log, ["log lines are being lost: they come faster than they are taken", &lost]);
    (report, messages)
}

#[test]
fn a_reader_that_stops_and_goes_on_is_told_what_it_missed() {
    let (reader, writer) = io::pipe().unwrap();
    let (report, messages) = recovers(writer.into(), reader, false);
    // What waits is kept and what comes is dropped, so the first lines and those after the recovery are there.
    assert_eq!(messages.app[..1_000], (0..1_000).collect::<Vec<_>>());
    assert_eq!(messages.app.last(), Some(&(report.logged - 1)));
}

#[test]
fn a_pipe_that_does_not_block_is_no_different() {
    let (reader, writer) = io::pipe().unwrap();
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    recovers(writer.into(), reader, false);
}

#[test]
fn a_socket_is_no_different() {
    let (reader, writer) = UnixStream::pair().unwrap();
    recovers(writer.into(), reader, false);
}

#[test]
fn a_hung_reader_costs_no_more_memory_than_may_wait() {
    let (output, rest) = Outlet::Hung.open();
    let plan = Plan { lines: 200_000, bytes: 4096, ..Plan::default() };
    let (report, _) = App::start(plan, output).report();
    let messages = rest.messages();
    assert_eq!(messages.app.len() as u64 + report.dropped, 200_000, "{report:?}");
    // The one whose write was cut short; it is among the lost.
    assert!(messages.torn <= 1);
    println!("grew by {} KiB, the longest line took {} µs", report.grown_kib, report.longest_us);
    assert!(report.grown_kib <= 40 * 1024, "{report:?}");
}

/// A container's output belongs to whoever runs containers, and its app is somebody else.
#[test]
fn a_pipe_of_another_user_is_no_different() {
    let (reader, writer) = io::pipe().unwrap();
    recovers(writer.into(), reader, true);
    let (output, rest) = Outlet::Hung.open();
    let plan = Plan { lines: 20_000, bytes: 3_500, as_nobody: true, ..Plan::default() };
    let (deadline, lateness) = (Duration::from_millis(plan.deadline_ms), Lateness::watch());
    let (report, _) = App::start(plan, output).report();
    let messages = rest.messages();
    assert_eq!((messages.app.len() as u64 + report.dropped, messages.torn), (20_000, 0), "{report:?}");
    assert!(Duration::from_millis(report.close_ms) <= lateness.end_of(deadline), "{report:?}");
}
