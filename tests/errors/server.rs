//! Servers that limit, refuse, fail, hang or never stop talking: obeyed, bounded in time, every report accounted for.

use std::time::{Duration, Instant};

use watchkeeper::presets::monitoring::{DropReason, Sink};

use crate::app::App;
use crate::support::process::eventually;
use crate::support::tracker::{OK, Reply, Tracker};

/// Reports so many errors, waits until each has been dealt with, and gives back how long that took.
#[track_caller]
fn report(app: &App, errors: u64) -> Duration {
    let start = Instant::now();
    app.run(|| (0..errors).for_each(|number| tracing::error!(number, "one of several")));
    eventually(|| match app.counts().queued() {
        0 => Ok(()),
        left => Err(format!("{left} are still waiting")),
    });
    start.elapsed()
}

/// Lets a server answer three reports, and demands what becomes of them and how often it was asked.
#[track_caller]
fn three(replies: &[Reply], stored: u64, dropped: Option<(DropReason, u64)>, requests: usize) {
    let tracker = Tracker::start(replies);
    let app = App::reporting_to(&tracker.dsn());
    let took = report(&app, 3);
    let counts = app.counts();
    assert_eq!((counts.accepted(), counts.stored()), (3, stored), "{counts:?}");
    assert_eq!(counts.dropped(), 3 - stored);
    if let Some((reason, number)) = dropped {
        assert_eq!(counts.dropped_for(reason), number, "{counts:?}");
    }
    assert_eq!(tracker.bodies().len(), requests);
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn a_429_without_a_word_stops_reports_for_a_minute() {
    three(&[Reply::Status(429, "")], 0, Some((DropReason::Refused, 3)), 1);
}

#[test]
fn a_429_that_says_how_long_is_kept_to_and_no_longer() {
    let tracker = Tracker::start(&[Reply::Status(429, "retry-after: 1\r\n"), OK]);
    let app = App::reporting_to(&tracker.dsn());
    report(&app, 2);
    assert_eq!((app.counts().dropped_for(DropReason::Refused), tracker.bodies().len()), (2, 1));
    std::thread::sleep(Duration::from_millis(1_100));
    report(&app, 1);
    assert_eq!((app.counts().stored(), tracker.bodies().len()), (1, 2));
}

#[test]
fn a_limit_on_errors_is_kept_to_even_where_the_report_was_taken() {
    let limit = "x-sentry-rate-limits: 60:error;transaction:organization\r\n";
    three(&[Reply::Status(200, limit)], 1, Some((DropReason::Refused, 2)), 1);
}

#[test]
fn a_limit_on_something_else_is_no_limit() {
    three(&[Reply::Status(200, "x-sentry-rate-limits: 60:transaction:project\r\n")], 3, None, 3);
}

#[test]
fn what_is_too_large_or_malformed_is_dropped_at_once() {
    three(&[Reply::Status(413, "")], 0, Some((DropReason::Invalid, 3)), 3);
    three(&[Reply::Status(400, "")], 0, Some((DropReason::Invalid, 3)), 3);
}

#[test]
fn a_wrong_key_fails_at_once() {
    three(&[Reply::Status(403, "")], 0, Some((DropReason::Failed, 3)), 3);
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Tracker::start(&[OK]);
    let location: &'static str = Box::leak(format!("location: {}\r\n", elsewhere.dsn()).into_boxed_str());
    three(&[Reply::Status(307, location)], 0, Some((DropReason::Failed, 3)), 3);
    assert_eq!(elsewhere.bodies().len(), 0);
}

#[test]
fn a_server_that_fails_is_asked_three_times() {
    three(&[Reply::Status(500, "")], 0, Some((DropReason::Failed, 3)), 9);
    three(&[Reply::Status(502, ""), Reply::Status(500, ""), OK], 3, None, 5);
}

#[test]
fn a_server_that_hangs_up_is_asked_again_until_it_answers() {
    three(&[Reply::Close, Reply::Close, OK], 3, None, 5);
}

#[test]
fn an_answer_without_end_is_cut() {
    // What it says after its head is nobody's concern, so the reports have arrived.
    three(&[Reply::Endless], 3, None, 3);
    three(&[Reply::Huge(8 * 1024 * 1024)], 3, None, 3);
}

#[test]
fn a_head_without_end_is_no_answer() {
    let tracker = Tracker::start(&[Reply::EndlessHead, OK]);
    let app = App::reporting_to(&tracker.dsn());
    report(&app, 1);
    assert_eq!((app.counts().stored(), tracker.bodies().len()), (1, 2));
}

#[test]
fn a_server_that_is_down_at_the_start_gets_the_reports_when_it_is_up() {
    let port = crate::support::process::free_port();
    let start = Instant::now();
    let app = App::reporting_to(&format!("http://key@127.0.0.1:{port}/1"));
    app.run(|| tracing::error!("early"));
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(app.counts().queued(), 1);
    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let up = Instant::now();
    let (mut stream, _) = listener.accept().unwrap();
    std::io::Write::write_all(&mut stream, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    eventually(|| if app.counts().stored() == 1 { Ok(()) } else { Err(format!("{:?}", app.counts())) });
    assert!(up.elapsed() < Duration::from_secs(5), "{:?}", up.elapsed());
}

#[test]
fn a_flood_of_errors_at_a_hung_server_is_bounded_and_counted_in_the_scrape() {
    let tracker = Tracker::start(&[Reply::Hang]);
    let app = App::reporting_to(&tracker.dsn());
    let text = "x".repeat(4_000);
    app.run(|| (0..3_000).for_each(|number| tracing::error!(number, "{text}")));
    let counts = app.counts();
    assert_eq!((counts.accepted(), counts.stored()), (3_000, 0));
    assert_eq!(counts.dropped_for(DropReason::Full) + counts.queued(), 3_000);
    assert!(counts.queued() > 100 && counts.queued_bytes() <= 4 * 1024 * 1024, "{counts:?}");
    let scrape = app.watch.registry().render(watchkeeper::metric::Format::Text);
    let line = format!(
        "watchkeeper_dropped_total{{sink=\"{}\",reason=\"full\"}} {}\n",
        Sink::Errors.as_str(),
        counts.dropped_for(DropReason::Full)
    );
    assert!(scrape.contains(&line), "no {line} in\n{scrape}");
    let closed = app.telemetry.close(Duration::from_millis(300));
    assert_eq!(closed.left(Sink::Errors), counts.queued());
    assert_eq!(app.counts().dropped(), 3_000);
}

#[tokio::test]
async fn a_tracker_that_is_down_degrades_the_service_and_no_more() {
    let app = App::reporting_to(&format!("http://key@127.0.0.1:{}/1", crate::support::process::free_port()));
    assert_eq!(app.watch.health().report().await.status.as_str(), "healthy");
    app.run(|| tracing::error!("to nobody"));
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let report = app.watch.health().report().await;
        if report.status.as_str() == "degraded" {
            assert_eq!(report.checks[0].name, "errors_sink");
            assert_eq!(report.checks[0].cause.as_deref(), Some("the error tracker does not answer"));
            break;
        }
        assert!(Instant::now() < deadline, "{report:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(app.watch.health().readiness().await.checks.is_empty());
}
