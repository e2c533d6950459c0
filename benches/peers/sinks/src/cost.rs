//! The table of costs: what a request takes longer on the thread that serves it, with each sink on, beside the peers.

use std::io::BufRead;
use std::process::Command;

use crate::clock::busy;
use crate::figures::{Figure, grouped};
use crate::kin::{Kin, program};
use crate::requests::{requests, router};
use crate::rows::{NO_OP, ROWS, Row};
use crate::table::Table;

/// Measures every row and prints the table.
pub fn print(quick: bool) {
    let (rounds, count) = if quick { (5, 200) } else { (200, 2_000) };
    let mut rows = ROWS.map(|(name, _)| Kin::start(&["drive", name]));
    // Each once unwatched, to warm up.
    for row in &mut rows {
        row.ask(count);
    }
    let mut took = ROWS.map(|_| Vec::with_capacity(rounds));
    // In turns, so that whatever disturbs the machine disturbs all rows; each round begins with another.
    for round in 0..rounds {
        for at in (0..ROWS.len()).map(|at| (at + round) % ROWS.len()) {
            took[at].push(rows[at].ask(count) / f64::from(count));
        }
    }
    drop(rows);
    let no_op = per_request(ROWS[NO_OP].0, quick);
    let about = format!(
        "A router with one route whose handler logs one line at `info`, driven without sockets; the no-op layer takes \
         {:.0} ns. Every row is what it adds to that on the thread that serves: the median of {rounds} rounds in turns \
         of {count} requests (quartiles in brackets), each row in a process of its own.",
        Figure::of(took[NO_OP].clone()).median,
    );
    let table = Table::begin("Sinks", &about, &["request", "over no-op, ns", "instructions over no-op"]);
    for ((name, title), took_row) in ROWS.iter().zip(&took) {
        let over = Figure::of_differences(took_row, &took[NO_OP]).to_string();
        table.row(&[(*title).to_owned(), over, grouped(per_request(name, quick) - no_op)]);
    }
}

/// Sends as many requests as each line on standard input says, and prints how many nanoseconds this thread worked.
pub fn drive(name: &str) {
    let mut row = Row::start(name, router());
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let count = line.parse().expect("a number");
        println!("{}", busy(|| requests(&mut row.router, count)).as_nanos());
    }
    // Closing is no part of a request.
    std::process::exit(0);
}

/// Sends so many requests; what is run under valgrind.
pub fn send(name: &str, count: u32) {
    requests(&mut Row::start(name, router()).router, count);
    std::process::exit(0);
}

/// Counts a row's instructions for one request: two runs of different length, so that starting cancels out.
fn per_request(name: &str, quick: bool) -> i64 {
    let (few, many) = if quick { (100, 300) } else { (500, 4_500) };
    (instructions(name, many) - instructions(name, few)) / i64::from(many - few)
}

fn instructions(name: &str, count: u32) -> i64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=sinks::requests::requests"])
        .arg(program().get_program())
        .args(["count", name, &count.to_string()])
        .output()
        .expect("valgrind is needed: apt-get install valgrind");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "valgrind over {name}: {said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected : ")).map(|(_, count)| count.trim());
    let collected: Option<i64> = collected.and_then(|count| count.parse().ok());
    collected.filter(|count| *count > 0).unwrap_or_else(|| panic!("no count from valgrind:\n{said}"))
}
