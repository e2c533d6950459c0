//! rotel, a receiver of OpenTelemetry by others, that prints what it is sent.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;

use super::client::accepts;
use super::judges::python;
use super::process::{Folder, Process, free_port};

/// A running rotel that prints what it receives.
#[derive(Debug)]
pub struct Rotel {
    process: Process,
    pub grpc: SocketAddr,
    pub http: SocketAddr,
    _folder: Folder,
}

impl Rotel {
    /// Starts one that prints one kind of signal: `traces` or `logs`.
    #[track_caller]
    pub fn start(signal: &str) -> Self {
        let [grpc, http] = [(); 2].map(|()| SocketAddr::from((Ipv4Addr::LOCALHOST, free_port())));
        let folder = Folder::new("rotel");
        let mut command = Command::new(program());
        command.args(["start", "--exporter", "blackhole", "--debug-log", signal]);
        command.args(["--debug-log-verbosity", "detailed"]);
        command.args(["--otlp-grpc-endpoint", &grpc.to_string(), "--otlp-http-endpoint", &http.to_string()]);
        command.arg("--pid-file").arg(folder.path().join("pid")).arg("--log-file").arg(folder.path().join("log"));
        let mut process = Process::start(&mut command);
        process.wait_until(|| accepts(grpc).and_then(|()| accepts(http)));
        Self { process, grpc, http, _folder: folder }
    }

    /// All that it has printed until now.
    pub fn printed(&self) -> String {
        self.process.stdout() + &self.process.stderr()
    }
}

/// Finds rotel beside the Python that the tests use.
#[track_caller]
fn program() -> PathBuf {
    let python = python();
    let ask = "import importlib.util as u; print(u.find_spec('rotel').submodule_search_locations[0])";
    let found = Command::new(&python).args(["-c", ask]).output().expect("a Python");
    let hint = "install it there with `pip install rotel`, or run tests/run.sh, which does";
    assert!(found.status.success(), "{} has no rotel: {hint}", python.display());
    PathBuf::from(String::from_utf8_lossy(&found.stdout).trim()).join("rotel-agent")
}

/// The value in a line such as `Parent ID      : 00f067aa0ba902b7`, or `-> http.route: Str(/call)`.
pub fn value<'a>(item: &'a str, name: &str) -> &'a str {
    let of_line = |line: &'a str| {
        let (found, value) = line.trim().trim_start_matches("-> ").split_once(':')?;
        (found.trim() == name).then(|| value.trim())
    };
    item.lines().find_map(of_line).unwrap_or_default()
}
