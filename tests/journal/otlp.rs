//! Events as OTLP log records: what a receiver of others reads, and what becomes of a batch where one is hostile or gone.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use prost::Message;
use serde_json::json;
use watchkeeper::event::{Event, Fields, Level};
use watchkeeper::journal::{DropReason, OtlpLogs, Sink};
use watchkeeper::sample::Sample;
use watchkeeper::{Watchkeeper, service_info};

use crate::receiver::{Answer, Receiver};
use crate::support::process::eventually;
use crate::support::rotel::{Rotel, value};
use crate::{block_on, counts, event, settled};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A watch that passes events on to an address.
fn watch(endpoint: &str, variables: &[(&str, &str)]) -> Watchkeeper {
    let all = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)];
    let environment = all.iter().chain(variables).copied().collect();
    let logs = OtlpLogs::from_environment(&environment, service_info!()).unwrap().expect("a receiver is named");
    Watchkeeper::builder(service_info!()).forward(logs).build().unwrap()
}

fn details(key: &str, value: impl Into<serde_json::Value>) -> Fields {
    [(key, value.into())].into_iter().collect()
}

fn attribute<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    let mut found = attributes.iter().filter(|attribute| attribute.key == key);
    let value = found.next()?.value.as_ref()?.value.as_ref();
    assert!(found.next().is_none(), "{key} is there once");
    value
}

fn text(text: &str) -> Option<Value> {
    Some(Value::StringValue(text.to_owned()))
}

