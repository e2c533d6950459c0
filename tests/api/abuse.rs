//! What is too large, too deep, too slow or not what it says it is: refused early, with the documented code.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use watchkeeper::api::monitoring::{ApiOptions, PREFIX};

use crate::app::{App, Caller, USER, unlimited};
use crate::server::Server;
use crate::support::lateness::Lateness;

const JSON: (&str, &str) = ("content-type", "application/json");

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).expect("memory");
    encoder.finish().expect("memory")
}

/// JSON of an event with this payload.
fn with_payload(payload: &str) -> String {
    format!(r#"{{"event_type":"log","source":"checkout","payload":{payload}}}"#)
}

#[tokio::test]
async fn what_is_no_json_or_ambiguous_is_400() {
    let app = App::new();
    let nested = |levels: usize| with_payload(&("{\"a\":".repeat(levels) + "1" + &"}".repeat(levels)));
    for (text, code, field) in [
        ("", "invalid_json", ""),
        ("{", "invalid_json", ""),
        ("\u{feff}{}", "invalid_json", ""),
        (r#"{"event_type":"log","source":"a","source":"b"}"#, "invalid_json", "source"),
        (r#"{"event_type":"log","source":"a","\u0073ource":"b"}"#, "invalid_json", "source"),
        (&with_payload(r#"{"a":{"b":1,"b":2}}"#), "invalid_json", "b"),
        (&nested(100), "invalid_json", ""),
        (&with_payload(&"[".repeat(100_000)), "invalid_json", ""),
        (&with_payload(r#"{"a":1e999}"#), "invalid_json", ""),
        (&with_payload(r#"{"a":"\ud800"}"#), "invalid_json", ""),
        (&with_payload(r#"{"a":"\u0000"}"#), "invalid_field", "payload"),
        ("[]", "invalid_field", ""),
        ("null", "invalid_field", ""),
        (r#"{"source":"a"}"#, "invalid_field", "event_type"),
        (r#"{"event_type":"LOG","source":"a"}"#, "invalid_field", "event_type"),
        (r#"{"event_type":7,"source":"a"}"#, "invalid_field", "event_type"),
        (r#"{"event_type":"log","source":["a"]}"#, "invalid_field", "source"),
        (r#"{"event_type":"log","source":""}"#, "invalid_field", "source"),
        (r#"{"event_type":"log","source":"a","tags":[]}"#, "invalid_field", "tags"),
        (r#"{"event_type":"log","source":"a","timestamp":1700000000}"#, "invalid_field", "timestamp"),
        (r#"{"event_type":"log","source":"a","created_by":"zoe"}"#, "invalid_field", "created_by"),
        (r#"{"event_type":"log","source":"a","id":"7"}"#, "invalid_field", "id"),
    ] {
        let answer = app.post_raw("/events", &[JSON], text.to_owned()).await;
        let shown = &text[..text.len().min(80)];
        assert_eq!(answer.error(), (400, code.into(), field.into()), "{shown}");
    }
    assert_eq!(app.post_raw("/events", &[JSON], vec![b'"', 0xff, b'"']).await.error().1, "invalid_json");
    assert_eq!(app.post_raw("/events", &[JSON], nested(25)).await.status, 201);
    let accepted = app.post_raw("/events", &[JSON], r#"{"event_type":"loud","source":"a"}"#).await.json();
    assert_eq!(accepted["error"]["message"], "accepted: log, metric, trace, alert");
    assert_eq!(app.get(Caller::User, "/events").await.data().as_array().expect("a list").len(), 1);
}

#[tokio::test]
async fn another_type_or_encoding_is_415() {
    let app = App::new();
    let text = with_payload("{}");
    for content in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=a",
        "text/json",
        "application/json; charset=utf-16",
        "application/x-ndjson",
        "",
    ] {
        let answer = app.post_raw("/events", &[("content-type", content)], text.clone()).await;
        assert_eq!(answer.error(), (415, "unsupported_media_type".into(), "content-type".into()), "{content}");
    }
    assert_eq!(app.post_raw("/events", &[], text.clone()).await.error().0, 415);
    for encoding in ["br", "zstd", "deflate", "compress", "gzip, gzip", "gzip, br", "x", ""] {
        let answer = app.post_raw("/events", &[JSON, ("content-encoding", encoding)], text.clone()).await;
        assert_eq!(answer.error(), (415, "unsupported_encoding".into(), "content-encoding".into()), "{encoding}");
    }
    let twice = [JSON, ("content-encoding", "gzip"), ("content-encoding", "gzip")];
    assert_eq!(app.post_raw("/events", &twice, gzip(&gzip(text.as_bytes()))).await.error().0, 415);
    for content in ["application/json", "Application/JSON; Charset=\"UTF-8\""] {
        assert_eq!(app.post_raw("/events", &[("content-type", content)], text.clone()).await.status, 201, "{content}");
    }
    let zipped = app.post_raw("/events", &[JSON, ("content-encoding", "GZIP")], gzip(text.as_bytes())).await;
    assert_eq!(zipped.status, 201);
}

#[tokio::test]
async fn what_is_too_large_as_it_is_or_decoded_is_413() {
    let app = App::new();
    let large = with_payload(&format!("{{\"a\":\"{}\"}}", "x".repeat(256 * 1024)));
    assert_eq!(app.post_raw("/events", &[JSON], large.clone()).await.error().0, 413);
    let zipped = [JSON, ("content-encoding", "gzip")];
    assert_eq!(app.post_raw("/events", &zipped, gzip(large.as_bytes())).await.error().1, "too_large");
    let bomb = gzip(&vec![b' '; 64 << 20]);
    assert!(bomb.len() * 1000 < 64 << 20, "a thousandfold bomb");
    for path in ["/events", "/events/bulk", "/metrics", "/metrics/bulk"] {
        assert_eq!(app.post_raw(path, &zipped, bomb.clone()).await.error().1, "too_large", "{path}");
    }
    assert_eq!(app.post_raw("/events", &zipped, gzip(&gzip(&bomb))).await.error().1, "invalid_json");
    // What fits the body and not an event is the field's fault.
    let over = with_payload(&format!("{{\"a\":\"{}\"}}", "x".repeat(20_000)));
    assert_eq!(app.post_raw("/events", &[JSON], over).await.error(), (400, "invalid_field".into(), "payload".into()));
}

#[tokio::test]
async fn too_many_requests_of_one_are_429_and_another_is_not_touched() {
    let mut options = unlimited();
    (options.requests_per_second, options.burst) = (1, 5);
    let app = App::with(watchkeeper::store::Memory::new(), options);
    let mut refused = None;
    for _ in 0..1000 {
        let answer = app.get(Caller::User, "/events").await;
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("a burst has an end");
    assert_eq!(refused.error().1, "too_many_requests");
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(app.get(Caller::Other, "/events").await.status, 200);
}

/// Opens a connection and sends the head of a request, and what there is of its body.
fn begin(server: &Server, headers: &str, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).expect("a connection");
    stream.set_read_timeout(Some(crate::support::process::PATIENCE)).expect("a socket");
    let head = format!(
        "POST {PREFIX}/events HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {USER}\r\n\
         content-type: application/json\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).expect("a request");
    stream
}

/// Reads what comes until the server closes, or an end of the answer's body is seen.
fn answer(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        text.extend_from_slice(&piece[..count]);
        if text.ends_with(b"}") {
            break;
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn a_body_that_says_it_is_too_large_is_refused_before_it_is_sent() {
    let server = Server::start(unlimited());
    for length in ["262145", "99999999999999999999", "18446744073709551615"] {
        let said = answer(begin(&server, &format!("content-length: {length}\r\n"), b""));
        // What is no length at all, the server refuses before the router sees it.
        let statuses = ["413", "400", "431"];
        assert!(statuses.iter().any(|status| said.starts_with(&format!("HTTP/1.1 {status} "))), "{length}: {said}");
    }
    let both = answer(begin(&server, "content-length: 2\r\ntransfer-encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"));
    assert!(both.starts_with("HTTP/1.1 400 "), "{both}");
}

#[test]
fn a_body_without_end_is_refused_at_its_limit_and_the_connection_is_closed() {
    let server = Server::start(unlimited());
    let mut stream = begin(&server, "transfer-encoding: chunked\r\n", b"");
    let chunk = [b"1000\r\n".as_slice(), &[b' '; 4096], b"\r\n"].concat();
    let mut sent = 0;
    // It cannot be sent for ever: the server stops reading and closes.
    while sent < 64 << 20 && stream.write_all(&chunk).is_ok() {
        sent += chunk.len();
    }
    assert!(sent < 64 << 20, "the server has taken {sent} bytes");
    // A client that stops there reads the refusal.
    let stream = begin(&server, "transfer-encoding: chunked\r\n", &chunk.repeat(65));
    let said = answer(stream);
    assert!(said.starts_with("HTTP/1.1 413 ") && said.contains("connection: close"), "{said}");
}

#[test]
fn a_body_that_stops_short_is_refused_when_its_time_is_over() {
    let mut options = unlimited();
    options.body_deadline = Duration::from_millis(300);
    let server = Server::start(options);
    for headers in ["content-length: 100\r\n", "transfer-encoding: chunked\r\n"] {
        let said = answer(begin(&server, headers, b""));
        assert!(said.starts_with("HTTP/1.1 408 ") && said.contains("\"request_timeout\""), "{said}");
    }
    let left = begin(&server, "content-length: 100\r\n", b"{");
    left.shutdown(Shutdown::Write).expect("a socket");
    let said = answer(left);
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 400 "), "{said}");
}

#[test]
fn healthy_requests_are_answered_beside_500_that_send_a_byte_a_second() {
    let lateness = Lateness::watch();
    let mut options: ApiOptions = unlimited();
    options.body_deadline = Duration::from_secs(60);
    options.deadline = Duration::from_secs(90);
    let server = Server::start(options);
    let mut slow: Vec<TcpStream> = (0..500).map(|_| begin(&server, "content-length: 1000\r\n", b"{")).collect();
    let body = json!({ "event_type": "log", "source": "checkout" });
    let mut times = Vec::new();
    let begun = Instant::now();
    let mut next = begun;
    while times.len() < 200 {
        if Instant::now() >= next {
            next += Duration::from_secs(1);
            slow.iter_mut().for_each(|stream| stream.write_all(b" ").expect("the slow ones are still read"));
        }
        let start = Instant::now();
        let created = server.request("POST", "/events").json(&body).send();
        assert_eq!(created.status, 201, "{}", created.text());
        times.push(start.elapsed());
        std::thread::sleep(Duration::from_millis(10));
    }
    times.sort_unstable();
    let (p99, end) = (times[197], lateness.end_of(Duration::from_millis(100)));
    println!("beside 500 slow bodies: p50 {:?}, p99 {p99:?}", times[100]);
    assert!(p99 <= end, "p99 is {p99:?}, with the machine late by {:?}", lateness.worst());
    let found: Value = server.get("/events?limit=1000").json();
    assert_eq!(found["data"].as_array().expect("a list").len(), 200);
}

#[tokio::test]
async fn a_query_that_is_too_long_is_414_and_one_that_is_repeated_400() {
    let app = App::new();
    let long = format!("/events?source={}", "a".repeat(9000));
    assert_eq!(app.get(Caller::User, &long).await.error().0, 414);
    let many = format!("/events?{}", "tag=a:b&".repeat(17));
    assert_eq!(app.get(Caller::User, &many).await.error(), (400, "invalid_parameter".into(), "tag".into()));
}
