//! The shop's traces at a receiver of others: rotel, by HTTP and by gRPC.

use std::net::SocketAddr;

use crate::support::example::Server;
use crate::support::process::eventually;
use crate::support::rotel::{Rotel, value};
use crate::traced::{PARENT, TRACE, traceparent};

/// A span as rotel prints it: its lines by their names, attributes among them.
fn spans(printed: &str) -> Vec<&str> {
    printed.split("Span #").skip(1).collect()
}

/// Calls the shop within a trace, and looks at what rotel has of it.
#[track_caller]
fn assert_a_call_arrives(endpoint: SocketAddr, protocol: &str, rotel: &Rotel) {
    let shop = Server::start(
        "shop",
        &[],
        &[
            ("RUST_LOG_FORMAT", "json"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{endpoint}")),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_SERVICE_NAME", "till"),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ],
    );

    let answer = shop.request("GET", "/call?s3cret=s3cret").header("traceparent", &traceparent("01")).send();

    assert_eq!((answer.status, answer.header("x-trace-id")), (200, TRACE));
    let printed = eventually(|| {
        let printed = rotel.printed();
        if spans(&printed).len() < 3 { Err(printed) } else { Ok(printed) }
    });
    assert!(printed.contains("service.name: Str(till)") && !printed.contains("s3cret"), "{printed}");
    let spans = spans(&printed);
    let named = |name: &str| *spans.iter().find(|span| value(span, "Name") == name).expect("it is printed");
    let (call, ask, asked) = (named("GET /call"), named("ask the stock"), named("GET /orders/{id}"));
    for span in [call, ask, asked] {
        assert_eq!(value(span, "Trace ID"), TRACE, "{printed}");
    }
    // The client's span is above the request's, that above the app's own, and that above the one of the service called.
    assert_eq!(value(call, "Parent ID"), PARENT, "{printed}");
    assert_eq!(value(ask, "Parent ID"), value(call, "ID"), "{printed}");
    assert_eq!(value(asked, "Parent ID"), value(ask, "ID"), "{printed}");
    for (name, expected) in [
        ("Kind", "SPAN_KIND_SERVER"),
        ("http.request.method", "Str(GET)"),
        ("http.route", "Str(/call)"),
        ("http.response.status_code", "Int(200)"),
        ("server.address", "Str(127.0.0.1)"),
    ] {
        assert_eq!(value(call, name), expected, "{printed}");
    }

    let log = eventually(|| {
        let log = shop.process.stdout();
        if log.contains("the stock has answered") { Ok(log) } else { Err(log) }
    });
    let line = log.lines().find(|line| line.contains("the stock has answered")).expect("it is there");
    let line: serde_json::Value = serde_json::from_str(line).expect("an object");
    assert_eq!((line["trace_id"].as_str(), line["span_id"].as_str()), (Some(TRACE), Some(value(ask, "ID"))), "{log}");

    let openmetrics = shop.request("GET", "/metrics").header("accept", "application/openmetrics-text").send();
    assert!(openmetrics.text().contains(&format!("# {{trace_id=\"{TRACE}\"}}")), "{}", openmetrics.text());
}

#[test]
fn a_call_of_the_shop_arrives_by_http() {
    let rotel = Rotel::start("traces");
    assert_a_call_arrives(rotel.http, "http/protobuf", &rotel);
}

#[test]
fn a_call_of_the_shop_arrives_by_grpc() {
    let rotel = Rotel::start("traces");
    assert_a_call_arrives(rotel.grpc, "grpc", &rotel);
}
