//! The servers that the ready-made checks are tried against.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::thread;

use crate::support::client::accepts;
pub use crate::support::postgres::PostgresServer;
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
