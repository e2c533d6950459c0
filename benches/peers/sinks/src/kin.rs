//! This program once more: a row in a process of its own, which ends with this one.
//!
//! A process has one subscriber, and what one row asks of `tracing` would cost all others.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub struct Kin {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Kin {
    pub fn start(words: &[&str]) -> Self {
        let mut process =
            program().args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let questions = process.stdin.take().expect("a pipe");
        let answers = BufReader::new(process.stdout.take().expect("a pipe"));
        Self { process, questions, answers }
    }

    /// Asks for one figure.
    pub fn ask(&mut self, question: u32) -> f64 {
        writeln!(self.questions, "{question}").expect("a process that runs");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("a process that runs");
        line.trim().parse().expect("a figure")
    }
}

impl Drop for Kin {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// This program, with nothing of the caller's environment that telemetry reads.
pub fn program() -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the path of this program"));
    let ours = |name: &str| ["OTEL_", "RUST_LOG", "SENTRY_", "GLITCHTIP_"].iter().any(|start| name.starts_with(start));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(ours)) {
        command.env_remove(name);
    }
    command
}
