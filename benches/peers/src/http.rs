//! The table of the HTTP layer: what a request costs more with each row's layer than with one that does nothing.

use std::time::Duration;

use alloc_count::Count;

use crate::drive::{Row, SecondThread};
use crate::figures::{Figure, grouped};
use crate::instructions::Instructions;
use crate::peer;
use crate::table::Table;

/// The places of the rows that the others are measured against, in [`peer::all`].
const BARE: usize = 0;
const NO_OP: usize = 1;
const IDEAL: usize = 2;

/// How often two threads are tried side by side in one round.
const ATTEMPTS: usize = 20;

struct Effort {
    rounds: usize,
    requests: u32,
    rounds_of_two: usize,
    requests_of_two: u32,
}

/// What the rows' requests took, in nanoseconds, by row and round.
struct Timings {
    requests: Vec<Vec<f64>>,
    deferred: Vec<Vec<f64>>,
    /// What a second thread added; nothing where the machine had no two cores to spare.
    second_thread: Vec<Vec<Option<f64>>>,
    allocations: Vec<f64>,
}

/// Measures every row and prints the table.
pub fn print(quick: bool) {
    let effort = if quick {
        Effort { rounds: 5, requests: 200, rounds_of_two: 3, requests_of_two: 500 }
    } else {
        Effort { rounds: 400, requests: 2_000, rounds_of_two: 100, requests_of_two: 1_000 }
    };
    let mut rows: Vec<Row> = peer::all().into_iter().map(Row::new).collect();
    let timings = measure(&mut rows, &effort);
    for row in &rows {
        row.assert_counted();
    }
    let instructions: Vec<Instructions> =
        rows.iter().map(|row| Instructions::per_request(row.peer.key, quick)).collect();
    show(&rows, &timings, &instructions, &effort);
}

fn measure(rows: &mut [Row], effort: &Effort) -> Timings {
    let second = SecondThread::start();
    let mut timings = Timings {
        requests: vec![Vec::new(); rows.len()],
        deferred: vec![Vec::new(); rows.len()],
        second_thread: vec![Vec::new(); rows.len()],
        allocations: Vec::new(),
    };
    let each = |took: Duration, requests: u32| took.as_nanos() as f64 / f64::from(requests);
    for row in &mut *rows {
        row.send(effort.requests);
        row.send_from_two_threads(effort.requests, &second);
    }
    // Interleaved, so that whatever disturbs the machine disturbs all rows; each round starts with another row, so that
    // none always follows the same one.
    for round in 0..effort.rounds {
        for at in turns(round, rows.len()) {
            let (took, deferred) = rows[at].send(effort.requests);
            timings.requests[at].push(each(took, effort.requests));
            timings.deferred[at].push(each(deferred, effort.requests));
        }
    }
    for round in 0..effort.rounds_of_two {
        for at in turns(round, rows.len()) {
            let requests = effort.requests_of_two;
            let one = rows[at].send_to_one_route(requests);
            // On a busy machine most attempts fail.
            let two = (0..ATTEMPTS).find_map(|_| rows[at].send_from_two_threads(requests, &second));
            timings.second_thread[at].push(two.map(|two| each(two, requests) - each(one, requests)));
        }
    }
    for row in &mut *rows {
        let (_, count) = Count::of(|| row.send(effort.requests));
        timings.allocations.push(count.calls as f64 / f64::from(effort.requests));
    }
    timings
}

/// What a second thread adds over what it adds to the no-op layer.
fn second_thread(row: &[Option<f64>], no_op: &[Option<f64>]) -> String {
    let (row, no_op): (Vec<f64>, Vec<f64>) =
        row.iter().zip(no_op).filter_map(|(row, no_op)| (*row).zip(*no_op)).unzip();
    if row.is_empty() { "n/a (machine busy)".to_owned() } else { Figure::of_differences(&row, &no_op).to_string() }
}

/// The rows' places, each round beginning with another.
fn turns(round: usize, rows: usize) -> impl Iterator<Item = usize> {
    (0..rows).map(move |at| (at + round) % rows)
}

fn show(rows: &[Row], timings: &Timings, instructions: &[Instructions], effort: &Effort) {
    let no_op = &timings.requests[NO_OP];
    let over_no_op: Vec<Figure> =
        timings.requests.iter().map(|requests| Figure::of_differences(requests, no_op)).collect();
    let ours = rows.iter().position(|row| row.peer.key == "ours");
    let bare = Figure::of(timings.requests[BARE].clone()).median;
    let layer = Figure::of_differences(no_op, &timings.requests[BARE]).median;
    let about = format!(
        "A router of 20 routes, driven without sockets: bare {bare:.0} ns, {}, {:.0} allocations a request; a layer that \
         does nothing adds {layer:.0} ns, {}, {:.0} allocations. Every row is what it adds to that: the median of {} \
         interleaved rounds of {} requests (quartiles in brackets); two threads: {} rounds.",
        instructions[BARE],
        timings.allocations[BARE],
        instructions[NO_OP].over(instructions[BARE]),
        timings.allocations[NO_OP] - timings.allocations[BARE],
        effort.rounds,
        effort.requests,
        effort.rounds_of_two,
    );
    let table = Table::begin(
        "HTTP layer",
        &about,
        &[
            "layer",
            "over no-op, ns",
            "deferred, ns",
            "of the ideal",
            "of ours",
            "instructions over no-op",
            "allocations over no-op",
            "two threads on one route, extra ns",
        ],
    );
    for (at, row) in rows.iter().enumerate() {
        let ratio_to = |base: Option<usize>| match base {
            Some(base) if at > NO_OP => format!("{:.2}", over_no_op[at].median / over_no_op[base].median),
            _ => String::new(),
        };
        let deferred = if row.running.defers() {
            format!("{:.0}", Figure::of(timings.deferred[at].clone()).median)
        } else {
            "0".to_owned()
        };
        let allocations = timings.allocations[at] - timings.allocations[NO_OP];
        table.row(&[
            row.peer.title.to_owned(),
            over_no_op[at].to_string(),
            deferred,
            ratio_to(Some(IDEAL)),
            ratio_to(ours),
            instructions[at].over(instructions[NO_OP]).count(),
            if allocations.fract().abs() < 0.05 {
                grouped(allocations.round() as i64)
            } else {
                format!("{allocations:.2}")
            },
            second_thread(&timings.second_thread[at], &timings.second_thread[NO_OP]),
        ]);
    }
}
