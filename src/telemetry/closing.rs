//! The end of telemetry: all sinks at the same time, within one deadline, the log last.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::report::{CloseReport, SinkReport};
use super::sink::Sink;

/// How long closing may take, unless the app says otherwise.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);

/// The most time that is kept for the log, which also carries what is said about the other sinks.
const MOST_FOR_LOG: Duration = Duration::from_secs(1);

/// The sinks of a process, and whether they have been closed.
pub(super) struct Closing {
    sinks: Vec<Arc<dyn Sink>>,
    log: Arc<dyn Sink>,
    state: Mutex<State>,
    done: Condvar,
}

#[derive(Default)]
enum State {
    #[default]
    Open,
    UnderWay,
    Closed(CloseReport),
}

impl Closing {
    pub(super) fn new(sinks: Vec<Arc<dyn Sink>>, log: Arc<dyn Sink>) -> Self {
        Self { sinks, log, state: Mutex::default(), done: Condvar::new() }
    }

    /// Closes everything, once: a later call returns the first one's report, and one that comes meanwhile waits for it
    /// no longer than its own time.
    pub(super) fn close(&self, time: Duration) -> CloseReport {
        let start = Instant::now();
        let end = start.checked_add(time).unwrap_or_else(|| start + Duration::from_secs(86_400));
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Open => {}
            State::Closed(report) => return report.clone(),
            State::UnderWay => {
                let waited = self.done.wait_timeout_while(state, time, |state| matches!(state, State::UnderWay));
                return match &*waited.unwrap_or_else(PoisonError::into_inner).0 {
                    State::Closed(report) => report.clone(),
                    _ => self.busy(),
                };
            }
        }
        let mut state = state;
        *state = State::UnderWay;
        drop(state);
        let report = self.close_by(start, end);
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::Closed(report.clone());
        self.done.notify_all();
        report
    }

    /// What can be said while another call is closing.
    fn busy(&self) -> CloseReport {
        let of = |sink: &Arc<dyn Sink>| SinkReport { sink: sink.account().sink(), left: 0, ended: false };
        CloseReport { sinks: self.sinks.iter().chain([&self.log]).map(of).collect() }
    }

    fn close_by(&self, start: Instant, end: Instant) -> CloseReport {
        let for_log = ((end - start) / 5).min(MOST_FOR_LOG);
        let mut sinks = close_all(&self.sinks, end - for_log);
        for SinkReport { sink, left, ended } in sinks.iter().filter(|sink| sink.left > 0 || !sink.ended) {
            let sink = sink.as_str();
            tracing::warn!(target: "watchkeeper::telemetry", sink, left, ended, "not everything was sent before the end");
        }
        let left = self.log.close(end);
        sinks.push(SinkReport { sink: self.log.account().sink(), left, ended: true });
        CloseReport { sinks }
    }
}

/// Closes sinks at the same time, each on a thread that is left behind where it does not come back.
fn close_all(sinks: &[Arc<dyn Sink>], end: Instant) -> Vec<SinkReport> {
    let (report, reports) = mpsc::channel();
    for (number, sink) in sinks.iter().enumerate() {
        let (sink, report) = (Arc::clone(sink), report.clone());
        // Where no thread can be had, the sink is abandoned below.
        let _ = thread::Builder::new().name("watchkeeper-close".to_owned()).spawn(move || {
            let _ = report.send((number, sink.close(end)));
        });
    }
    drop(report);
    let mut left = vec![None; sinks.len()];
    while left.contains(&None) {
        match reports.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok((number, items)) => left[number] = Some(items),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    let of = |(sink, left): (&Arc<dyn Sink>, Option<u64>)| SinkReport {
        sink: sink.account().sink(),
        left: left.unwrap_or_else(|| sink.abandon()),
        ended: left.is_some(),
    };
    sinks.iter().zip(left).map(of).collect()
}
