//! The log's reader, the error tracker, the receiver of traces and the store all hang at once.

use std::io::PipeReader;
use std::time::{Duration, Instant};

use watchkeeper::presets::monitoring::Sink;

use crate::app::App;
use crate::faulty::{Does, Faulty};
use crate::receiver::{Answer, Receiver};
use crate::support::lateness::Lateness;
use crate::support::tracker::{Reply, Tracker};

const SINKS: [Sink; 4] = [Sink::Logs, Sink::Errors, Sink::Traces, Sink::Events];

const DEADLINE: Duration = Duration::from_secs(1);

/// More than there is room for in the queues of lines and spans.
const MANY: u32 = 3_000;
/// No sink that hangs lets go of whoever waits for it, so a request that does not wait takes far less than this however
/// busy the machine is.
const PATIENCE: Duration = Duration::from_secs(5);

/// An app before sinks that hang, and the log that nobody reads.
fn hung() -> (App, PipeReader, Tracker, Receiver) {
    let (reader, writer) = std::io::pipe().unwrap();
    let (tracker, receiver) = (Tracker::start(&[Reply::Hang]), Receiver::start(&[Answer::Hang]));
    let store = Faulty::new(Duration::ZERO, |_, _| Does::Hangs).store();
    (App::start(writer, &tracker, &receiver, store), reader, tracker, receiver)
}

/// Serves so many requests, closes, and finds everything that was accepted either stored or counted as lost.
#[track_caller]
fn serves_and_ends_in_time(requests: u32) {
    let (app, _unread, tracker, receiver) = hung();

    let longest = app.serve_many(requests);
    let while_hung = SINKS.map(|sink| app.counts(sink));
    let lateness = Lateness::watch();
    let start = Instant::now();
    let closed = app.telemetry.close(DEADLINE);
    let took = start.elapsed();

    assert!(longest < PATIENCE, "a request took {longest:?}");
    assert!(took <= lateness.end_of(DEADLINE), "{requests} requests: {took:?}");
    let failed = u64::from(requests.div_ceil(10));
    for (sink, accepted) in [(Sink::Errors, failed), (Sink::Traces, requests.into()), (Sink::Events, failed)] {
        let counts = app.counts(sink);
        assert_eq!((counts.accepted(), counts.queued()), (accepted, 0), "{sink:?}: {counts:?}");
        assert_eq!((counts.stored(), counts.dropped()), (0, accepted), "{sink:?}: {counts:?}");
    }
    let lines = app.counts(Sink::Logs);
    assert_eq!((lines.accepted(), lines.queued()), (lines.stored() + lines.dropped(), 0), "{lines:?}");
    assert!(lines.accepted() >= requests.into(), "{lines:?}");
    for (sink, before) in SINKS.into_iter().zip(while_hung) {
        let since = app.counts(sink).dropped() - before.dropped();
        // Whoever gives a sink up by itself meanwhile has counted that already.
        assert!(closed.left(sink) <= since, "{sink:?}: {before:?}, then {:?}; {closed}", app.counts(sink));
    }
    if requests > 0 {
        let [logs, _, traces, _] = while_hung;
        assert!(logs.dropped() > 0 && traces.dropped() > 0, "the queues were not full: {logs:?} {traces:?}");
        assert!(SINKS.iter().all(|sink| closed.left(*sink) > 0), "nothing was left in one of them: {closed}");
        assert!(!tracker.bodies().is_empty() && !receiver.requests().is_empty(), "they were never asked");
    }
}

#[test]
fn requests_wait_for_no_sink_and_the_end_keeps_its_deadline_when_all_hang() {
    serves_and_ends_in_time(MANY);
}

#[test]
fn the_end_keeps_its_deadline_when_all_hang_and_nothing_waits() {
    serves_and_ends_in_time(0);
}
