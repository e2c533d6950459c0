//! What an app's output meets, and how much of it arrives there.

use std::fs::File;
use std::io::{self, PipeReader, Read};
use std::os::fd::OwnedFd;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

/// The other end of an app's output.
pub(crate) enum Outlet {
    /// A pipe that is read when the app has ended, and not before.
    Hung,
    /// A pipe whose reader is gone.
    Refusing,
    /// A pipe that is read by a little at a time.
    Slow,
    /// A disk without space.
    Full,
}

/// What there is to read when the app has ended.
pub(crate) enum Rest {
    Nothing,
    Pipe(PipeReader),
    Reading(JoinHandle<Vec<u8>>),
}

impl Outlet {
    /// Opens it: what the app writes to, and what is to be read later.
    pub(crate) fn open(&self) -> (OwnedFd, Rest) {
        let pipe = || io::pipe().unwrap();
        match self {
            Self::Hung => {
                let (reader, writer) = pipe();
                (writer.into(), Rest::Pipe(reader))
            }
            Self::Refusing => (pipe().1.into(), Rest::Nothing),
            Self::Slow => {
                let (reader, writer) = pipe();
                (writer.into(), Rest::Reading(thread::spawn(|| read_slowly(reader))))
            }
            Self::Full => (File::options().write(true).open("/dev/full").unwrap().into(), Rest::Nothing),
        }
    }
}

impl Rest {
    /// Reads to the end, and gives the messages of the app's own lines, and of the log's about itself.
    pub(crate) fn messages(self) -> Messages {
        let mut bytes = Vec::new();
        match self {
            Self::Nothing => {}
            Self::Pipe(mut reader) => drop(reader.read_to_end(&mut bytes).unwrap()),
            Self::Reading(thread) => bytes = thread.join().unwrap(),
        }
        Messages::of(&bytes)
    }
}

/// What arrived, by who says it.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    /// The numbers of the app's lines.
    pub(crate) app: Vec<u64>,
    /// What the log says about itself.
    pub(crate) log: Vec<String>,
    /// How many lines are there in part only.
    pub(crate) torn: u64,
}

impl Messages {
    /// Reads JSON lines.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut messages = Self::default();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let read: Value = match serde_json::from_slice(line) {
                Ok(read) if line.ends_with(b"\n") => read,
                _ => {
                    messages.torn += 1;
                    continue;
                }
            };
            match read["target"].as_str() {
                Some("app") => messages.app.push(read["fields"]["number"].as_u64().unwrap()),
                Some("watchkeeper::telemetry") => messages.log.push(read["message"].as_str().unwrap().to_owned()),
                _ => panic!("{read}"),
            }
        }
        messages
    }
}

fn read_slowly(mut reader: PipeReader) -> Vec<u8> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 8 * 1024]);
    while let Ok(count @ 1..) = reader.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..count]);
        thread::sleep(Duration::from_millis(2));
    }
    bytes
}
