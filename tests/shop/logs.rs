//! What the shop writes to its log, read by jq, and how it refuses a log configuration that it does not understand.

use crate::support::example::{Server, example};
use crate::support::judges::jq;
use crate::support::process::{Process, eventually};
use crate::{shop, shop_with};

fn shop_with_json_logs() -> Server {
    shop_with(&[], &[("RUST_LOG_FORMAT", "json")])
}

/// Waits until the log has a line that contains a text, and gives back the whole log.
#[track_caller]
fn log_with(shop: &Server, text: &str) -> String {
    eventually(|| {
        let log = shop.process.stdout();
        // The last line may still be under way.
        let whole = log.rfind('\n').map_or("", |end| &log[..=end]);
        if whole.contains(text) { Ok(whole.to_owned()) } else { Err(format!("no {text} in\n{log}")) }
    })
}

#[test]
fn every_line_of_a_json_log_is_one_object_that_jq_reads() {
    let shop = shop_with_json_logs();
    shop.get("/fail");
    shop.get("/orders/7");
    let _ = shop.request("GET", "/panic").try_send();

    let log = log_with(&shop, "\"ERROR\"");

    let read = jq(".", &log);
    assert_eq!(read.len(), log.lines().count(), "{log}");
    for line in &read {
        for field in ["timestamp", "level", "target", "message"] {
            assert!(line[field].is_string(), "no {field} in {line}");
        }
    }
    // The errors, with the level that an alert would look for, in UTC to the millisecond.
    let errors = jq(r#"select(.level == "ERROR") | .timestamp"#, &log);
    assert!(!errors.is_empty(), "{log}");
    for timestamp in errors {
        let timestamp = timestamp.as_str().expect("text").as_bytes();
        assert_eq!((timestamp.len(), timestamp[10], timestamp[23]), (24, b'T', b'Z'), "{log}");
    }
}

#[test]
fn a_clients_request_id_is_in_the_answer_and_in_every_line_of_its_request() {
    let shop = shop_with_json_logs();
    shop.get("/orders/7");
    let before = log_with(&shop, "\n").lines().count();

    let answer = shop.request("GET", "/fail").header("x-request-id", "checkout-4711").send();

    assert_eq!(answer.header("x-request-id"), "checkout-4711");
    let log = log_with(&shop, "\"ERROR\"");
    let of_the_request: String = log.lines().skip(before).map(|line| format!("{line}\n")).collect();
    let ids = jq(".request_id", &of_the_request);
    assert!(!ids.is_empty(), "{log}");
    assert!(ids.iter().all(|id| id.as_str() == Some("checkout-4711")), "{of_the_request}");
}

#[test]
fn a_request_without_an_id_gets_one_of_its_own() {
    let shop = shop_with_json_logs();

    let first = shop.get("/fail");
    let second = shop.get("/fail");

    let (first, second) = (first.header("x-request-id"), second.header("x-request-id"));
    assert!(!first.is_empty() && first != second, "{first:?}, {second:?}");
    let log = log_with(&shop, second);
    for id in [first, second] {
        let errors = jq(&format!(r#"select(.level == "ERROR" and .request_id == "{id}")"#), &log);
        assert_eq!(errors.len(), 1, "{log}");
    }
}

#[test]
fn a_request_id_cannot_forge_a_line() {
    let shop = shop_with_json_logs();

    let answer = shop.request("GET", "/fail").header("x-request-id", "a\"b} {\"level\":\"ERROR\"").send();

    assert!(!answer.header("x-request-id").contains('"'), "{answer:?}");
    let log = log_with(&shop, answer.header("x-request-id"));
    assert_eq!(jq(".", &log).len(), log.lines().count(), "{log}");
}

#[test]
fn a_shop_that_is_told_to_close_writes_every_line_first() {
    let mut shop = shop_with_json_logs();
    for _ in 0..50 {
        shop.get("/fail");
    }

    shop.process.signal("TERM");

    assert!(shop.process.wait().success(), "{}", shop.process.stderr());
    let errors = jq(r#"select(.level == "ERROR")"#, &shop.process.stdout());
    assert_eq!(errors.len(), 50);
}

#[test]
fn a_panic_of_a_handler_is_an_error_with_the_id_of_its_request() {
    let shop = shop_with_json_logs();
    let _ = shop.request("GET", "/panic").header("x-request-id", "checkout-4712").try_send();

    let log = log_with(&shop, "\"ERROR\"");

    let panics = jq(r#"select(.target == "panic") | [.level, .message, .request_id]"#, &log);
    assert_eq!(panics, [serde_json::json!(["ERROR", "asked to panic", "checkout-4712"])]);
}

#[test]
fn a_scrape_shows_how_many_lines_wait_and_how_many_were_lost() {
    let shop = shop();

    let scrape = shop.get("/metrics").body;

    let scrape = String::from_utf8_lossy(&scrape);
    assert!(scrape.contains("watchkeeper_dropped_total{sink=\"logs\",reason=\"full\"} 0\n"), "{scrape}");
    assert!(scrape.contains("watchkeeper_queue_bytes{sink=\"logs\"} "), "{scrape}");
}

/// Starts the shop with a variable that it cannot understand, and gives back what it said before it ended.
#[track_caller]
fn refused(variable: &str, value: &str) -> String {
    let mut process = Process::start(example("shop").env(variable, value).env("LISTEN_ADDR", "127.0.0.1:0"));
    assert!(!process.wait().success(), "{}", process.stdout());
    process.stderr()
}

#[test]
fn a_filter_that_is_none_ends_the_shop_with_the_variable_and_what_it_takes() {
    let said = refused("RUST_LOG", "%%");

    assert!(said.contains("RUST_LOG") && said.contains("%%"), "{said}");
    assert!(["error", "warn", "info", "debug", "trace"].iter().all(|level| said.contains(level)), "{said}");
}

#[test]
fn a_format_that_is_none_ends_the_shop_with_the_variable_and_what_it_takes() {
    let said = refused("RUST_LOG_FORMAT", "xml");

    assert!(said.contains("RUST_LOG_FORMAT") && said.contains("xml") && said.contains("json"), "{said}");
}

#[test]
fn without_a_format_the_log_is_for_people() {
    let shop = shop();
    shop.get("/fail");

    let log = log_with(&shop, "ERROR");

    assert!(log.lines().all(|line| !line.starts_with('{')), "{log}");
}
