//! The servers that the ready-made checks are tried against.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use crate::support::client::accepts;
use crate::support::process::{Folder, Process, free_port, program};

/// A listener whose backlog takes connections that nobody answers.
pub fn hanging() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    (listener, address)
}

/// A server that sends every connection this, whatever it is asked, and hangs up.
pub fn saying(answer: &'static [u8]) -> SocketAddr {
    let (listener, address) = hanging();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = std::io::Read::read(&mut stream, &mut [0; 1024]);
            let _ = stream.write_all(answer);
        }
    });
    address
}

/// A real Redis.
pub struct RedisServer {
    pub port: u16,
    _process: Process,
    _folder: Folder,
}

impl RedisServer {
    pub fn start(arguments: &[&str]) -> Self {
        let (port, folder) = (free_port(), Folder::new("redis"));
        let mut command = program("redis-server", "redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"]);
        command.arg(folder.path()).args(arguments);
        let mut process = Process::start(&mut command);
        process.wait_until(|| accepts(SocketAddr::from(([127, 0, 0, 1], port))));
        Self { port, _process: process, _folder: folder }
    }
}

/// A real Postgres, with a user `ada` whose password is `s3cret`.
pub struct PostgresServer {
    pub port: u16,
    process: Process,
    folder: PathBuf,
}

impl PostgresServer {
    pub fn start() -> Self {
        let bin = program("pg_config", "postgresql").arg("--bindir").output();
        let bin = match bin {
            Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            _ => panic!("pg_config fails: `apt-get install postgresql`"),
        };
        let port = free_port();
        // Postgres refuses to run as root, and its user must reach the folder, so it does not lie below the target folder.
        let folder = std::env::temp_dir().join(format!("watchkeeper-pg-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let root = is_root();
        if root {
            let status = Command::new("chown").arg("postgres:").arg(&folder).status();
            assert!(
                status.is_ok_and(|status| status.success()),
                "chown postgres: the package postgresql makes that user"
            );
        }
        let command = |name: &str| {
            let name = format!("{bin}/{name}");
            if !root {
                return Command::new(name);
            }
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", &name]);
            command
        };
        let password = folder.join("password");
        std::fs::write(&password, "s3cret\n").expect("a file");
        let data = folder.join("data");
        let made = command("initdb")
            .args(["-A", "scram-sha-256", "-U", "ada", "--no-sync", "-E", "UTF8", "--pwfile"])
            .arg(&password)
            .arg("-D")
            .arg(&data)
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut process = Process::start(
            command("postgres").arg("-D").arg(&data).arg("-k").arg(&folder).args(["-p", &port.to_string()]).args([
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "fsync=off",
            ]),
        );
        process.wait_until(|| accepts(SocketAddr::from(([127, 0, 0, 1], port))));
        Self { port, process, folder }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // The process may be runuser, which passes this on; a killed one would leave the server behind.
        let pid = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default();
        if let Some(pid) = pid.lines().next() {
            let _ = Command::new("kill").args(["-s", "QUIT", pid]).status();
        }
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    id.stdout.trim_ascii() == b"0"
}
