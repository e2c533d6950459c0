//! Where lines go, and the count of those that did not arrive.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::sink;

thread_local! {
    static WRITING: Cell<bool> = const { Cell::new(false) };
}

/// One sink for lines. A line that cannot be written is counted and forgotten: the app lives on.
pub(super) struct Output {
    sink: Sink,
    lost: AtomicU64,
}

enum Sink {
    Stdout,
    Writer(Mutex<Box<dyn Write + Send>>),
}

impl Output {
    pub(super) fn stdout() -> Self {
        Self { sink: Sink::Stdout, lost: AtomicU64::new(0) }
    }

    pub(super) fn writer(writer: Box<dyn Write + Send>) -> Self {
        Self { sink: Sink::Writer(Mutex::new(writer)), lost: AtomicU64::new(0) }
    }

    /// Writes a whole line, its line break included, in one call.
    pub(super) fn write_line(&self, line: &[u8]) {
        let written = match &self.sink {
            // Standard output is buffered by lines: what ends with one and finds the buffer empty is one write(2).
            Sink::Stdout => io::stdout().lock().write_all(line),
            Sink::Writer(writer) => Writing::begin().and_then(|_writing| {
                let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
                writer.write_all(line)?;
                writer.flush()
            }),
        };
        if written.is_err() {
            self.lose_line();
        }
    }

    pub(super) fn lose_line(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn lost_lines(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl sink::Sink for Output {
    fn name(&self) -> &'static str {
        "log"
    }

    fn close(&self, _deadline: Instant) -> u64 {
        0
    }

    fn abandon(&self) -> u64 {
        0
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sink = match self.sink {
            Sink::Stdout => "stdout",
            Sink::Writer(_) => "writer",
        };
        f.debug_struct("Output").field("sink", &sink).field("lost_lines", &self.lost_lines()).finish()
    }
}

/// Keeps a writer that logs from waiting for itself.
struct Writing;

impl Writing {
    fn begin() -> io::Result<Self> {
        if WRITING.replace(true) {
            return Err(io::ErrorKind::Deadlock.into());
        }
        Ok(Self)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        WRITING.set(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::OnceLock;

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_that_finds_the_disk_full_is_counted() {
        let output = Output::writer(Box::new(Full));
        output.write_line(b"a\n");
        output.write_line(b"b\n");
        assert_eq!(output.lost_lines(), 2);
    }

    #[test]
    fn a_writer_that_logs_does_not_wait_for_itself() {
        static OUTPUT: OnceLock<Output> = OnceLock::new();
        struct Chatty;
        impl Write for Chatty {
            fn write(&mut self, line: &[u8]) -> io::Result<usize> {
                OUTPUT.get().unwrap().write_line(b"writing\n");
                Ok(line.len())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let output = OUTPUT.get_or_init(|| Output::writer(Box::new(Chatty)));
        output.write_line(b"a\n");
        assert_eq!(output.lost_lines(), 1);
    }
}
