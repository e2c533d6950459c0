//! Many threads log to a writer that is slow, takes parts, fails and panics at random: what arrived is what the account
//! says was stored, and everything else is counted as dropped.
#![allow(clippy::unwrap_used, reason = "a helper that finds something odd fails the test")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tracing::{Dispatch, dispatcher, error, info, warn};
use tracing_subscriber::prelude::*;
use watchkeeper::presets::monitoring::{DropReason, Sink};
use watchkeeper::telemetry::LogFormat;
use watchkeeper::{Telemetry, service_info};

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

struct Flaky {
    random: Random,
    taken: Arc<Mutex<Vec<u8>>>,
    /// Whether what it takes is there only once it is flushed.
    pending: Vec<u8>,
}

impl Write for Flaky {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.random.below(40) {
            0 => return Err(io::ErrorKind::BrokenPipe.into()),
            1 => return Err(io::ErrorKind::WouldBlock.into()),
            2 => return Err(io::ErrorKind::Interrupted.into()),
            3 => panic!("in a writer"),
            4 => thread::sleep(Duration::from_millis(2)),
            _ => {}
        }
        let most =
            if self.random.below(2) == 0 { bytes.len() } else { 1 + self.random.below(bytes.len() as u64) as usize };
        self.pending.extend_from_slice(&bytes[..most]);
        Ok(most)
    }

    fn flush(&mut self) -> io::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&pending);
        Ok(())
    }
}

#[test]
fn what_arrived_is_what_was_stored_whatever_the_writer_does() {
    std::panic::set_hook(Box::new(|_| {}));
    const THREADS: u64 = 4;
    const LINES: u64 = 10_000;
    let taken = Arc::new(Mutex::new(Vec::new()));
    let writer = Flaky { random: Random(4711), taken: Arc::clone(&taken), pending: Vec::new() };
    let builder = Telemetry::builder(service_info!()).filter("info").format(LogFormat::Json);
    let (telemetry, layer) = builder.queue_bytes(256 << 10).writer(writer).layer().unwrap();
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (dispatch, telemetry) = (&dispatch, &telemetry);
            scope.spawn(move || {
                let mut random = Random(thread);
                dispatcher::with_default(dispatch, || {
                    for line in 0..LINES {
                        let (number, text) = (thread * LINES + line, "x".repeat(random.below(200) as usize));
                        match random.below(10) {
                            0 => error!(number, text, "storm"),
                            1 => warn!(number, text, "storm"),
                            _ => info!(number, text, "storm"),
                        }
                        if line % 1_000 == 0 {
                            let counts = telemetry.accounts().of(Sink::Logs).unwrap();
                            assert_eq!(counts.accepted(), counts.stored() + counts.dropped() + counts.queued());
                        }
                    }
                });
            });
        }
    });
    let report = telemetry.close(Duration::from_secs(60));

    let counts = telemetry.accounts().of(Sink::Logs).unwrap();
    assert_eq!((counts.accepted(), counts.queued()), (THREADS * LINES, 0), "{report}");
    assert_eq!(counts.stored() + counts.dropped(), THREADS * LINES);
    assert!(counts.dropped_for(DropReason::Full) > 0 && counts.dropped_for(DropReason::Failed) > 0, "{counts:?}");
    let taken = taken.lock().unwrap();
    let text = String::from_utf8_lossy(&taken);
    let is_whole = |line: &&str| line.ends_with('}') && line.contains("\"message\":\"storm\"");
    let arrived = text.lines().filter(is_whole).filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok());
    assert_eq!(arrived.count() as u64, counts.stored(), "{counts:?}");
}
