//! The log's column of the matrix.

use std::time::Duration;

use crate::app::{App, Plan};
use crate::outlet::Outlet;
use crate::support::lateness::Lateness;

const EMPTY: u64 = 0;
/// Five times what may wait.
const FULL: u64 = 45_000;

#[track_caller]
fn ends_in_time_with_every_line_accounted_for(outlet: &Outlet, lines: u64, closed: bool) {
    let plan = Plan { lines, bytes: 3_500, closed, ..Plan::default() };
    let (deadline, lateness) = (Duration::from_millis(plan.deadline_ms), Lateness::watch());
    let (output, rest) = outlet.open();
    let (report, errors) = App::start(plan, output).report();
    let messages = rest.messages();
    // A pipe takes a line of this length whole or not at all.
    assert_eq!(messages.torn, 0);
    let arrived = messages.app.len() as u64;
    assert!(Duration::from_millis(report.close_ms) <= lateness.end_of(deadline), "{report:?}");
    assert_eq!((report.logged, report.queued), (lines, 0), "{report:?}");
    assert_eq!(arrived + report.dropped, lines, "{arrived} arrived, {report:?}");
    assert!(report.left <= report.dropped, "{report:?}");
    let told = errors.contains(&format!("{} log lines lost at the end of the app", report.left));
    assert_eq!(told, report.left > 0, "{report:?}: {errors}");
}

macro_rules! matrix {
    ($($name:ident: $outlet:expr, $lines:expr, closed $closed:expr;)*) => {
        $(#[test]
        fn $name() {
            ends_in_time_with_every_line_accounted_for(&$outlet, $lines, $closed);
        })*
    };
}

matrix! {
    a_hung_reader_and_nothing_to_write: Outlet::Hung, EMPTY, closed false;
    a_hung_reader_and_a_full_queue: Outlet::Hung, FULL, closed false;
    a_closed_pipe_and_nothing_to_write: Outlet::Refusing, EMPTY, closed false;
    a_closed_pipe_and_a_full_queue: Outlet::Refusing, FULL, closed false;
    a_slow_reader_and_nothing_to_write: Outlet::Slow, EMPTY, closed false;
    a_slow_reader_and_a_full_queue: Outlet::Slow, FULL, closed false;
    a_full_disk_and_nothing_to_write: Outlet::Full, EMPTY, closed false;
    a_full_disk_and_a_full_queue: Outlet::Full, FULL, closed false;
    no_output_and_nothing_to_write: Outlet::Full, EMPTY, closed true;
    no_output_and_a_full_queue: Outlet::Full, FULL, closed true;
}
