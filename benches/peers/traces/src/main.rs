//! What a traced request costs beside its peers, in instructions: `cargo run --release -p traces`.
//!
//! A request passes a router with one route, whose handler opens one span of its own and logs nothing. It is counted by
//! valgrind over this very program, as the difference of two runs, on the thread that serves; nothing is listening where
//! spans are sent.

use std::io;
use std::process::{Command, ExitCode};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::get;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter};
use tower::Service;
use tower_http::trace::{DefaultMakeSpan, TraceLayer};
use tracing::{Level, dispatcher};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;
use watchkeeper::{Telemetry, Watchkeeper, service_info};

/// The rows: what each is, and which one is the same without traces.
const ROWS: [(&str, &str, &str); 9] = [
    ("trace-layer", "tower-http 0.7 `TraceLayer`, nothing exported", "trace-layer"),
    ("otel-none", "`TraceLayer` and tracing-opentelemetry 0.34, the request not sampled", "trace-layer"),
    ("otel-tenth", "`TraceLayer` and tracing-opentelemetry 0.34, a tenth sampled", "trace-layer"),
    ("otel-all", "`TraceLayer` and tracing-opentelemetry 0.34, all sampled", "trace-layer"),
    ("ours-id", "**watchkeeper** with metrics, request id and trace id, nobody subscribes", "ours-id"),
    ("ours-off", "**watchkeeper** with logs as well", "ours-off"),
    ("ours-none", "**watchkeeper** with traces, the request not sampled", "ours-off"),
    ("ours-tenth", "**watchkeeper** with traces, a tenth sampled, the default", "ours-off"),
    ("ours-all", "**watchkeeper** with traces, all sampled", "ours-off"),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match &words[..] {
        [] => table(),
        [row, count] => serve(row, count.parse().unwrap_or(1)),
        _ => {
            eprintln!("usage: traces [ROW COUNT]");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn table() {
    let bare = per_request("bare");
    let took = ROWS.map(|(row, _, _)| (row, per_request(row) - bare));
    let of = |wanted: &str| took.iter().find(|(row, _)| *row == wanted).map_or(0, |(_, took)| *took);
    println!(
        "| request, its handler opens one span | instructions over no layer | of these for traces |\n|---|--:|--:|"
    );
    for (row, title, without) in ROWS {
        println!("| {title} | {} | {} |", of(row), of(row) - of(without));
    }
}

/// Counts a row's instructions for one request: two runs of different length, so that starting cancels out.
fn per_request(row: &str) -> i64 {
    let (few, many) = (500, 4_500);
    (instructions(row, many) - instructions(row, few)) / i64::from(many - few)
}

fn instructions(row: &str, count: u32) -> i64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=traces::requests"])
        .arg(std::env::current_exe().expect("the path of this program"))
        .args([row, &count.to_string()])
        .output()
        .expect("valgrind is needed: apt-get install valgrind");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "valgrind over {row}: {said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected : ")).map(|(_, count)| count.trim());
    collected.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("no count from valgrind:\n{said}"))
}

/// Serves so many requests by one row.
fn serve(row: &str, count: u32) {
    match row {
        "bare" => requests(router(), count),
        "trace-layer" => peer(None, count),
        "ours-id" => {
            let watch = Watchkeeper::builder(service_info!()).build().expect("a registry of its own");
            requests(router().layer(watch.http_layer()), count);
        }
        "ours-off" => ours(&[], count),
        "ours-none" => ours(&[("OTEL_TRACES_SAMPLER", "always_off")], count),
        "ours-tenth" => ours(&[("OTEL_TRACES_SAMPLER_ARG", "0.1")], count),
        "ours-all" => ours(&[("OTEL_TRACES_SAMPLER", "always_on")], count),
        "otel-none" => peer(Some(0.0), count),
        "otel-tenth" => peer(Some(0.1), count),
        "otel-all" => peer(Some(1.0), count),
        _ => panic!("no row {row}"),
    }
}

fn router() -> Router {
    Router::new().route(
        "/orders/{id}",
        get(async || {
            let _span = tracing::info_span!("find the order", number = 4711).entered();
            "ok"
        }),
    )
}

fn ours(variables: &[(&str, &str)], count: u32) {
    let nowhere = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    // A queue that takes them all, so that every span pays for being queued.
    let queue = ("OTEL_BSP_MAX_QUEUE_SIZE", "100000");
    let all = [nowhere, queue].into_iter().chain(variables.iter().copied());
    let environment = if variables.is_empty() { [("RUST_LOG", "info")].into_iter().collect() } else { all.collect() };
    let telemetry = Telemetry::builder(service_info!()).environment(environment).writer(io::sink());
    let telemetry = telemetry.init().expect("the first set-up");
    let watch = Watchkeeper::builder(&telemetry).build().expect("a registry of its own");
    requests(router().layer(watch.http_layer()), count);
    let _ = telemetry.close(Duration::from_millis(100));
}

/// What the documentation of both crates shows, at the level at which spans are exported.
fn peer(ratio: Option<f64>, count: u32) {
    let app = router().layer(TraceLayer::new_for_http().make_span_with(DefaultMakeSpan::new().level(Level::INFO)));
    let registry = tracing_subscriber::registry().with(LevelFilter::INFO);
    let Some(ratio) = ratio else {
        return dispatcher::with_default(&registry.into(), || requests(app, count));
    };
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio)));
    let provider = SdkTracerProvider::builder().with_sampler(sampler).with_batch_exporter(Nowhere).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("traces"));
    dispatcher::with_default(&registry.with(layer).into(), || requests(app, count));
}

#[derive(Debug)]
struct Nowhere;

impl SpanExporter for Nowhere {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        Ok(())
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
