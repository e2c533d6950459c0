//! How the time of `path_pattern` grows with the path: `cargo bench --bench path_pattern`.
//!
//! For each kind of path and length it prints the smallest CPU time of many runs, and how often it is that of half the
//! length. Linux only, since the CPU time is read from `/proc`.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints figures")]

use std::hint::black_box;

use watchkeeper::http::path_pattern;

const RUNS: usize = 2_000;
const CALLS: usize = 10;

/// The CPU time of this thread so far, in nanoseconds.
fn cpu_time() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

fn smallest_time(path: &str) -> u64 {
    let run = |_| {
        let start = cpu_time();
        (0..CALLS).for_each(|_| drop(black_box(path_pattern(black_box(path)))));
        (cpu_time() - start) / CALLS as u64
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
