//! The table of the attack: paths and methods that nobody declared.

use std::process::Command;

use alloc_count::Count;

use crate::clock::busy;
use crate::drive::Row;
use crate::figures::{grouped, short};
use crate::peer::Peer;
use crate::table::Table;
use crate::{peer, text};

/// Attacks every row that has a scrape, each in a process of its own, and prints the table.
pub fn print(quick: bool) {
    let (paths, methods) = if quick { (2_000, 100) } else { (100_000, 1_000) };
    let about = format!(
        "{} requests to distinct paths that no route matches, then {} requests with distinct made-up methods; each row \
         in a process of its own. Series before the attack are not counted.",
        grouped(paths.into()),
        grouped(methods.into()),
    );
    let table = Table::begin(
        "Attack",
        &about,
        &[
            "layer",
            "paths: new lines",
            "paths: heap, KiB",
            "methods: new lines",
            "methods: heap, KiB",
            "scrape afterwards, ms",
            "scrape afterwards, KiB",
        ],
    );
    for peer in peer::all().into_iter().filter(|peer| peer.attacked) {
        let program = std::env::current_exe().expect("the path of this program");
        let output = Command::new(program)
            .args(["attack-one", peer.key, &paths.to_string(), &methods.to_string()])
            .output()
            .expect("this program");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the attack on {}: {}\n{said}", peer.title, output.status);
        let mut cells = vec![peer.title.to_owned()];
        cells.extend(String::from_utf8_lossy(&output.stdout).trim().split('\t').map(str::to_owned));
        table.row(&cells);
    }
}

/// Attacks one row in this process and prints its cells, apart by tabs.
pub fn one(peer: Peer, paths: u32, methods: u32) {
    let mut row = Row::new(peer);
    // The peer's first requests, so that what it always holds is not taken for the attack's.
    row.send(200);
    row.send_unmatched("/not-there");
    row.send_method("POST");
    let before = settled_lines(&row);
    let ((), by_paths) = Count::of(|| {
        (0..paths).for_each(|at| row.send_unmatched(&format!("/wp-admin/{at:x}/setup.php")));
        row.running.settle()();
    });
    let with_paths = settled_lines(&row);
    let ((), by_methods) = Count::of(|| {
        (0..methods).for_each(|at| row.send_method(&format!("BREW{at}")));
        row.running.settle()();
    });
    let with_methods = settled_lines(&row);
    let mut text = String::new();
    let took = busy(|| text = row.running.scrape()).as_secs_f64() * 1e3;
    row.assert_counted();
    let kib = |bytes: i64| grouped(bytes / 1024);
    let cells = [
        grouped(with_paths - before),
        kib(by_paths.live_bytes),
        grouped(with_methods - with_paths),
        kib(by_methods.live_bytes),
        short(took),
        kib(text.len() as i64),
    ];
    println!("{}", cells.join("\t"));
}

fn settled_lines(row: &Row) -> i64 {
    row.running.settle()();
    text::samples(&row.running.scrape()) as i64
}
