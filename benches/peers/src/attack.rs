//! The table of the attack: paths, methods and hosts that nobody declared.

use std::process::Command;

use alloc_count::Count;

use crate::clock::busy;
use crate::drive::Row;
use crate::figures::{grouped, short};
use crate::peer::Peer;
use crate::table::Table;
use crate::{peer, text};

/// How many requests of each kind a row is sent.
#[derive(Clone, Copy)]
struct Waves {
    paths: u32,
    methods: u32,
    hosts: u32,
}

impl Waves {
    /// Ours gets a million of each. The others keep each one for ever, so that so many would be the machine's test.
    fn for_row(peer: &Peer, quick: bool) -> Self {
        match (peer.key.starts_with("ours"), quick) {
            (true, false) => Self { paths: 1_000_000, methods: 1_000_000, hosts: 1_000_000 },
            (false, false) => Self { paths: 100_000, methods: 1_000, hosts: 1_000 },
            (_, true) => Self { paths: 2_000, methods: 100, hosts: 100 },
        }
    }
}

/// Attacks every row that has a scrape, each in a process of its own, and prints the table.
pub fn print(quick: bool) {
    let table = Table::begin(
        "Attack",
        "Requests to distinct paths that no route matches, then with distinct made-up methods, then for distinct hosts; \
         each row in a process of its own. Every request sent was counted, in all series together. Series before the \
         attack are not counted.",
        &[
            "layer",
            "paths / methods / hosts",
            "paths: new lines",
            "paths: heap, KiB",
            "methods: new lines",
            "methods: heap, KiB",
            "hosts: new lines",
            "hosts: heap, KiB",
            "resident memory, KiB more",
            "scrape afterwards, ms",
            "scrape afterwards, KiB",
        ],
    );
    for peer in peer::attacked() {
        let Waves { paths, methods, hosts } = Waves::for_row(&peer, quick);
        let program = std::env::current_exe().expect("the path of this program");
        let output = Command::new(program)
            .args(["attack-one", peer.key, &paths.to_string(), &methods.to_string(), &hosts.to_string()])
            .output()
            .expect("this program");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the attack on {}: {}\n{said}", peer.title, output.status);
        let sent = [paths, methods, hosts].map(|count| grouped(count.into())).join(" / ");
        let mut cells = vec![peer.title.to_owned(), sent];
        cells.extend(String::from_utf8_lossy(&output.stdout).trim().split('\t').map(str::to_owned));
        table.row(&cells);
    }
}

/// Attacks one row in this process and prints its cells, apart by tabs.
pub fn one(peer: Peer, paths: u32, methods: u32, hosts: u32) {
    let mut row = Row::new(peer);
    // The peer's first requests, so that what it always holds is not taken for the attack's.
    row.send(200);
    row.send_unmatched("/not-there");
    row.send_method("POST");
    row.send_host("shop.example");
    let mut lines = settled_lines(&row);
    let resident_before = resident_kib();
    let mut cells = Vec::new();
    let mut wave = |row: &mut Row, count: u32, send: fn(&mut Row, u32)| {
        let ((), held) = Count::of(|| {
            (0..count).for_each(|at| send(row, at));
            row.running.settle()();
        });
        let now = settled_lines(row);
        cells.extend([grouped(now - lines), grouped(held.live_bytes / 1024)]);
        lines = now;
    };
    wave(&mut row, paths, |row, at| row.send_unmatched(&format!("/wp-admin/{at:x}/setup.php")));
    wave(&mut row, methods, |row, at| row.send_method(&format!("BREW{at}")));
    wave(&mut row, hosts, |row, at| row.send_host(&format!("shop-{at:x}.example")));
    cells.push(match (resident_before, resident_kib()) {
        (Some(before), Some(after)) => grouped(after - before),
        _ => "n/a".to_owned(),
    });
    let mut text = String::new();
    let took = busy(|| text = row.running.scrape()).as_secs_f64() * 1e3;
    row.assert_counted();
    cells.extend([short(took), grouped(text.len() as i64 / 1024)]);
    println!("{}", cells.join("\t"));
}

fn settled_lines(row: &Row) -> i64 {
    row.running.settle()();
    text::samples(&row.running.scrape()) as i64
}

/// What this process holds in memory; none where there is no `/proc`.
fn resident_kib() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}
