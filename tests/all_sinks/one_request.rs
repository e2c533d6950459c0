//! One request, and its ids in everything that is said about it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use serde_json::Value;
use watchkeeper::metric::Format;
use watchkeeper::store::{EventQuery, Memory, Scope};

use crate::app::App;
use crate::receiver::{Answer, Receiver};
use crate::support::tracker::{OK, Tracker};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Serves a request that fails, with these headers, and gives its trace id once it is the same everywhere.
#[track_caller]
fn trace_id_everywhere(headers: &[(&str, &str)]) -> String {
    let (log, tracker, receiver) = (Log::default(), Tracker::start(&[OK]), Receiver::start(&[Answer::Take]));
    let app = App::start(log.clone(), &tracker, &receiver, Memory::new());
    let request = headers.iter().fold(Request::get("/fail/7"), |request, (name, value)| request.header(*name, *value));
    let answer = app.serve(request.body(Body::empty()).unwrap());
    let scrape = app.watch.registry().render(Format::OpenMetrics);
    let closed = app.telemetry.close(Duration::from_secs(20));
    assert!(closed.is_complete(), "{closed}");

    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    let (trace, request) = (header("x-trace-id"), header("x-request-id"));

    let [span] = &receiver.spans()[..] else { panic!("{:?}", receiver.spans()) };
    assert_eq!((hex(&span.trace_id), span.name.as_str()), (trace.clone(), "GET /fail/{id}"));
    let of_client = headers.iter().any(|(name, _)| *name == "traceparent");
    assert_eq!(hex(&span.parent_span_id), if of_client { PARENT } else { "" });

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let line = log.lines().find(|line| line.contains("the bank has refused")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!((&line["trace_id"], &line["request_id"]), (&trace.clone().into(), &request.clone().into()), "{line}");
    assert_eq!(line["span_id"], hex(&span.span_id), "{line}");

    let [report] = &tracker.events()[..] else { panic!("{:?}", tracker.events()) };
    assert_eq!(report["contexts"]["trace"]["trace_id"], trace, "{report}");
    assert_eq!(report["contexts"]["trace"]["span_id"], hex(&span.span_id), "{report}");
    assert_eq!((&report["tags"]["trace_id"], &report["tags"]["request_id"]), (&line["trace_id"], &line["request_id"]));

    let exemplar =
        |line: &&str| line.starts_with("http_request_duration_seconds_bucket") && line.contains("/fail/{id}");
    let exemplars: Vec<&str> = scrape
        .lines()
        .filter(exemplar)
        .filter_map(|line| line.split_once(" # "))
        .map(|(_, exemplar)| exemplar)
        .collect();
    let [exemplar] = exemplars[..] else { panic!("{exemplars:?} in {scrape}") };
    assert!(exemplar.starts_with(&format!("{{trace_id=\"{trace}\"}}")), "{exemplar}");

    let query = EventQuery::new(Scope::All).trace_id(&*trace);
    let events = tokio::runtime::Runtime::new().unwrap().block_on(app.watch.store().events(&query)).unwrap();
    let [event] = &events.items[..] else { panic!("{events:?}") };
    assert_eq!((event.trace_id(), event.message()), (Some(&*trace), Some("the bank has refused")));
    assert_eq!(event.tags().get("request_id"), Some(&request.into()));
    trace
}

#[test]
fn one_trace_id_is_in_the_span_the_log_the_report_the_exemplar_the_stored_event_and_the_answer() {
    let begun_here = trace_id_everywhere(&[]);
    assert!(begun_here.len() == 32 && begun_here != TRACE, "{begun_here}");
    let begun_by_the_client = trace_id_everywhere(&[("traceparent", &format!("00-{TRACE}-{PARENT}-01"))]);
    assert_eq!(begun_by_the_client, TRACE);
}
