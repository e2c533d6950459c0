//! How the time of `path_pattern` grows with the path: `cargo bench --bench path_pattern`.
//!
//! For each kind of path and length it prints the smallest time of many runs, and how often it is that of half the
//! length. The smallest is the one that nothing else disturbed.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints figures")]

use std::hint::black_box;
use std::time::Instant;

use watchkeeper::http::path_pattern;

const RUNS: usize = 200;
const CALLS: usize = 5;

fn smallest_time(path: &str) -> u64 {
    let run = |_| {
        let start = Instant::now();
        (0..CALLS).for_each(|_| drop(black_box(path_pattern(black_box(path)))));
        start.elapsed().as_nanos() as u64 / CALLS as u64
    };
    (0..RUNS).map(run).min().unwrap()
}

fn main() {
    // Each is one segment or many, and reaches the last question that the pattern asks of it.
    let kinds =
        [("letters", "x"), ("digits", "4"), ("words", "a-"), ("segments", "/a"), ("percent", "%4"), ("at", "@a")];
    let mut worst: f64 = 0.0;
    for (kind, filler) in kinds {
        let mut half = None;
        for kib in [1_usize, 2, 4, 8, 16, 32, 64] {
            let path = format!("/{}", filler.repeat(kib * 1024 / filler.len()));
            let time = smallest_time(&path);
            let ratio = half.map(|half: u64| time as f64 / half as f64);
            worst = worst.max(ratio.unwrap_or_default());
            println!(
                "{kind:>9} {kib:>3} KiB {time:>8} ns {}",
                ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"))
            );
            half = Some(time);
        }
    }
    println!("twice the path takes at most {worst:.2} times as long");
}
