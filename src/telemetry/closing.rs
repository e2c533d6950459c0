//! The end of telemetry: all sinks at the same time, within one deadline, the log last.

use std::process;
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
pub(crate) struct Closing {
    sinks: Mutex<Vec<Arc<dyn Sink>>>,
    log: Option<Arc<dyn Sink>>,
    state: Mutex<State>,
    done: Condvar,
    /// The process whose threads the sinks have: a forked child has none of them.
    process: u32,
}

#[derive(Default)]
enum State {
    #[default]
    Open,
    UnderWay,
    Closed(CloseReport),
}

impl Closing {
    pub(crate) fn new(sinks: Vec<Arc<dyn Sink>>, log: impl Into<Option<Arc<dyn Sink>>>) -> Self {
        let (sinks, log, process) = (Mutex::new(sinks), log.into(), process::id());
        Self { sinks, log, state: Mutex::default(), done: Condvar::new(), process }
    }

    /// Adds a sink, to be closed with the others.
    pub(crate) fn add(&self, sink: Arc<dyn Sink>) {
        self.sinks.lock().unwrap_or_else(PoisonError::into_inner).push(sink);
    }

    pub(super) fn sinks(&self) -> Vec<Arc<dyn Sink>> {
        self.sinks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Closes everything, once: a later call returns the first one's report, and one that comes meanwhile waits for it
    /// no longer than its own time.
    pub(crate) fn close(&self, time: Duration) -> CloseReport {
        let start = Instant::now();
        let end = start.checked_add(time).unwrap_or_else(|| start + Duration::from_secs(86_400));
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Open => {}
            State::Closed(report) => {
                let report = report.clone();
                drop(state);
                self.write_last_lines(&report, start + time.min(MOST_FOR_LOG));
                return report;
            }
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
        CloseReport { sinks: self.sinks().iter().chain(&self.log).map(of).collect() }
    }

    /// Writes the lines that came after closing, such as the one that tells its report, where the log took them before.
    fn write_last_lines(&self, report: &CloseReport, end: Instant) {
        if let Some(log) = self.log.as_ref().filter(|_| report.sinks.last().is_some_and(|log| log.left == 0)) {
            log.close(end);
        }
    }

    fn close_by(&self, start: Instant, end: Instant) -> CloseReport {
        if process::id() != self.process {
            // What the parent has queued is the parent's to send.
            return CloseReport { sinks: self.close_log(end).into_iter().collect() };
        }
        let for_log = if self.log.is_some() { ((end - start) / 5).min(MOST_FOR_LOG) } else { Duration::ZERO };
        let mut sinks = close_all(&self.sinks(), end - for_log);
        for SinkReport { sink, left, ended } in sinks.iter().filter(|sink| sink.left > 0 || !sink.ended) {
            let sink = sink.as_str();
            tracing::warn!(target: "watchkeeper::telemetry", sink, left, ended, "not everything was sent before the end");
        }
        sinks.extend(self.close_log(end));
        CloseReport { sinks }
    }

    fn close_log(&self, end: Instant) -> Option<SinkReport> {
        let log = self.log.as_ref()?;
        Some(SinkReport { left: log.close(end), sink: log.account().sink(), ended: true })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presets::monitoring::{DropReason, Sink as SinkName};
    use crate::queue::{Account, Bound, Priority};

    /// A sink with items in its queue, which takes its time to close.
    struct Slow {
        account: Account,
        takes: Duration,
        left: u64,
    }

    impl Slow {
        fn sink(name: SinkName, items: u64, takes: Duration, left: u64) -> Arc<dyn Sink> {
            let account = Account::announcing(name, Bound::NONE, drop);
            (0..items).for_each(|_| assert!(account.admit(1, Priority::Normal).is_ok()));
            Arc::new(Self { account, takes, left })
        }
    }

    impl Sink for Slow {
        fn account(&self) -> &Account {
            &self.account
        }

        fn close(&self, _deadline: Instant) -> u64 {
            thread::sleep(self.takes);
            self.left
        }
    }

    const HANGS: Duration = Duration::from_secs(3_600);

    fn timed(closing: &Closing, time: Duration) -> (CloseReport, Duration) {
        let start = Instant::now();
        (closing.close(time), start.elapsed())
    }

    #[test]
    fn hung_sinks_are_left_behind_together_and_what_they_hold_is_counted() {
        let hung = [SinkName::Errors, SinkName::Traces, SinkName::Forward].map(|name| Slow::sink(name, 7, HANGS, 0));
        let quick = Slow::sink(SinkName::Alerts, 0, Duration::ZERO, 2);
        let log = Slow::sink(SinkName::Logs, 0, Duration::ZERO, 0);
        let sinks: Vec<_> = hung.iter().cloned().chain([quick]).collect();
        let closing = Closing::new(sinks, log);
        let deadline = Duration::from_millis(500);

        let (report, took) = timed(&closing, deadline);

        // How much in time it is, tests/shutdown shows.
        assert!(took < deadline + Duration::from_secs(5), "{took:?}");
        let seen: Vec<_> = report.sinks.iter().map(|sink| (sink.sink, sink.left, sink.ended)).collect();
        assert_eq!(
            seen,
            [
                (SinkName::Errors, 7, false),
                (SinkName::Traces, 7, false),
                (SinkName::Forward, 7, false),
                (SinkName::Alerts, 2, true),
                (SinkName::Logs, 0, true),
            ]
        );
        for sink in &hung {
            let counts = sink.account().counts();
            assert_eq!((counts.queued(), counts.dropped_for(DropReason::Shutdown)), (0, 7));
        }
        let said =
            "errors: 7 left, still busy; traces: 7 left, still busy; forward: 7 left, still busy; alerts: 2 left";
        assert_eq!((report.to_string().as_str(), report.is_complete()), (said, false));
    }

    #[test]
    fn closing_again_gives_the_first_report_and_does_not_wait() {
        let closing = Closing::new(
            vec![Slow::sink(SinkName::Errors, 1, HANGS, 0)],
            Slow::sink(SinkName::Logs, 0, Duration::ZERO, 0),
        );
        let first = closing.close(Duration::from_millis(50));
        let (second, took) = timed(&closing, HANGS);
        assert_eq!((&second, took < Duration::from_secs(5)), (&first, true));
    }

    #[test]
    fn who_closes_meanwhile_waits_for_the_report_but_no_longer_than_asked() {
        let closing = Closing::new(
            vec![Slow::sink(SinkName::Errors, 0, Duration::from_millis(2_000), 3)],
            Slow::sink(SinkName::Logs, 0, Duration::ZERO, 0),
        );
        thread::scope(|scope| {
            let first = scope.spawn(|| closing.close(Duration::from_secs(60)));
            thread::sleep(Duration::from_millis(100));
            let (report, took) = timed(&closing, Duration::from_millis(50));
            assert!(took < Duration::from_millis(1_500), "{took:?}");
            assert!(report.sinks.iter().all(|sink| !sink.ended));
            let report = closing.close(Duration::from_secs(60));
            assert_eq!((report.left(SinkName::Errors), &report), (3, &first.join().unwrap()));
        });
    }

    #[test]
    fn no_time_at_all_still_gives_a_report() {
        let closing = Closing::new(
            vec![Slow::sink(SinkName::Traces, 9, HANGS, 0)],
            Slow::sink(SinkName::Logs, 0, Duration::ZERO, 0),
        );
        assert_eq!(closing.close(Duration::ZERO).left(SinkName::Traces), 9);
    }
}
