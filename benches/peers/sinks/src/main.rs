//! What logs, error reports and traces cost a request beside their peers, and what they do to it when all of them hang:
//! `cargo run --release -p sinks -- cost|hung [--quick]`.
//!
//! `benches/README.md` says what each row and column is.

#[allow(dead_code, reason = "the other tables have more of it")]
#[path = "../../src/clock.rs"]
mod clock;
mod cost;
#[allow(dead_code, reason = "the other tables have more of it")]
#[path = "../../src/figures.rs"]
mod figures;
mod hung;
mod kin;
mod receiver;
mod requests;
mod rows;
mod server;
#[path = "../../src/table.rs"]
mod table;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let quick = words.iter().any(|word| word == "--quick");
    words.retain(|word| word != "--quick");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["cost"] => cost::print(quick),
        ["hung"] => hung::print(quick),
        // What the tables start, each row in a process of its own.
        ["count", row, count] => cost::send(row, count.parse().expect("a number")),
        ["drive", row] => cost::drive(row),
        ["serve", kind] => server::serve(kind),
        _ => {
            eprintln!("usage: sinks cost|hung [--quick]");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
