//! The end of an app with spans on their way: over within the deadline, whatever the receiver does, and what was lost
//! counted exactly.

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use watchkeeper::presets::monitoring::{DropReason, Sink};

use crate::receiver::{Answer, Receiver};
use crate::support::lateness::Lateness;
use crate::traced::Traced;

const DEADLINE: Duration = Duration::from_millis(600);

/// How many spans wait when the app is closed: none, some, and more than there is room for.
const SPANS: [u64; 3] = [0, 10, 500];
const ROOM: u64 = 200;

/// Closes an app with so many spans before a receiver that answers like this; `None` is none at all.
#[track_caller]
fn closed(answer: Option<Answer>, protocol: &str, spans: u64) {
    let what = format!("{answer:?}, {protocol}, {spans} spans");
    let receiver = answer.map(|answer| Receiver::start(&[answer]));
    let nobody = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port").local_addr().expect("an address");
    let address = receiver.as_ref().map_or_else(nobody, |receiver| receiver.address);
    let traced = Traced::to(
        &format!("http://{address}"),
        &[
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_BSP_MAX_QUEUE_SIZE", &ROOM.to_string()),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "50"),
            ("OTEL_BSP_SCHEDULE_DELAY", "60000"),
        ],
    );
    traced.make_spans(usize::try_from(spans).expect("a number"));
    let before = traced.counts();

    let lateness = Lateness::watch();
    let start = Instant::now();
    let report = traced.telemetry.close(DEADLINE);
    let took = start.elapsed();

    assert!(took <= lateness.end_of(DEADLINE), "{what}: {took:?}");
    let counts = traced.counts();
    let taken = receiver.map_or(0, |receiver| receiver.spans().len() as u64);
    assert_eq!((counts.accepted(), counts.queued(), counts.stored()), (spans, 0, taken), "{what}");
    assert_eq!(counts.dropped(), spans - taken, "{what}: ended minus acknowledged");
    let since = counts.dropped() - before.dropped();
    // What is refused at once may have been lost just before the end.
    let refused_at_once = matches!(answer, Some(Answer::Endless | Answer::Status(400) | Answer::Later(..)));
    let exact = report.left(Sink::Traces) == since || (refused_at_once && report.left(Sink::Traces) < since);
    assert!(exact, "{what}: {since} since then; {report}");
    match answer {
        Some(Answer::Take) => assert_eq!(report.left(Sink::Traces), 0, "{what}: {report}"),
        _ if refused_at_once => {}
        _ => assert_eq!(report.left(Sink::Traces), spans.min(ROOM), "{what}: {report}"),
    }

    // What comes afterwards is counted too, and changes nothing else.
    traced.make_spans(1);
    assert_eq!(traced.dropped(DropReason::Shutdown), counts.dropped_for(DropReason::Shutdown) + 1, "{what}");
}

#[test]
fn closing_ends_within_the_deadline_in_every_case() {
    let answers = [
        Some(Answer::Take),
        Some(Answer::Hang),
        Some(Answer::Slow),
        Some(Answer::Endless),
        Some(Answer::Close),
        Some(Answer::Status(429)),
        Some(Answer::Status(503)),
        Some(Answer::Status(400)),
        Some(Answer::Later(503, 3_600)),
        None,
    ];
    std::thread::scope(|scope| {
        for answer in answers {
            scope.spawn(move || SPANS.into_iter().for_each(|spans| closed(answer, "http/protobuf", spans)));
        }
        // A receiver by HTTP is one that does not understand gRPC.
        for answer in [Some(Answer::Hang), Some(Answer::Close), None] {
            scope.spawn(move || SPANS.into_iter().for_each(|spans| closed(answer, "grpc", spans)));
        }
    });
}

#[test]
fn an_answer_that_comes_after_the_end_changes_no_count() {
    let receiver = Receiver::start(&[Answer::TakeLate(Duration::from_millis(500))]);
    let traced = Traced::to(&receiver.endpoint(), &[]);
    traced.make_spans(10);
    while receiver.requests().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }

    assert_eq!(traced.telemetry.close(Duration::from_millis(200)).left(Sink::Traces), 10);

    std::thread::sleep(Duration::from_millis(800));
    assert_eq!((traced.counts().stored(), traced.dropped(DropReason::Shutdown)), (0, 10));
    assert_eq!(receiver.requests().len(), 1, "nothing is sent after the end");
}