#[test]
fn a_log_record_says_what_its_event_says() {
    let receiver = Receiver::start(&[Answer::Take]);
    let headers = [("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "authorization=Bearer%20t0ken"), ("OTEL_SERVICE_NAME", "till")];
    let watch = watch(&receiver.endpoint(), &headers);
    let told = Event::log("checkout").level(Level::Error).message("card refused").trace_id(TRACE).dedup_key("c-7");
    let told = told.tag("order", 42).tag("watchkeeper.source", "a lie").tag("share", 0.5).tag("new", true);
    let id =
        watch.record_event(told.payload(details("card", json!({"digits": [1, null, "x"], "valid": false})))).unwrap();
    watch.record_event(Event::alert("till").trace_id("no-trace-of-w3c"));
    watch.record_sample(Sample::gauge("parcels_waiting", 7.0)).unwrap();
    let counts = settled(&watch, Sink::Forward);

    assert_eq!((counts.accepted(), counts.stored()), (2, 2), "no sample is on the account");
    let requests = receiver.requests();
    assert!(requests[0].head.starts_with("POST /v1/logs HTTP/1.1\r\n"), "{}", requests[0].head);
    assert_eq!(requests[0].header("authorization"), Some("Bearer t0ken"));
    let request = ExportLogsServiceRequest::decode(&*requests[0].body).unwrap();
    let resource = &request.resource_logs[0].resource.as_ref().unwrap().attributes;
    assert_eq!(attribute(resource, "service.name").cloned(), text("till"));
    assert_eq!(attribute(resource, "service.version").cloned(), text(env!("CARGO_PKG_VERSION")));
    let records: Vec<_> = requests.iter().flat_map(|request| request.records()).collect();
    let [record, other] = &records[..] else { panic!("{records:?}") };
    assert_eq!((record.severity_number, record.severity_text.as_str()), (17, "error"));
    assert_eq!(record.body.clone().unwrap().value, text("card refused"));
    assert_eq!(record.trace_id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    for time in [record.time_unix_nano, record.observed_time_unix_nano] {
        assert!((now - 60_000_000_000..=now).contains(&time), "{time}");
    }
    let said = |key| attribute(&record.attributes, key).cloned();
    assert_eq!(said("log.record.uid"), text(&id.to_string()));
    assert_eq!(said("watchkeeper.source"), text("checkout"));
    assert_eq!(said("watchkeeper.event_type"), text("log"));
    assert_eq!(said("watchkeeper.dedup_key"), text("c-7"));
    assert_eq!(
        (said("order"), said("share"), said("new")),
        (Some(Value::IntValue(42)), Some(Value::DoubleValue(0.5)), Some(Value::BoolValue(true)))
    );
    assert_eq!(record.dropped_attributes_count, 1, "the tag that would hide the source");
    let Some(Value::KvlistValue(payload)) = said("watchkeeper.payload") else { panic!("{record:?}") };
    let Some(Value::KvlistValue(card)) = attribute(&payload.values, "card") else { panic!("{payload:?}") };
    assert_eq!(attribute(&card.values, "valid"), Some(&Value::BoolValue(false)));
    let Some(Value::ArrayValue(digits)) = attribute(&card.values, "digits") else { panic!("{card:?}") };
    let digits: Vec<_> = digits.values.iter().map(|AnyValue { value, .. }| value.clone()).collect();
    assert_eq!(digits, [Some(Value::IntValue(1)), None, text("x")]);

    assert_eq!((other.severity_number, &other.body, other.trace_id.len()), (0, &None, 0));
    assert_eq!(attribute(&other.attributes, "watchkeeper.trace_id").cloned(), text("no-trace-of-w3c"));
}

#[test]
fn every_answer_of_a_receiver_is_accounted_for() {
    let elsewhere = Receiver::start(&[Answer::Take]);
    for (answers, stored, dropped) in [
        (&[Answer::TakeBut(3)][..], 7, Some((DropReason::Invalid, 3))),
        (&[Answer::TakeBut(i64::MAX)], 0, Some((DropReason::Invalid, 10))),
        (&[Answer::Status(503), Answer::Status(429), Answer::Close, Answer::Take], 10, None),
        (&[Answer::Status(400)], 0, Some((DropReason::Invalid, 10))),
        (&[Answer::Status(401)], 0, Some((DropReason::Failed, 10))),
        (&[Answer::Redirect(elsewhere.address)], 0, Some((DropReason::Failed, 10))),
        (&[Answer::Page], 0, Some((DropReason::Failed, 10))),
        (&[Answer::Endless], 0, Some((DropReason::Failed, 10))),
        (&[Answer::Slow, Answer::Take], 10, None),
        (&[Answer::Hang, Answer::Take], 10, None),
    ] {
        let receiver = Receiver::start(answers);
        let watch = watch(&receiver.endpoint(), &[("OTEL_EXPORTER_OTLP_TIMEOUT", "300")]);
        (0..10).for_each(|number| _ = watch.record_event(event(number)));
        let counts = settled(&watch, Sink::Forward);
        assert_eq!((counts.accepted(), counts.stored()), (10, stored), "{answers:?}: {counts:?}");
        for &reason in DropReason::ALL {
            let expected = dropped.filter(|(dropped, _)| *dropped == reason).map_or(0, |(_, items)| items);
            assert_eq!(counts.dropped_for(reason), expected, "{answers:?}: {counts:?}");
        }
        if stored > 0 {
            let taken = receiver.requests().into_iter().filter(|request| request.taken);
            let taken: Vec<_> = taken.flat_map(|request| request.records()).collect();
            assert_eq!(taken.len(), 10, "{answers:?}: each came once");
        }
    }
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn a_receiver_that_is_gone_holds_nothing_up_and_what_is_left_is_counted() {
    let watch = watch("http://127.0.0.1:1", &[]);
    (0..10).for_each(|number| _ = watch.record_event(event(number)));
    let start = std::time::Instant::now();
    let report = block_on(watch.close(Duration::from_millis(300)));
    assert!(start.elapsed() < Duration::from_millis(1_000), "{:?}", start.elapsed());
    let counts = counts(&watch, Sink::Forward);
    assert_eq!((report.left(Sink::Forward), counts.dropped_for(DropReason::Shutdown), counts.queued()), (10, 10, 0));
}

#[test]
fn what_is_set_decides_whether_anything_is_sent_and_a_wrong_value_is_named() {
    let made = |variables: &[(&'static str, &'static str)]| {
        let environment = variables.iter().copied().collect();
        OtlpLogs::from_environment(&environment, service_info!()).map(|logs| logs.is_some())
    };
    let on = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
    assert_eq!(made(&[]), Ok(false));
    assert_eq!(made(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:4318")]), Ok(false));
    assert_eq!(made(&[on]), Ok(true));
    assert_eq!(made(&[("OTEL_LOGS_EXPORTER", "otlp")]), Ok(true));
    assert_eq!(made(&[on, ("OTEL_LOGS_EXPORTER", "none")]), Ok(false));
    assert_eq!(made(&[on, ("OTEL_TRACES_EXPORTER", "none")]), Ok(true));
    assert_eq!(made(&[on, ("OTEL_SDK_DISABLED", "true")]), Ok(false));
    let error = made(&[("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "s3cret")]).unwrap_err().to_string();
    assert!(error.starts_with("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT ") && !error.contains("s3cret"), "{error}");
}

/// Records an event, and looks at what rotel has of it.
#[track_caller]
fn assert_an_event_arrives(endpoint: std::net::SocketAddr, protocol: &str, rotel: &Rotel) {
    let watch = watch(&format!("http://{endpoint}"), &[("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)]);
    let told = Event::log("checkout").level(Level::Critical).message("card refused").trace_id(TRACE).tag("order", 42);
    let id = watch.record_event(told.payload(details("card", "visa"))).unwrap().to_string();
    let counts = settled(&watch, Sink::Forward);
    assert_eq!((counts.accepted(), counts.stored()), (1, 1), "{counts:?}");
    let printed = eventually(|| {
        let printed = rotel.printed();
        if printed.contains(&id) { Ok(printed) } else { Err(printed) }
    });
    assert!(printed.contains(&format!("service.name: Str({})", env!("CARGO_PKG_NAME"))), "{printed}");
    for (name, expected) in [
        ("SeverityText", "critical"),
        ("Body", "Str(card refused)"),
        ("Trace ID", TRACE),
        ("log.record.uid", &format!("Str({id})")),
        ("watchkeeper.source", "Str(checkout)"),
        ("order", "Int(42)"),
    ] {
        assert_eq!(value(&printed, name), expected, "{name} in {printed}");
    }
}

#[test]
fn an_event_arrives_at_a_receiver_of_others_by_http_and_by_grpc() {
    let rotel = Rotel::start("logs");
    assert_an_event_arrives(rotel.http, "http/protobuf", &rotel);
    let rotel = Rotel::start("logs");
    assert_an_event_arrives(rotel.grpc, "grpc", &rotel);
}
