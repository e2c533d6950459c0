//! What a log line costs beside its peers, in instructions: `cargo run --release -p log-lines`.
//!
//! A line is a new span with three fields and, within it, an event with four and a message: a request id, a trace id,
//! numbers, a text with a line break, and a field that is to be masked. It is counted by valgrind over this very
//! program, as the difference of two runs, on the thread that logs and on all threads together. It fails where a JSON
//! line of ours costs more than 8,000 on the thread that logs.

use std::io;
use std::process::{Command, ExitCode};

use tracing::{Dispatch, dispatcher, info, info_span};
use tracing_subscriber::prelude::*;
use watchkeeper::telemetry::LogFormat;
use watchkeeper::{Telemetry, service_info};

const ROWS: [(&str, &str); 6] = [
    ("json", "**watchkeeper** `json`"),
    ("ecs", "**watchkeeper** `ecs`"),
    ("human", "**watchkeeper** `human`"),
    ("subscriber", "tracing-subscriber `.json()`"),
    ("flattened", "tracing-subscriber `.json().flatten_event(true)`"),
    ("json-subscriber", "json-subscriber"),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match &words[..] {
        [] => table(),
        [row, count] => {
            log(row, count.parse().unwrap_or(1));
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("usage: log-lines [ROW COUNT]");
            ExitCode::FAILURE
        }
    }
}

/// The most that one of our JSON lines may cost, on the thread that logs.
const MARK: u64 = 8_000;

fn table() -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    println!("| log line with one new span (3 span and 4 event fields) | instructions | all threads |\n|---|--:|--:|");
    for (row, title) in ROWS {
        let own = per_line(row, true);
        println!("| {title} | {own} | {} |", per_line(row, false));
        if ["json", "ecs"].contains(&row) && own > MARK {
            eprintln!("{title} costs more than {MARK} instructions a line");
            code = ExitCode::FAILURE;
        }
    }
    code
}

/// Counts a row's instructions for one line: two runs of different length, so that starting cancels out.
fn per_line(row: &str, own_thread: bool) -> u64 {
    let (few, many) = (500, 2_500);
    (instructions(row, many, own_thread) - instructions(row, few, own_thread)) / u64::from(many - few)
}

fn instructions(row: &str, count: u32, own_thread: bool) -> u64 {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    if own_thread {
        valgrind.arg("--toggle-collect=*log_lines::lines*");
    }
    let output =
        valgrind.arg(std::env::current_exe().expect("the path of this program")).args([row, &count.to_string()]);
    let output = output.output().expect("valgrind is needed: apt-get install valgrind");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "valgrind over {row}: {said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected : ")).map(|(_, count)| count.trim());
    collected.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("no count from valgrind:\n{said}"))
}

/// Logs so many lines by one row.
fn log(row: &str, count: u32) {
    let ours = |format| {
        let telemetry = Telemetry::builder(service_info!()).filter("info").format(format).writer(io::sink());
        let telemetry = telemetry.init().expect("the first set-up");
        lines(count);
        assert!(telemetry.close(std::time::Duration::from_secs(60)).is_complete());
    };
    let peer = |dispatch: Dispatch| dispatcher::with_default(&dispatch, || lines(count));
    let registry = tracing_subscriber::registry();
    let fmt = tracing_subscriber::fmt::layer().json().with_file(true).with_line_number(true);
    match row {
        "json" => ours(LogFormat::Json),
        "ecs" => ours(LogFormat::Ecs),
        "human" => ours(LogFormat::Human),
        "subscriber" => peer(Dispatch::new(registry.with(fmt.with_writer(io::sink)))),
        "flattened" => peer(Dispatch::new(registry.with(fmt.flatten_event(true).with_writer(io::sink)))),
        "json-subscriber" => {
            let layer = json_subscriber::layer().with_file(true).with_line_number(true).with_writer(io::sink);
            peer(Dispatch::new(registry.with(layer)));
        }
        _ => panic!("no row {row}"),
    }
}

#[inline(never)]
fn lines(count: u32) {
    for number in 0..count {
        let _span = info_span!(
            "request",
            request_id = "0193570e-7c2a-7e1b-9d3f-2f6a1c4b8e90",
            trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
            user_id = 4711,
        )
        .entered();
        info!(cents = number, token = "hunter2", note = "two\nlines", paid = true, "order {number} paid");
    }
}
