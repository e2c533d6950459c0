//! The error reports' column of the matrix.

use std::time::{Duration, Instant};

use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt;
use watchkeeper::presets::monitoring::Sink;
use watchkeeper::{ServiceInfo, Telemetry};

use crate::support::lateness::Lateness;
use crate::support::tracker::{OK, Reply, Tracker};

const EMPTY: u64 = 0;
/// More than may wait.
const FULL: u64 = 1_500;

const DEADLINE: Duration = Duration::from_secs(1);

/// Reports so many errors to a server that answers like this, closes, and counts what arrived from outside.
#[track_caller]
fn ends_in_time_with_every_report_accounted_for(server: Option<Reply>, errors: u64) {
    let tracker = server.clone().map(|reply| Tracker::start(&[reply]));
    let nobody = || format!("http://key@127.0.0.1:{}/1", crate::support::process::free_port());
    let dsn = tracker.as_ref().map_or_else(nobody, Tracker::dsn);
    let builder = Telemetry::builder(ServiceInfo::new("shop", "1")).sentry_dsn(dsn).writer(std::io::sink());
    let (telemetry, layer) = builder.layer().unwrap();
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    tracing::dispatcher::with_default(&dispatch, || {
        (0..errors).for_each(|number| tracing::error!(number, "one of many"));
    });

    let lateness = Lateness::watch();
    let start = Instant::now();
    let closed = telemetry.close(DEADLINE);
    let took = start.elapsed();

    let counts = telemetry.accounts().of(Sink::Errors).unwrap();
    assert!(took <= lateness.end_of(DEADLINE), "{took:?}");
    assert_eq!((counts.accepted(), counts.queued()), (errors, 0), "{counts:?}");
    assert_eq!(counts.stored() + counts.dropped(), errors, "{counts:?}");
    assert!(closed.left(Sink::Errors) <= counts.dropped(), "{closed}");
    let takes = matches!(server, Some(Reply::Status(200, _) | Reply::Slowly(_)));
    if takes {
        // One may have been taken whose answer came too late to be counted as such.
        let arrived = tracker.unwrap().bodies().len() as u64;
        assert!(arrived == counts.stored() || arrived == counts.stored() + 1, "{arrived} arrived, {counts:?}");
    } else {
        assert_eq!(counts.stored(), 0, "{counts:?}");
    }
    // Twice is once.
    assert_eq!(telemetry.close(DEADLINE), closed);
    tracing::dispatcher::with_default(&dispatch, || tracing::error!("after the end"));
    let after = telemetry.accounts().of(Sink::Errors).unwrap();
    assert_eq!((after.accepted(), after.dropped()), (errors + 1, counts.dropped() + 1));
}

macro_rules! matrix {
    ($($name:ident: $server:expr, $errors:expr;)*) => {
        $(#[test]
        fn $name() {
            ends_in_time_with_every_report_accounted_for($server, $errors);
        })*
    };
}

matrix! {
    a_hung_tracker_and_nothing_to_report: Some(Reply::Hang), EMPTY;
    a_hung_tracker_and_a_full_queue: Some(Reply::Hang), FULL;
    a_tracker_that_refuses_and_nothing_to_report: Some(Reply::Status(503, "")), EMPTY;
    a_tracker_that_refuses_and_a_full_queue: Some(Reply::Status(503, "")), FULL;
    a_slow_tracker_and_nothing_to_report: Some(Reply::Slowly(Duration::from_millis(50))), EMPTY;
    a_slow_tracker_and_a_full_queue: Some(Reply::Slowly(Duration::from_millis(50))), FULL;
    a_tracker_over_its_quota_and_nothing_to_report: Some(Reply::Status(429, "")), EMPTY;
    a_tracker_over_its_quota_and_a_full_queue: Some(Reply::Status(429, "")), FULL;
    no_tracker_and_nothing_to_report: None, EMPTY;
    no_tracker_and_a_full_queue: None, FULL;
    a_tracker_that_answers_and_a_full_queue: Some(OK), FULL;
}
