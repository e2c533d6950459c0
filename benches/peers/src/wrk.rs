//! The table of whole servers: what a request costs a server's processor when `wrk` drives it over the loopback interface.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};

use crate::drive::SHARED_PATH;
use crate::figures::{Figure, grouped, median_with_interval, short};
use crate::peer::Peer;
use crate::table::Table;
use crate::{clock, peer};

/// The rows, the bare server first; a row whose feature is off is left out.
const ROWS: [&str; 7] = ["bare", "noop", "ours", "ours-with-id", "tutorial", "axum-prometheus", "otel"];
const CONNECTIONS: u64 = 8;
/// How long `wrk` drives a server at a time; it takes whole seconds only.
const SECONDS: u32 = 1;

/// Drives every row in turn and prints the table: at most four minutes, or twenty seconds when `quick`.
pub fn print(quick: bool) -> ExitCode {
    if Command::new("wrk").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        eprintln!("wrk is not installed (package `wrk`), so no server was driven");
        return ExitCode::FAILURE;
    }
    if clock::of_process().is_none() {
        eprintln!("this system does not say what a process worked, so no server was driven");
        return ExitCode::FAILURE;
    }
    let rounds = if quick { 1 } else { 28 };
    let mut servers: Vec<Server> = ROWS.into_iter().filter_map(peer::named).map(Server::start).collect();
    let mut runs = vec![Vec::new(); servers.len()];
    // The first round warms up and is not looked at.
    for round in 0..=rounds {
        for at in 0..servers.len() {
            let at = (at + round) % servers.len();
            let run = servers[at].drive();
            if round > 0 {
                runs[at].push(run);
            }
        }
    }
    servers.iter_mut().for_each(Server::assert_counted);
    show(&servers, &runs, rounds);
    ExitCode::SUCCESS
}

/// What a server did while it was driven once.
#[derive(Clone, Copy)]
struct Run {
    /// Microseconds that the server worked for a request.
    micros: f64,
    per_second: f64,
}

fn show(servers: &[Server], runs: &[Vec<Run>], rounds: usize) {
    let about = format!(
        "A server of one worker thread in a process of its own, driven by `wrk` over the loopback interface with \
         {CONNECTIONS} connections for {SECONDS} s at a time, the servers in turn, {rounds} rounds. CPU is what the \
         server's process worked, in user space and in the kernel. Differences are taken within a round: their median, \
         and in brackets the interval that holds the true median in 19 of 20 cases.",
    );
    let table = Table::begin(
        "End to end",
        &about,
        &["server", "CPU µs a request (quartiles)", "over bare, µs", "over bare, %", "requests/s"],
    );
    for (server, runs_of_row) in servers.iter().zip(runs) {
        let over_bare = |difference: fn(f64, f64) -> f64, digits: usize| {
            let differences = runs_of_row.iter().zip(&runs[0]).map(|(run, bare)| difference(run.micros, bare.micros));
            let (median, low, high) = median_with_interval(differences.collect());
            format!("{median:.digits$} ({low:.digits$} … {high:.digits$})")
        };
        let cpu = Figure::of(runs_of_row.iter().map(|run| run.micros).collect());
        let per_second = Figure::of(runs_of_row.iter().map(|run| run.per_second).collect()).median;
        table.row(&[
            server.peer.title.to_owned(),
            format!("{} ({} … {})", short(cpu.median), short(cpu.lower), short(cpu.upper)),
            over_bare(|row, bare| row - bare, 2),
            over_bare(|row, bare| (row / bare - 1.0) * 100.0, 1),
            grouped(per_second.round() as i64),
        ]);
    }
}

/// One row in a process of its own, which ends with this one.
struct Server {
    peer: Peer,
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    port: u16,
    /// What `wrk` says it had answers to, in all runs.
    answered: u64,
    runs: u64,
}

impl Server {
    fn start(peer: Peer) -> Self {
        let program = std::env::current_exe().expect("the path of this program");
        let mut process = Command::new(program)
            .args(["serve", peer.key])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program");
        let questions = process.stdin.take().expect("a pipe");
        let answers = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut server = Self { peer, process, questions, answers, port: 0, answered: 0, runs: 0 };
        server.port = server.answer().parse().expect("a port");
        server
    }

    fn drive(&mut self) -> Run {
        let before = self.cpu_nanos();
        let output = Command::new("wrk")
            .args(["-t1", &format!("-c{CONNECTIONS}"), &format!("-d{SECONDS}s")])
            .arg(format!("http://127.0.0.1:{}{SHARED_PATH}", self.port))
            .output()
            .expect("wrk");
        let worked = self.cpu_nanos() - before;
        let said = String::from_utf8_lossy(&output.stdout);
        let failed = ["Non-2xx", "Socket errors"].into_iter().any(|complaint| said.contains(complaint));
        assert!(output.status.success() && !failed, "wrk on {}:\n{said}", self.peer.title);
        let number = |text: Option<&str>| text.and_then(|text| text.trim().parse().ok());
        let requests: Option<f64> =
            number(said.lines().find_map(|line| line.split_once(" requests in ")).map(|(count, _)| count));
        let per_second = number(said.lines().find_map(|line| line.strip_prefix("Requests/sec:")));
        let (Some(requests), Some(per_second)) = (requests, per_second) else { panic!("no count from wrk:\n{said}") };
        assert!(requests > 0.0, "{} answered nothing:\n{said}", self.peer.title);
        self.answered += requests as u64;
        self.runs += 1;
        Run { micros: worked / requests / 1e3, per_second }
    }

    /// Panics unless the row counted every request that `wrk` had an answer to.
    ///
    /// At the end of a run `wrk` leaves without waiting, so each connection may have had one request more.
    fn assert_counted(&mut self) {
        let counted = self.ask("counted");
        if counted != "-" {
            let counted: u64 = counted.parse().expect("a count");
            let most = self.answered + self.runs * CONNECTIONS;
            let title = self.peer.title;
            assert!((self.answered..=most).contains(&counted), "{title}: {counted}, not {}..={most}", self.answered);
        }
    }

    fn cpu_nanos(&mut self) -> f64 {
        self.ask("cpu").parse().expect("nanoseconds")
    }

    fn ask(&mut self, question: &str) -> String {
        writeln!(self.questions, "{question}").expect("a server that runs");
        self.answer()
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("a server that runs");
        line.trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
