//! What a panic and an error cost the request they happen in, while the receiver of reports hangs.

use std::time::{Duration, Instant};

use crate::support::example::Server;
use crate::support::tracker::{Reply, Tracker};

const ROUNDS: usize = 150;

/// Sends a request, and says how long it took until there was an answer or the connection was closed.
fn time(shop: &Server, path: &str) -> Duration {
    let start = Instant::now();
    let _ = shop.request("GET", path).try_send();
    start.elapsed()
}

fn median(mut differences: Vec<f64>) -> f64 {
    differences.sort_by(f64::total_cmp);
    differences[differences.len() / 2]
}

/// The median of what is added, in milliseconds, by pairs of requests one right after the other.
fn added(reporting: &Server, silent: &Server, path: &str) -> f64 {
    for _ in 0..20 {
        time(reporting, path);
        time(silent, path);
    }
    let difference = |round: usize| {
        // Each goes first in every other pair.
        let (first, second) = if round.is_multiple_of(2) { (reporting, silent) } else { (silent, reporting) };
        let (first, second) = (time(first, path), time(second, path));
        let (on, off) = if round.is_multiple_of(2) { (first, second) } else { (second, first) };
        (on.as_secs_f64() - off.as_secs_f64()) * 1_000.0
    };
    median((0..ROUNDS).map(difference).collect())
}

#[test]
fn a_hung_receiver_costs_a_panic_and_an_error_less_than_two_milliseconds() {
    let tracker = Tracker::start(&[Reply::Hang]);
    let quiet = ("RUST_BACKTRACE", "0");
    let reporting = Server::start("shop", &[], &[("SENTRY_DSN", &tracker.dsn()), quiet]);
    let silent = Server::start("shop", &[], &[quiet]);
    for path in ["/panic", "/fail", "/orders/7"] {
        let added = added(&reporting, &silent, path);
        println!("GET {path}: {added:.3} ms more with a hung receiver of reports");
        assert!(added < 2.0, "GET {path}: {added} ms");
    }
    assert_eq!(tracker.bodies().len(), 1, "it hangs with the first");
}
