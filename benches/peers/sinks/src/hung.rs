//! What a request takes at the 99th percentile with the log's reader, the error tracker and the receiver of traces all
//! hung, beside the same server with sinks that work, and with none.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Stdio};
use std::thread;
use std::time::Instant;

use crate::figures::{Figure, median_with_interval};
use crate::kin::program;
use crate::receiver::Receiver;
use crate::requests::PATH;
use crate::table::Table;

const ROWS: [(&str, &str); 4] = [
    ("bare", "bare router, no layer"),
    ("absent", "**watchkeeper**, no sink"),
    ("healthy", "**watchkeeper**, all three sinks work"),
    ("hung", "**watchkeeper**, all three sinks hang"),
];

/// Measures every server and prints the table.
pub fn print(quick: bool) {
    let (warm_up, rounds, count) = if quick { (1_000, 5, 200) } else { (80_000, 200, 1_000) };
    let mut servers = ROWS.map(|(kind, _)| Server::start(kind));
    // Until the queues before what hangs are full.
    servers.iter_mut().for_each(|server| drop(server.time(warm_up)));
    let mut runs: [Vec<(f64, f64)>; ROWS.len()] = ROWS.map(|_| Vec::with_capacity(rounds));
    for round in 0..rounds {
        for at in (0..ROWS.len()).map(|at| (at + round) % ROWS.len()) {
            let mut times = servers[at].time(count);
            times.sort_by(f64::total_cmp);
            runs[at].push((times[count / 2], times[count * 99 / 100]));
        }
    }
    let p99 = |at: usize| runs[at].iter().map(|(_, p99)| *p99).collect::<Vec<f64>>();
    let p50 = |at: usize| runs[at].iter().map(|(p50, _)| *p50).collect::<Vec<f64>>();
    let about = format!(
        "Servers of one thread in processes of their own, asked by one client over one connection each, in turns: \
         {rounds} rounds of {count} requests after {warm_up}. Of a round the median and the 99th percentile are taken; \
         shown is the median of the rounds (quartiles in brackets), and of the differences within a round with the \
         interval that holds the true median in 19 of 20 cases."
    );
    let columns = ["server", "p50, µs", "p99, µs", "p99 over bare, µs"];
    let table = Table::begin("With all sinks hung", &about, &columns);
    for (at, (_, title)) in ROWS.iter().enumerate() {
        let [middle, upper] = [p50(at), p99(at)].map(short);
        table.row(&[(*title).to_owned(), middle, upper, difference(&p99(at), &p99(0)).0]);
    }
    drop(table);
    let [absent, healthy, hung] = [1, 2, 3];
    for (with, what) in [(healthy, "sinks that work"), (absent, "no sink")] {
        for (percentile, of) in [("p99", &p99 as &dyn Fn(usize) -> Vec<f64>), ("p50", &p50)] {
            let (figure, verdict) = difference(&of(hung), &of(with));
            println!("Hung less {what}, {percentile}: {figure} µs: {verdict}.\n");
        }
    }
    println!("Lost while all hung: {}.", servers[hung].lost().join(", "));
}

/// The median of the differences with its interval, and what that means.
fn difference(figures: &[f64], base: &[f64]) -> (String, &'static str) {
    let differences = figures.iter().zip(base).map(|(figure, base)| figure - base).collect();
    let (median, low, high) = median_with_interval(differences);
    let verdict = match (low <= 0.0, high >= 0.0) {
        (true, true) => "within the noise",
        (true, false) => "quicker",
        (false, _) => "slower",
    };
    (format!("{median:.2} ({low:.2} … {high:.2})"), verdict)
}

fn short(figures: Vec<f64>) -> String {
    let Figure { median, lower, upper } = Figure::of(figures);
    format!("{median:.1} ({lower:.1} … {upper:.1})")
}

/// A server in a process of its own, with one connection to it.
struct Server {
    process: Child,
    connection: TcpStream,
    /// The log that nobody reads.
    _unread: Option<ChildStdout>,
}

impl Server {
    fn start(kind: &str) -> Self {
        let mut command = program();
        command.args(["serve", kind]).stdout(Stdio::piped()).stderr(Stdio::piped()).env("RUST_LOG_FORMAT", "json");
        let receiver = match kind {
            "healthy" => Some(Receiver::Takes),
            "hung" => Some(Receiver::Hangs),
            _ => None,
        };
        command.env("RUST_LOG", if receiver.is_some() { "info" } else { "off" });
        if let Some(receiver) = receiver {
            command.env("SENTRY_DSN", format!("http://key@{}/1", receiver.start()));
            command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", receiver.start()));
        }
        let mut process = command.spawn().expect("it starts");
        let mut errors = BufReader::new(process.stderr.take().expect("a pipe"));
        let mut port = String::new();
        errors.read_line(&mut port).expect("a port");
        // What it says later is no part of this, and nobody is to wait for it.
        thread::spawn(move || io::copy(&mut errors, &mut io::sink()));
        let mut log = process.stdout.take();
        if kind != "hung" {
            let mut log = log.take().expect("a pipe");
            thread::spawn(move || io::copy(&mut log, &mut io::sink()));
        }
        let port: u16 = port.trim().parse().unwrap_or_else(|_| panic!("no port but {port}"));
        let connection = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        connection.set_nodelay(true).expect("a connection");
        Self { process, connection, _unread: log }
    }

    /// Sends so many requests one after the other, and gives the microseconds that each took.
    fn time(&mut self, count: usize) -> Vec<f64> {
        let request = format!("GET {PATH} HTTP/1.1\r\nhost: shop.example\r\naccept: */*\r\n\r\n");
        let mut buffer = [0; 4096];
        let mut time = || {
            let start = Instant::now();
            self.connection.write_all(request.as_bytes()).expect("a server that runs");
            let mut filled = 0;
            while !buffer[..filled].ends_with(b"\r\n\r\nok") {
                let read = self.connection.read(&mut buffer[filled..]).expect("a server that runs");
                assert!(read > 0, "it has closed: {}", String::from_utf8_lossy(&buffer[..filled]));
                filled += read;
            }
            start.elapsed().as_nanos() as f64 / 1_000.0
        };
        (0..count).map(|_| time()).collect()
    }

    /// What its metrics say was dropped, by sink.
    fn lost(&mut self) -> Vec<String> {
        let request = "GET /metrics HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n";
        self.connection.write_all(request.as_bytes()).expect("a server that runs");
        let mut scrape = Vec::new();
        self.connection.read_to_end(&mut scrape).expect("a server that runs");
        let scrape = String::from_utf8_lossy(&scrape).into_owned();
        let dropped = |line: &&str| line.starts_with("watchkeeper_dropped_total{") && !line.ends_with(" 0");
        scrape.lines().filter(dropped).map(str::to_owned).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
