//! What independent readers make of the shop's scrape.

use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::json;

use crate::shop;
use crate::support::client::Answer;
use crate::support::example::Server;
use crate::support::judges::{Format, Scrape, assert_promtool_has_no_complaint, parse_scrape};
use crate::support::process::eventually;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A shop in which something of everything has happened.
fn busy_shop() -> Server {
    let shop = shop();
    for password in ["open sesame", "guess"] {
        shop.request("POST", "/login").json(&json!({"email": "ada@example.org", "password": password})).send();
    }
    for card in ["visa", "declined"] {
        shop.request("POST", "/payments").json(&json!({"amount_cents": 1999, "card": card})).send();
    }
    shop.request("POST", "/subscriptions").send();
    for path in ["/orders/7", "/slow?ms=15", "/stream?chunks=3", "/fail", "/nowhere"] {
        shop.get(path);
    }
    shop
}

fn scrape(shop: &Server, accept: &str) -> Answer {
    let answer = shop.request("GET", "/metrics").header("accept", accept).send();
    assert_eq!(answer.status, 200);
    answer
}

/// Leaves out what moves by itself between two scrapes: CPU time, memory, the runtime's own figures, what is
/// written in the background.
fn at_rest(mut scrape: Scrape) -> Scrape {
    // What goes on by itself, between two scrapes as well.
    const MOVING: [&str; 8] = [
        "process_",
        "tokio_",
        "monitoring_",
        "watchkeeper_health_",
        "watchkeeper_queue_",
        "watchkeeper_rule_",
        "watchkeeper_task_",
        "watchkeeper_write_",
    ];
    let moves = |name: &str| MOVING.iter().any(|prefix| name.starts_with(prefix));
    scrape.families.retain(|name, _| !moves(name));
    scrape.samples.retain(|sample| !moves(&sample.name));
    for sample in &mut scrape.samples {
        // Only OpenMetrics has them.
        sample.exemplar = None;
    }
    scrape
}

#[test]
fn promtool_has_no_complaint_about_the_scrape() {
    let shop = busy_shop();

    let answer = scrape(&shop, "text/plain");

    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"), "{answer:?}");
    assert_promtool_has_no_complaint(answer.text());
}

#[test]
fn both_formats_say_the_same_to_a_parser_of_each() {
    let shop = busy_shop();

    let text = scrape(&shop, "text/plain");
    let openmetrics = scrape(&shop, OPENMETRICS);

    assert!(
        openmetrics.header("content-type").starts_with("application/openmetrics-text; version=1.0.0"),
        "{openmetrics:?}"
    );
    let text = at_rest(parse_scrape(Format::Text, text.text()));
    let openmetrics = at_rest(parse_scrape(Format::OpenMetrics, openmetrics.text()));
    let names = |scrape: &Scrape| scrape.families.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&text), names(&openmetrics));
    assert!(text.samples.len() > 100, "{} samples", text.samples.len());
    assert_eq!(text.samples, openmetrics.samples);
}

#[test]
fn a_scraper_that_takes_gzip_gets_it_and_reads_the_same() {
    let shop = busy_shop();

    let plain = shop.request("GET", "/metrics").header("accept-encoding", "identity").send();
    let packed = shop.request("GET", "/metrics").header("accept-encoding", "gzip").send();

    assert_eq!((plain.header("content-encoding"), packed.header("content-encoding")), ("", "gzip"));
    assert!(packed.body.len() < plain.body.len() / 2, "{} of {} bytes", packed.body.len(), plain.body.len());
    let mut unpacked = String::new();
    GzDecoder::new(packed.body.as_slice()).read_to_string(&mut unpacked).expect("gzip of a text");
    let read = |text| at_rest(parse_scrape(Format::Text, text));
    assert_eq!(read(&unpacked), read(plain.text()));
}

#[test]
fn logins_payments_and_errors_are_events_and_none_is_lost() {
    let shop = busy_shop();

    // Two logins, two payments, and the error of /fail.
    let lines = ["monitoring_events_total{event_type=\"log\"} 5\n", "watchkeeper_queue_bytes{sink=\"events\"} 0\n"];
    let text = eventually(|| {
        let text = scrape(&shop, "text/plain").text().to_owned();
        if lines.iter().all(|line| text.contains(line)) { Ok(text) } else { Err(text) }
    });

    let dropped = text.lines().filter(|line| line.starts_with("watchkeeper_dropped_total{sink=\"events\""));
    assert!(dropped.clone().count() > 0 && dropped.clone().all(|line| line.ends_with(" 0")), "{text}");
}
