//! The crate's own examples, as the programs that cargo built beside the tests.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::time::SystemTime;

use super::client::{Answer, Request, accepts};
use super::process::{Process, free_port};

/// Finds an example's program.
///
/// # Panics
///
/// When there is none, or when one of its sources is newer: `cargo test --test …` does not build the examples.
#[track_caller]
pub fn example(name: &str) -> Command {
    // target/debug/deps/test-0123 stands beside target/debug/examples.
    let test = std::env::current_exe().expect("a test knows where it is");
    let program = test.ancestors().nth(2).expect("it lies in a target folder").join("examples").join(name);
    let build = format!("run `cargo build --all-features --example {name}`");
    assert!(program.is_file(), "{} not found: {build}", program.display());
    // Cargo writes the sources down beside the program, as a line for make.
    let sources = std::fs::read_to_string(program.with_extension("d")).expect("cargo lists the sources");
    let built = modified(&program);
    for source in sources.replace("\\ ", "\0").split_whitespace().skip(1) {
        let source = PathBuf::from(source.replace('\0', " "));
        assert!(modified(&source) <= built, "{} is newer than the example: {build}", source.display());
    }
    let mut command = Command::new(program);
    for variable in [
        "RUST_LOG",
        "RUST_LOG_FORMAT",
        "LISTEN_ADDR",
        "MONITORING_TOKENS",
        "SENTRY_DSN",
        "GLITCHTIP_DSN",
        "ENVIRONMENT",
        "SENTRY_TRACES_SAMPLE_RATE",
    ] {
        command.env_remove(variable);
    }
    command
}

fn modified(file: &PathBuf) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok()
}

/// An example that serves, on a port of its own.
#[derive(Debug)]
pub struct Server {
    pub process: Process,
    pub address: SocketAddr,
}

impl Server {
    /// Starts an example that takes its address from `LISTEN_ADDR`, and waits until it accepts connections.
    #[track_caller]
    pub fn start(name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let mut command = example(name);
        command.args(arguments).envs(environment.iter().copied()).env("LISTEN_ADDR", address.to_string());
        let mut process = Process::start(&mut command);
        process.wait_until(|| accepts(address));
        Self { process, address }
    }

    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(method, self.address, path)
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }
}
