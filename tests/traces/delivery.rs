//! Spans on their way by HTTP: what is tried again, what is given up, and that nothing is left uncounted.

use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use watchkeeper::presets::monitoring::DropReason;
use watchkeeper::{Telemetry, Watchkeeper, service_info};

use crate::receiver::{Answer, Receiver};
use crate::support::example::Server;
use crate::support::process::eventually;
use crate::traced::{Traced, attributes};

/// Sends some spans to a receiver that answers like this, and waits until they are settled.
fn sent(answers: &[Answer], variables: &[(&str, &str)]) -> (Traced, Receiver) {
    let receiver = Receiver::start(answers);
    let traced = Traced::to(&receiver.endpoint(), variables);
    traced.make_spans(10);
    traced.settled(10);
    (traced, receiver)
}

#[test]
fn a_request_has_the_resource_the_headers_and_the_path_that_the_variables_say() {
    let (_traced, receiver) = sent(
        &[Answer::Take],
        &[
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20t0ken, x-tenant = a%2Cb "),
            ("OTEL_SERVICE_NAME", "till"),
            ("OTEL_RESOURCE_ATTRIBUTES", "team=checkout"),
        ],
    );

    let request = &receiver.requests()[0];
    assert!(request.head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{}", request.head);
    assert_eq!(request.header("content-type"), Some("application/x-protobuf"));
    assert_eq!((request.header("authorization"), request.header("x-tenant")), (Some("Bearer t0ken"), Some("a,b")));
    let decoded = ExportTraceServiceRequest::decode(&*request.body).expect("a request of OTLP");
    let resource = attributes(&decoded.resource_spans[0].resource.as_ref().expect("a resource").attributes);
    for (key, value) in [("service.name", "till"), ("team", "checkout"), ("service.version", env!("CARGO_PKG_VERSION"))]
    {
        assert!(resource.contains(&(key.to_owned(), value.to_owned())), "{key} in {resource:?}");
    }
}

#[test]
fn a_compressed_request_is_the_same_request() {
    let (_traced, receiver) = sent(&[Answer::Take], &[("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")]);

    let mut spans = 0;
    for request in receiver.requests() {
        assert_eq!(request.header("content-encoding"), Some("gzip"));
        let mut body = Vec::new();
        flate2::read::GzDecoder::new(&*request.body).read_to_end(&mut body).expect("gzip");
        let decoded = ExportTraceServiceRequest::decode(&*body).expect("a request of OTLP");
        spans += decoded.resource_spans[0].scope_spans[0].spans.len();
    }
    assert_eq!(spans, 10);
}

#[test]
fn what_may_pass_is_tried_again() {
    for answers in [
        &[Answer::Status(503), Answer::Status(429), Answer::Status(502), Answer::Take][..],
        &[Answer::Later(503, 1), Answer::Take],
        &[Answer::Close, Answer::Take],
    ] {
        let start = Instant::now();
        let (traced, receiver) = sent(answers, &[]);
        assert_eq!((traced.counts().stored(), receiver.spans().len()), (10, 10), "{answers:?}");
        let waited = start.elapsed() >= Duration::from_secs(1);
        assert!(waited || !answers.contains(&Answer::Later(503, 1)), "the receiver's wish is respected");
    }
}

#[test]
fn a_receiver_that_starts_later_gets_what_was_sent_before() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port").local_addr().expect("an address");
    let traced = Traced::to(&format!("http://{port}"), &[]);
    traced.make_spans(10);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(traced.counts().queued(), 10);

    let receiver = Receiver::start_on(TcpListener::bind(port).expect("the port is free"), &[Answer::Take]);

    traced.settled(10);
    assert_eq!(receiver.spans().len(), 10);
}

