//! What error reports cost beside their peers: `cargo run --release -p error-reports`.
//!
//! A request passes a router with one route and nothing is reported; its instructions are counted by valgrind over this
//! very program, as the difference of two runs, on the thread that serves. A panic is caught on its thread while the
//! receiver of reports accepts connections and never answers; it is timed.

use std::io;
use std::net::TcpListener;
use std::panic::catch_unwind;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::get;
use sentry::integrations::tower::{NewSentryLayer, SentryHttpLayer};
use sentry::{ClientOptions, Envelope, Transport, TransportFactory, TransportOptions};
use tower::{Service, ServiceBuilder};
use watchkeeper::{Telemetry, Watchkeeper, service_info};

const REQUESTS: [(&str, &str); 5] = [
    ("bare", "no layer"),
    ("ours-off", "**watchkeeper** with request id, no error reports"),
    ("ours", "**watchkeeper** with request id and error reports"),
    ("ours-crumb", "**watchkeeper** likewise, and the handler logs one line at `info`"),
    ("sentry-tower", "sentry-tower, both layers, no-op transport"),
];

const PANICS: [(&str, &str, u32); 3] =
    [("none", "no reports", 500), ("ours", "**watchkeeper**", 500), ("stock", "sentry's own panic integration", 5)];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [] => {
            requests_table();
            panics_table();
        }
        ["requests", row, count] => serve(row, count.parse().unwrap_or(1)),
        ["panics", row, count] => panic_often(row, count.parse().unwrap_or(1)),
        _ => {
            eprintln!("usage: error-reports [requests|panics ROW COUNT]");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn requests_table() {
    let bare = per_request("bare");
    println!("| request, nothing reported | instructions over no layer |\n|---|--:|");
    for (row, title) in REQUESTS {
        println!("| {title} | {} |", per_request(row) - bare);
    }
}

fn panics_table() {
    println!("\n| panic, the receiver hangs | median | 99 of 100 within |\n|---|--:|--:|");
    for (row, title, count) in PANICS {
        let program = std::env::current_exe().expect("the path of this program");
        let output = Command::new(program)
            .args(["panics", row, &count.to_string()])
            .env("RUST_BACKTRACE", "0")
            .output()
            .expect("it runs");
        println!("| {title} | {} |", String::from_utf8_lossy(&output.stdout).trim());
    }
}

/// Counts a row's instructions for one request: two runs of different length, so that starting cancels out.
fn per_request(row: &str) -> i64 {
    let (few, many) = (500, 2_500);
    (instructions(row, many) - instructions(row, few)) / i64::from(many - few)
}

fn instructions(row: &str, count: u32) -> i64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*error_reports::requests*"])
        .arg(std::env::current_exe().expect("the path of this program"))
        .args(["requests", row, &count.to_string()])
        .output()
        .expect("valgrind is needed: apt-get install valgrind");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "valgrind over {row}: {said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected : ")).map(|(_, count)| count.trim());
    collected.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("no count from valgrind:\n{said}"))
}

/// Serves so many requests by one row.
fn serve(row: &str, count: u32) {
    let quiet = || Router::new().route("/orders/{id}", get(async || "ok"));
    let logging = || {
        Router::new().route(
            "/orders/{id}",
            get(async || {
                tracing::info!(cents = 1999, "paid");
                "ok"
            }),
        )
    };
    let ours = |router: Router, dsn: Option<String>| {
        let mut builder = Telemetry::builder(service_info!()).filter("off").writer(io::sink());
        if let Some(dsn) = dsn {
            builder = builder.sentry_dsn(dsn);
        }
        let telemetry = builder.init().expect("the first set-up");
        let watch = Watchkeeper::builder(&telemetry).build().expect("a registry of its own");
        requests(router.layer(watch.http_layer()), count);
    };
    let nowhere = || Some("http://key@127.0.0.1:9/1".to_owned());
    match row {
        "bare" => requests(quiet(), count),
        "ours-off" => ours(quiet(), None),
        "ours" => ours(quiet(), nowhere()),
        "ours-crumb" => ours(logging(), nowhere()),
        "sentry-tower" => {
            let mut options = ClientOptions::new().transport(Nowhere).default_integrations(false);
            options.dsn = Some("http://key@127.0.0.1:9/1".parse().expect("a DSN"));
            let _guard = sentry::init(options);
            let layers =
                ServiceBuilder::new().layer(NewSentryLayer::<Request>::new_from_top()).layer(SentryHttpLayer::new());
            requests(quiet().layer(layers), count);
        }
        _ => panic!("no row {row}"),
    }
}

struct Nowhere;

impl Transport for Nowhere {
    fn send_envelope(&self, _: Envelope) {}
}

impl TransportFactory for Nowhere {
    fn create_transport_with_options(&self, _: TransportOptions) -> Arc<dyn Transport> {
        Arc::new(Self)
    }
}

#[inline(never)]
fn requests(router: Router, count: u32) {
    let mut router = router.with_state(());
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        for _ in 0..count {
            let request = Request::get("/orders/4711").body(Body::empty()).expect("a request");
            let _ = router.call(request).await;
        }
    });
}

/// Panics so often with one row's hook, and prints how long that takes the thread.
fn panic_often(row: &str, count: u32) {
    let hung = TcpListener::bind("127.0.0.1:0").expect("a port");
    let dsn = format!("http://key@{}/1", hung.local_addr().expect("bound"));
    // What the process prints is no part of it.
    std::panic::set_hook(Box::new(|_| {}));
    let (mut telemetry, mut guard) = (None, None);
    match row {
        "ours" => {
            let builder = Telemetry::builder(service_info!()).filter("off").writer(io::sink()).sentry_dsn(dsn);
            telemetry = Some(builder.init().expect("the first set-up"));
            // The first names are read when the process starts.
            std::thread::sleep(Duration::from_secs(1));
        }
        "stock" => guard = Some(sentry::init((dsn, ClientOptions::new()))),
        _ => {}
    }
    let mut times: Vec<Duration> = (0..count)
        .map(|_| {
            let start = Instant::now();
            let caught = catch_unwind(|| panic!("for the clock"));
            assert!(caught.is_err());
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    println!("{:?} | {:?}", times[times.len() / 2], times[times.len() * 99 / 100]);
    // Closing would wait for the receiver.
    std::mem::forget((telemetry, guard));
    std::process::exit(0);
}
