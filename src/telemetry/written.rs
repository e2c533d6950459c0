//! What tests read back of what was logged.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, UNIX_EPOCH};

use tracing::subscriber;
use tracing_subscriber::prelude::*;

use super::json::Json;
use super::layer::LogLayer;
use super::mask::{MASKED_FIELDS, Masking};
use super::notice;
use super::output::Output;
use super::sink::Sink;
use super::style::Style;
use crate::queue::Accounts;
use crate::service::ServiceInfo;

/// What was written so far.
#[derive(Clone, Default)]
pub(super) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    /// Gives the whole lines, each with its line break.
    pub(super) fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.split_inclusive('\n').map(str::to_owned).collect()
    }
}

impl Write for Written {
    fn write(&mut self, lines: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(lines);
        Ok(lines.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A log whose clock stands still.
pub(super) struct Log<S> {
    pub(super) layer: Option<LogLayer<S>>,
    written: Written,
    output: Arc<Output>,
}

impl<S: Style> Log<S> {
    pub(super) fn new() -> Self {
        let written = Written::default();
        let log = Self::to(written.clone(), 32 << 20);
        Self { written, ..log }
    }

    /// Makes a log to a writer, in front of which so many bytes may wait.
    pub(super) fn to(writer: impl Write + Send + 'static, bytes: u64) -> Self {
        let writer: Box<dyn Write + Send> = Box::new(writer);
        let output = Arc::new(Output::new(Some(writer), bytes, notice::line::<S>, Accounts::default()));
        let masking = Arc::new(Masking::of(MASKED_FIELDS.iter().copied()));
        let layer = LogLayer::new(&ServiceInfo::new("shop", "1.0.0"), Arc::clone(&output), masking, None);
        let layer = Some(layer.with_clock(|| UNIX_EPOCH + Duration::from_secs(1_795_248_000)));
        Self { layer, written: Written::default(), output }
    }

    /// Runs `act` with the log in place.
    pub(super) fn run(&mut self, act: impl FnOnce()) {
        subscriber::with_default(tracing_subscriber::registry().with(self.layer.take()), act);
    }

    pub(super) fn lost(&self) -> u64 {
        self.output.lost_lines()
    }

    /// Gives what was logged, the line breaks taken off.
    pub(super) fn lines(&self) -> Vec<String> {
        assert_eq!(self.output.close(Instant::now() + Duration::from_secs(60)), 0);
        self.written.lines().iter().map(|line| line.strip_suffix('\n').unwrap().to_owned()).collect()
    }
}

/// Runs `act` and gives what was logged, the line breaks taken off.
pub(super) fn logged<S: Style>(act: impl FnOnce()) -> Vec<String> {
    let mut log = Log::<S>::new();
    log.run(act);
    log.lines()
}

/// Gives the one JSON line without its place in the source, and checks that no object has a key twice.
pub(super) fn json(act: impl FnOnce()) -> serde_json::Value {
    let lines = logged::<Json>(act);
    let mut value: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(value.to_string().len(), lines[0].len(), "a key came twice in {}", lines[0]);
    let object = value.as_object_mut().unwrap();
    assert!(object.remove("file").is_some_and(|file| file.is_string()));
    assert!(object.remove("line").is_some_and(|line| line.is_u64()));
    value
}
