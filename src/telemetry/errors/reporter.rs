//! The reporter: takes reports from any thread, and ends within a deadline.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sentry::protocol::{Envelope, Event};
use sentry::{Client, ClientOptions, Hub, Transport, TransportFactory, TransportOptions};

use super::post::Post;
use super::report::{Pending, Report, complete};
use super::settings::Settings;
use super::stack::capture;
use super::work;
use super::worker::Worker;
use crate::presets::monitoring::{DropReason, Sink as SinkName};
use crate::queue::{Account, Bound, OwnWork, Priority, Queue};
use crate::telemetry::panics::{ObservePanics, Panic};
use crate::telemetry::sink::Sink;

/// How much may wait: 4 MiB, and a thousand reports.
const BOUND: Bound = Bound { bytes: 4 * 1024 * 1024, items: 1_000 };

/// What the smallest report takes, roughly.
const LEAST_BYTES: u64 = 4 * 1024;

/// How long the thread is held up where a panic ends the process, so that its report leaves before.
const BEFORE_ABORT: Duration = Duration::from_secs(2);

/// How long before the deadline the reporter gives up, so that what was left is told in time.
const BEFORE_DEADLINE: Duration = Duration::from_millis(20);

/// Takes reports.
pub(super) struct Reporter {
    queue: Queue<Report>,
    ending: Arc<Ending>,
    /// The process whose worker this is; one that was forked has none.
    process: u32,
}

/// What the reporter and its worker tell each other: to end, that it has, and how the last try went.
#[derive(Default)]
pub(super) struct Ending {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    trouble: Option<&'static str>,
    deadline: Option<Instant>,
    ended: bool,
    /// What had been dropped before closing began.
    dropped_before: u64,
}

impl Reporter {
    pub(super) fn start(settings: Settings) -> Arc<Self> {
        let queue = Queue::new(Account::new(SinkName::Errors, BOUND));
        let ending = Arc::<Ending>::default();
        let (post, revision) = (Post::new(&settings.dsn), settings.revision);
        let client = Arc::new(client(settings, queue.clone()));
        let main = Hub::main();
        // An app that has set the `sentry` crate up itself keeps its own client for what it says there.
        if main.client().is_none() {
            main.bind_client(Some(Arc::clone(&client)));
        }
        let worker = Worker::new(queue.clone(), client, post, Arc::clone(&ending), revision);
        let app = capture();
        let started =
            std::thread::Builder::new().name("watchkeeper-errors".to_owned()).spawn(move || worker.run(app.as_ref()));
        if let Err(error) = started {
            queue.close();
            ending.end();
            tracing::warn!(%error, "there is no thread to send error reports; each is counted as dropped");
        }
        Arc::new(Self { queue, ending, process: std::process::id() })
    }

    /// Queues a report, or counts it as dropped. Waits for nothing, and makes no report that finds no room anyway.
    pub(super) fn report(&self, pending: impl FnOnce() -> Pending) {
        let waiting = self.account().counts();
        if self.is_forked() {
            self.account().turn_away(1, DropReason::Lost);
        } else if waiting.queued() >= BOUND.items || waiting.queued_bytes() + LEAST_BYTES > BOUND.bytes {
            self.account().turn_away(1, DropReason::Full);
        } else {
            push(&self.queue, Report::Event(Box::new(pending())));
        }
    }

    fn is_forked(&self) -> bool {
        self.process != std::process::id()
    }

    fn left(&self) -> u64 {
        let left = self.account().write_off(DropReason::Shutdown);
        let ending = self.ending.lock();
        if ending.deadline.is_none() { left } else { self.account().counts().dropped() - ending.dropped_before }
    }
}

fn push(queue: &Queue<Report>, report: Report) {
    let weight = report.weight();
    queue.push(report, weight, Priority::High);
}

fn client(settings: Settings, queue: Queue<Report>) -> Client {
    let mut options = ClientOptions::new()
        .release(settings.release)
        .environment(settings.environment)
        .traces_sample_rate(settings.traces_sample_rate)
        .default_integrations(false)
        .before_send(before_send)
        .transport(ToQueue { queue });
    options.dsn = Some(settings.dsn);
    options.server_name = host_name().map(Into::into);
    Client::with_options(options)
}

