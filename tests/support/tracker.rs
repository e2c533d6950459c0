//! An error tracker of our own: it takes envelopes, keeps them, and answers as it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::process::eventually;

/// How it answers one request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// With this status and these header lines, at once.
    Status(u16, &'static str),
    /// After a while.
    Slowly(Duration),
    /// With a good status and a body that never ends.
    Endless,
    /// With a good status and headers that never end.
    EndlessHead,
    /// With a body of so many bytes, all of them.
    Huge(usize),
    /// Not at all, and the connection stays.
    Hang,
    /// Not at all, and the connection is closed.
    Close,
}

pub const OK: Reply = Reply::Status(200, "");

/// A running tracker. Its threads end with the test's process.
#[derive(Debug, Clone)]
pub struct Tracker {
    pub address: SocketAddr,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Tracker {
    /// Starts one that answers the first request by the first reply and so on, and all further ones by the last.
    pub fn start(replies: &[Reply]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let tracker = Self { address: listener.local_addr().expect("bound"), bodies: Arc::default() };
        let (bodies, replies) = (Arc::clone(&tracker.bodies), replies.to_vec());
        let next = Arc::new(Mutex::new(0));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (bodies, replies, next) = (Arc::clone(&bodies), replies.clone(), Arc::clone(&next));
                thread::spawn(move || {
                    let _ = serve(&stream, &bodies, || {
                        let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
                        *next += 1;
                        replies[(*next - 1).min(replies.len() - 1)].clone()
                    });
                });
            }
        });
        tracker
    }

    /// What an app is told to report to it.
    pub fn dsn(&self) -> String {
        format!("http://k3y@{}/1", self.address)
    }

    /// All bodies so far, one after the other, retries included.
    pub fn bodies(&self) -> Vec<String> {
        let bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        bodies.iter().map(|body| String::from_utf8_lossy(body).into_owned()).collect()
    }

    /// The events so far. Of an envelope it is the first item.
    #[track_caller]
    pub fn events(&self) -> Vec<Value> {
        let event = |body: &String| serde_json::from_str(body.lines().nth(2)?).expect("JSON");
        self.bodies().iter().filter_map(event).collect()
    }

    /// Waits for an event that holds this text.
    #[track_caller]
    pub fn event_with(&self, text: &str) -> Value {
        eventually(|| {
            let events = self.events();
            let found = events.iter().find(|event| event.to_string().contains(text)).cloned();
            found.ok_or_else(|| format!("no {text} in {} events", events.len()))
        })
    }
}

fn serve(stream: &TcpStream, bodies: &Mutex<Vec<Vec<u8>>>, reply: impl Fn() -> Reply) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        bodies.lock().unwrap_or_else(PoisonError::into_inner).push(body);
        match reply() {
            Reply::Status(status, headers) => {
                write!(writer, "HTTP/1.1 {status} -\r\n{headers}content-length: 2\r\n\r\n{{}}")?;
            }
            Reply::Slowly(time) => {
                thread::sleep(time);
                write!(writer, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{{}}")?;
            }
            Reply::Endless => {
                write!(writer, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
                loop {
                    write!(writer, "1000\r\n{}\r\n", "x".repeat(0x1000))?;
                }
            }
            Reply::EndlessHead => {
                write!(writer, "HTTP/1.1 200 OK\r\n")?;
                loop {
                    write!(writer, "x-{}: {}\r\n", "y".repeat(100), "z".repeat(1000))?;
                }
            }
            Reply::Huge(bytes) => {
                write!(writer, "HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n")?;
                writer.write_all(&vec![b'x'; bytes])?;
            }
            Reply::Hang => loop {
                thread::park();
            },
            Reply::Close => return Ok(()),
        }
    }
}
