//! A fork after logging began: the child has none of its parent's threads, and logs nevertheless.

use std::time::Duration;

use fork::{Fork, fork};
use watchkeeper::Telemetry;
use watchkeeper::presets::monitoring::Sink;

use crate::app::{App, Plan};
use crate::outlet::Outlet;

/// Lets a child log ten lines and close, and waits for it.
pub(crate) fn fork_and_log(telemetry: &Telemetry) {
    match fork() {
        Ok(Fork::Child) => {
            for number in 1_000_000..1_000_010_u64 {
                tracing::info!(target: "app", number, "from the child");
            }
            let left = telemetry.close(Duration::from_secs(5)).left(Sink::Logs);
            std::process::exit(i32::try_from(left).unwrap_or(1));
        }
        Ok(Fork::Parent(child)) => {
            let ended = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(child), None).unwrap();
            assert!(matches!(ended, nix::sys::wait::WaitStatus::Exited(_, 0)), "{ended:?}");
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_child_logs_its_own_lines_and_nobody_elses() {
    // Many lines, so that some wait and the writer is at work when the app forks.
    let (output, rest) = Outlet::Slow.open();
    let plan = Plan { lines: 2_000, bytes: 1_000, forks: true, deadline_ms: 20_000, ..Plan::default() };
    let (report, errors) = App::start(plan, output).report();
    let messages = rest.messages();
    assert_eq!(messages.torn, 0);
    let mut numbers = messages.app;
    numbers.sort_unstable();
    assert_eq!((report.dropped, report.left), (0, 0), "{errors}");
    assert_eq!(numbers, (0..2_000).chain(1_000_000..1_000_010).collect::<Vec<_>>());
}