#[test]
fn the_log_says_once_that_nothing_arrives_and_once_that_it_does_again() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port").local_addr().expect("an address");
    let environment = [
        ("RUST_LOG_FORMAT", "json"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*format!("http://{port}")),
        ("OTEL_TRACES_SAMPLER", "always_on"),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
    ];
    let shop = Server::start("shop", &[], &environment);
    shop.get("/orders/7");
    let said = || {
        shop.process
            .stdout()
            .lines()
            .filter(|line| line.contains("their receiver"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    eventually(|| if said().is_empty() { Err(shop.process.stdout()) } else { Ok(()) });
    std::thread::sleep(Duration::from_millis(500));

    let _receiver = Receiver::start_on(TcpListener::bind(port).expect("the port is free"), &[Answer::Take]);

    let said = eventually(|| Some(said()).filter(|said| said.len() > 1).ok_or_else(|| shop.process.stdout()));
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("spans do not arrive at their receiver") && said[0].contains("refused"), "{said:?}");
    assert!(said[1].contains("spans arrive at their receiver again"), "{said:?}");
}

#[test]
fn what_the_receiver_refuses_is_counted_and_not_tried_again() {
    for (answer, reason, lost) in [
        (Answer::Status(400), DropReason::Invalid, 10),
        (Answer::Status(413), DropReason::Invalid, 10),
        (Answer::Status(401), DropReason::Failed, 10),
        (Answer::Status(404), DropReason::Failed, 10),
        (Answer::Status(500), DropReason::Failed, 10),
        (Answer::TakeBut(3), DropReason::Invalid, 3),
        (Answer::TakeBut(99), DropReason::Invalid, 10),
        (Answer::TakeBut(-1), DropReason::Invalid, 10),
    ] {
        let (traced, receiver) = sent(&[answer], &[("OTEL_BSP_SCHEDULE_DELAY", "200")]);
        assert_eq!((traced.dropped(reason), traced.counts().stored()), (lost, 10 - lost), "{answer:?}");
        assert_eq!(receiver.requests().len(), 1, "{answer:?}");
    }
}

#[test]
fn what_is_not_taken_in_time_is_given_up() {
    let variables = [("OTEL_BSP_EXPORT_TIMEOUT", "400"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "150")];
    for (answer, reason) in [
        (Answer::Status(429), DropReason::Refused),
        (Answer::Status(503), DropReason::Failed),
        (Answer::Hang, DropReason::Timeout),
        (Answer::Close, DropReason::Failed),
        (Answer::Later(503, 3_600), DropReason::Failed),
    ] {
        let start = Instant::now();
        let (traced, _receiver) = sent(&[answer], &variables);
        assert_eq!(traced.dropped(reason), 10, "{answer:?}: {:?}", traced.counts());
        assert!(start.elapsed() < Duration::from_secs(3), "{answer:?}");
    }
}

#[test]
fn a_hostile_receiver_gets_no_more_than_its_due() {
    let variables = [("OTEL_EXPORTER_OTLP_TIMEOUT", "500"), ("OTEL_BSP_EXPORT_TIMEOUT", "400")];
    for answer in [Answer::Endless, Answer::Slow, Answer::Hang, Answer::Page] {
        let start = Instant::now();
        let (traced, receiver) = sent(&[answer], &variables);
        assert_eq!(traced.counts().dropped(), 10, "{answer:?}");
        assert!(start.elapsed() < Duration::from_secs(2), "{answer:?}: {:?}", start.elapsed());
        assert!(receiver.requests().len() <= 2, "{answer:?}");
    }
}

#[test]
fn a_redirect_is_not_followed_so_no_header_goes_to_another_host() {
    let elsewhere = Receiver::start(&[Answer::Take]);
    let (traced, receiver) =
        sent(&[Answer::Redirect(elsewhere.address)], &[("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20t0ken")]);

    assert_eq!(elsewhere.connections(), 0);
    assert_eq!(receiver.requests()[0].header("authorization"), Some("Bearer t0ken"));
    assert_eq!(traced.dropped(DropReason::Failed), 10);
}

#[test]
fn a_full_queue_drops_what_comes_and_counts_it_and_holds_nobody_up() {
    let receiver = Receiver::start(&[Answer::Hang]);
    let traced = Traced::to(
        &receiver.endpoint(),
        &[("OTEL_BSP_MAX_QUEUE_SIZE", "100"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")],
    );
    let start = Instant::now();

    traced.make_spans(20_000);

    let counts = traced.counts();
    assert_eq!((counts.accepted(), counts.queued(), counts.dropped_for(DropReason::Full)), (20_000, 100, 19_900));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn what_waits_is_bounded_in_bytes_too() {
    let receiver = Receiver::start(&[Answer::Hang]);
    let traced = Traced::to(&receiver.endpoint(), &[("OTEL_BSP_MAX_QUEUE_SIZE", "100000")]);
    let text = "x".repeat(4_096);

    traced.run(|| (0..6_000).for_each(|_| drop(tracing::info_span!("work", text, more = text, still = text))));

    let counts = traced.counts();
    assert!(counts.queued_bytes() <= 16 << 20 && counts.queued_bytes() > 15 << 20, "{counts:?}");
    assert_eq!(counts.accepted(), counts.queued() + counts.dropped_for(DropReason::Full));
}

#[test]
fn a_scrape_shows_what_was_lost() {
    let (traced, _receiver) = sent(&[Answer::Status(400)], &[]);
    let watch = Watchkeeper::builder(&traced.telemetry).build().expect("an empty registry");

    let scrape = watch.registry().render(watchkeeper::metric::Format::Text);

    assert!(scrape.contains("watchkeeper_dropped_total{sink=\"traces\",reason=\"invalid\"} 10\n"), "{scrape}");
    assert!(scrape.contains("watchkeeper_queue_bytes{sink=\"traces\"} 0\n"), "{scrape}");
}

#[test]
fn a_variable_that_cannot_be_used_is_named_and_its_value_is_not_shown() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
    for (variable, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://s3cret@collector"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "s3cret"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a b=s3cret"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=%s3cret"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=%0As3cret"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such/file"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/dev/null"),
        ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
        ("OTEL_TRACES_SAMPLER_ARG", "10"),
        ("OTEL_TRACES_SAMPLER_ARG", "NaN"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_SDK_DISABLED", "yes"),
        ("OTEL_PROPAGATORS", "tracecontext,b3"),
        ("OTEL_BSP_SCHEDULE_DELAY", "-1"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4096"),
        ("OTEL_RESOURCE_ATTRIBUTES", "novalue"),
    ] {
        let variables = [endpoint, (variable, value)];
        let builder = Telemetry::builder(service_info!()).environment(variables.into_iter().collect());
        let said = builder.layer::<tracing_subscriber::Registry>().err().expect("an error").to_string();
        assert!(said.starts_with(variable) && said.contains("accepted: "), "{said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
}

#[test]
fn traces_are_off_unless_they_are_asked_for() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
    for variables in [
        &[][..],
        &[("OTEL_TRACES_SAMPLER", "always_on")],
        &[endpoint, ("OTEL_SDK_DISABLED", "true")],
        &[endpoint, ("OTEL_TRACES_EXPORTER", "none")],
    ] {
        let traced = Traced::new(variables);
        assert!(traced.telemetry.accounts().of(watchkeeper::presets::monitoring::Sink::Traces).is_none());
    }
    assert_eq!(Traced::new(&[("OTEL_TRACES_EXPORTER", "otlp")]).counts().accepted(), 0);
}