/// Adds to an event that the app gave to the `sentry` crate what is known of the work that this thread is at.
fn before_send(mut event: Event<'static>) -> Option<Event<'static>> {
    if let Some((work, ids)) = work::current().filter(|_| !OwnWork::is_going_on()) {
        complete(&mut event, Some(&work), ids);
    }
    Some(event)
}

#[cfg(target_os = "linux")]
fn host_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(not(target_os = "linux"))]
fn host_name() -> Option<String> {
    std::env::var("HOSTNAME").ok().filter(|name| !name.is_empty())
}

impl ObservePanics for Reporter {
    fn panicked(&self, panic: Panic<'_>) {
        // A panic of the worker's own would report itself for ever.
        if OwnWork::is_going_on() {
            return;
        }
        let current = work::current();
        let (work, ids) = current.map_or((None, None), |(work, ids)| (Some(work), ids));
        self.report(|| Pending::panic(&panic, work.as_deref(), ids));
        if cfg!(panic = "abort") {
            wait_until_sent(self.account(), BEFORE_ABORT);
        }
    }
}

impl Sink for Reporter {
    fn account(&self) -> &Account {
        self.queue.account()
    }

    fn state(&self) -> Option<Result<(), &'static str>> {
        Some(self.ending.lock().trouble.map_or(Ok(()), Err))
    }

    fn close(&self, deadline: Instant) -> u64 {
        let end = deadline.checked_sub(BEFORE_DEADLINE).unwrap_or(deadline);
        self.ending.begin(end, self.account().counts().dropped());
        self.queue.close();
        if !self.is_forked() {
            self.ending.wait_for_end(end);
        }
        let left = self.left();
        self.account().close();
        left
    }

    fn abandon(&self) -> u64 {
        self.left()
    }
}

impl Ending {
    fn begin(&self, deadline: Instant, dropped_before: u64) {
        let mut state = self.lock();
        state.deadline = Some(deadline);
        state.dropped_before = dropped_before;
        drop(state);
        self.changed.notify_all();
    }

    /// Says how the last try went.
    pub(super) fn tried(&self, trouble: Option<&'static str>) {
        self.lock().trouble = trouble;
    }

    /// Says that the worker has ended.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    fn wait_for_end(&self, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        let _ended = self.changed.wait_timeout_while(self.lock(), left, |state| !state.ended);
    }

    /// Returns the time by which everything must be over, once it is to end.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.lock().deadline
    }

    /// Waits for a while, or until it is to end.
    pub(super) fn pause(&self, time: Duration) {
        let _state = self.changed.wait_timeout_while(self.lock(), time, |state| state.deadline.is_none());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the `sentry` crate hands its envelopes to.
struct ToQueue {
    queue: Queue<Report>,
}

impl Transport for ToQueue {
    fn send_envelope(&self, envelope: Envelope) {
        if OwnWork::is_going_on() {
            return;
        }
        let bare = envelope.event().is_some_and(|event| !has_stack(event));
        let backtrace = if bare { capture() } else { None };
        push(&self.queue, Report::Envelope(Box::new(envelope), backtrace));
    }

    fn flush(&self, timeout: Duration) -> bool {
        wait_until_sent(self.queue.account(), timeout)
    }
}

/// Waits until nothing waits any more; false where that takes longer than this.
fn wait_until_sent(account: &Account, most: Duration) -> bool {
    let start = Instant::now();
    while account.counts().queued() > 0 {
        if start.elapsed() >= most {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

impl TransportFactory for ToQueue {
    fn create_transport_with_options(&self, _: TransportOptions) -> Arc<dyn Transport> {
        Arc::new(Self { queue: self.queue.clone() })
    }
}

fn has_stack(event: &Event<'_>) -> bool {
    event.stacktrace.is_some()
        || event.exception.iter().any(|exception| exception.stacktrace.is_some())
        || event.threads.iter().any(|thread| thread.stacktrace.is_some())
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter").field("queue", &self.queue).finish_non_exhaustive()
    }
}
