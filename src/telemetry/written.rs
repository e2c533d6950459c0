//! What tests read back of what was logged.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use tracing::subscriber;
use tracing_subscriber::prelude::*;

use super::json::Json;
use super::layer::LogLayer;
use super::output::Output;
use super::style::Style;

/// What was written, one entry a write.
#[derive(Clone, Default)]
pub(super) struct Written(Arc<Mutex<Vec<String>>>);

impl Written {
    pub(super) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Written {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().push(String::from_utf8(line.to_vec()).unwrap());
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Makes a layer whose clock stands still.
pub(super) fn layer<S: Style>(written: &Written) -> LogLayer<S> {
    let output = Arc::new(Output::writer(Box::new(written.clone())));
    LogLayer::new(output, None).with_clock(|| UNIX_EPOCH + Duration::from_secs(1_795_248_000))
}

/// Runs `act` and gives what was logged, the line breaks taken off.
pub(super) fn logged<S: Style>(act: impl FnOnce()) -> Vec<String> {
    let written = Written::default();
    subscriber::with_default(tracing_subscriber::registry().with(layer::<S>(&written)), act);
    written.lines().iter().map(|line| line.strip_suffix('\n').unwrap().to_owned()).collect()
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
