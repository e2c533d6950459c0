//! The handle by which an app records.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::forward::{Forwarded, Forwarder};
use super::options::{JournalOptions, Pace, WhenFull};
use super::target::{Events, Onward, Samples, Target};
use super::writer::Writer;
use crate::event::{Event, EventDraft, EventType, Level, TimeWindow};
use crate::id::Id;
use crate::presets::monitoring::{DropReason, MonitoringMetrics, Sink};
use crate::queue::{Account, Accounts, Counts, Ended, Priority, Queue, Worker};
use crate::sample::{Sample, SampleDraft};
use crate::store::Store;
use crate::telemetry;
use crate::timestamp::Timestamp;

/// Records events and samples. Cloning it copies a handle; when the last one goes, what is queued is still written.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    events: Queue<Arc<Event>>,
    samples: Queue<Arc<Sample>>,
    forward: Option<Queue<Forwarded>>,
    /// Whether samples are passed on too.
    forwards_samples: bool,
    when_full: WhenFull,
    window: TimeWindow,
    changed: AtomicU64,
    worker: Worker,
    /// The writers that could be started, each with its end.
    writers: Vec<(Sink, Ended)>,
}

impl Journal {
    /// Makes a journal over a store, and starts its writers.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        forwarder: Option<Arc<dyn Forwarder>>,
        options: &JournalOptions,
        accounts: &Accounts,
        metrics: Option<MonitoringMetrics>,
        worker: Worker,
    ) -> Self {
        let events = Queue::new(accounts.open(Sink::Events, options.events));
        let samples = Queue::new(accounts.open(Sink::Samples, options.samples));
        let forward = forwarder.is_some().then(|| Queue::new(accounts.open(Sink::Forward, options.forward)));
        let forwards_samples = forwarder.as_ref().is_some_and(|forwarder| forwarder.takes_samples());
        let mut writers = Vec::new();
        let target = Events { store: Arc::clone(&store), metrics: metrics.clone() };
        writers.extend(start(&worker, &events, target, options.pace));
        writers.extend(start(&worker, &samples, Samples { store, metrics }, options.pace));
        if let (Some(queue), Some(forwarder)) = (&forward, forwarder) {
            writers.extend(start(&worker, queue, Onward(forwarder), options.pace));
        }
        let (when_full, window, changed) = (options.when_full, options.window, AtomicU64::new(0));
        let inner = Inner { events, samples, forward, forwards_samples, when_full, window, changed, worker, writers };
        Self { inner: Arc::new(inner) }
    }

    /// Records an event, and returns its id; `None` where there was no room and it is counted as dropped.
    ///
    /// Neither blocks nor waits. What is not fit to be kept is changed as
    /// [`EventDraft::accept`] says, and the event says so itself.
    pub fn record_event(&self, event: EventDraft) -> Option<Id> {
        let (event, priority) = self.accept_event(event);
        let (id, size) = (event.id(), event.bytes() as u64);
        self.forward(priority, size, || Forwarded::Event(Arc::clone(&event)));
        let queued = self.inner.events.push(event, size, priority);
        queued.then_some(id)
    }

    /// Records an event, waiting for room where there is none; `None` where there was none for so long, or the journal
    /// is closed. It is counted as dropped then, for `timeout` or `shutdown`.
    ///
    /// It may be awaited on any executor. A call that is dropped before its end leaves the event as lost. Passing it on to
    /// a [`Forwarder`] is not waited for.
    pub async fn record_event_within(&self, event: EventDraft, time: Duration) -> Option<Id> {
        let (event, priority) = self.accept_event(event);
        let (id, size) = (event.id(), event.bytes() as u64);
        self.forward(priority, size, || Forwarded::Event(Arc::clone(&event)));
        let deadline = after(time);
        let mut waits = std::pin::pin!(self.inner.events.push_when_there_is_room(event, size, priority, deadline));
        match self.inner.worker.until(deadline, waits.as_mut()).await {
            Ok(Some(queued)) => queued.then_some(id),
            // The offer is dropped after its deadline, which counts it as timed out.
            Ok(None) | Err(_) => None,
        }
    }

    /// Records an event as [`record_event_within`](Self::record_event_within) does, blocking the thread meanwhile. Not to
    /// be called on a thread that serves requests.
    pub fn record_event_blocking(&self, event: EventDraft, time: Duration) -> Option<Id> {
        let (event, priority) = self.accept_event(event);
        let (id, size) = (event.id(), event.bytes() as u64);
        self.forward(priority, size, || Forwarded::Event(Arc::clone(&event)));
        let queued = self.inner.events.push_blocking(event, size, priority, after(time));
        queued.then_some(id)
    }

    /// Records a sample, and returns its id; `None` where there was no room and it is counted as dropped.
    ///
    /// Neither blocks nor waits. What is not fit to be kept is changed as [`SampleDraft::accept`] says.
    pub fn record_sample(&self, sample: SampleDraft) -> Option<Id> {
        let (sample, repairs) = sample.accept(self.inner.window, Timestamp::now());
        self.note(!repairs.is_empty());
        let sample = Arc::new(sample);
        let (id, size) = (sample.id(), sample.bytes() as u64);
        if self.inner.forwards_samples {
            self.forward(self.priority(Priority::Low), size, || Forwarded::Sample(Arc::clone(&sample)));
        }
        // One sample matters as much as another, so none of their queue is kept for any.
        let queued = self.inner.samples.push(sample, size, Priority::High);
        queued.then_some(id)
    }

    /// Passes on an event that was stored without the journal.
    #[cfg(feature = "api")]
    pub(crate) fn pass_on_event(&self, event: &Arc<Event>) {
        self.forward(self.priority(Priority::Normal), event.bytes() as u64, || Forwarded::Event(Arc::clone(event)));
    }

    /// Passes on a sample that was stored without the journal.
    #[cfg(feature = "api")]
    pub(crate) fn pass_on_sample(&self, sample: &Arc<Sample>) {
        if self.inner.forwards_samples {
            self.forward(self.priority(Priority::Low), sample.bytes() as u64, || Forwarded::Sample(Arc::clone(sample)));
        }
    }

    /// Reads the account of [`Sink::Events`], [`Sink::Samples`] or [`Sink::Forward`], all numbers in one moment; `None`
    /// for a sink that the journal does not have.
    pub fn counts(&self, sink: Sink) -> Option<Counts> {
        match sink {
            Sink::Events => Some(self.inner.events.account().counts()),
            Sink::Samples => Some(self.inner.samples.account().counts()),
            Sink::Forward => self.inner.forward.as_ref().map(|queue| queue.account().counts()),
            _ => None,
        }
    }

    /// Counts the events and samples that were changed to be fit for the store.
    pub fn changed(&self) -> u64 {
        self.inner.changed.load(Relaxed)
    }

    /// Returns the sinks that the journal writes to, to be closed with all others.
    pub(crate) fn sinks(&self) -> Vec<Arc<dyn telemetry::Sink>> {
        let Inner { events, samples, forward, .. } = &*self.inner;
        let mut sinks = vec![self.sink(events), self.sink(samples)];
        sinks.extend(forward.as_ref().map(|queue| self.sink(queue)));
        sinks
    }

    fn sink<T: Send + Sync + 'static>(&self, queue: &Queue<T>) -> Arc<dyn telemetry::Sink> {
        Arc::new(JournalSink { queue: queue.clone(), journal: self.clone(), left: Mutex::default() })
    }

    fn accept_event(&self, event: EventDraft) -> (Arc<Event>, Priority) {
        let priority = match (event.event_type(), event.told_level()) {
            (EventType::Alert, _) | (_, Some(Level::Critical)) => Priority::High,
            (_, Some(Level::Warn | Level::Error)) => Priority::Normal,
            _ => Priority::Low,
        };
        let (event, repairs) = event.accept(self.inner.window, Timestamp::now());
        self.note(!repairs.is_empty());
        (Arc::new(event), self.priority(priority))
    }

    fn priority(&self, priority: Priority) -> Priority {
        match self.inner.when_full {
            WhenFull::DropByPriority => priority,
            WhenFull::DropNewest => Priority::High,
        }
    }

    fn note(&self, changed: bool) {
        if changed {
            self.inner.changed.fetch_add(1, Relaxed);
        }
    }

    fn forward(&self, priority: Priority, size: u64, item: impl FnOnce() -> Forwarded) {
        if let Some(queue) = &self.inner.forward {
            queue.push(item(), size, priority);
        }
    }
}

/// Starts the writer of a queue. Where no thread can be had, the queue fills and then drops; the log says so.
pub(crate) fn start<T: Target>(
    worker: &Worker,
    queue: &Queue<T::Item>,
    target: T,
    pace: Pace,
) -> Option<(Sink, Ended)> {
    let sink = queue.account().sink();
    let (troubled, taken) = (AtomicBool::new(false), AtomicU64::new(0));
    let writer = Arc::new(Writer { queue: queue.clone(), target, pace, troubled, taken });
    let run = move || {
        let writer = Arc::clone(&writer);
        async move { writer.run().await }
    };
    match worker.run(run) {
        Ok(ended) => Some((sink, ended)),
        Err(error) => {
            tracing::error!(
                sink = sink.as_str(),
                error = &error as &dyn std::error::Error,
                "the watch's thread cannot be started: what is recorded is not written"
            );
            None
        }
    }
}

/// The instant this long from now, or far away.
fn after(time: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(365 * 86_400);
    Instant::now() + time.min(FAR)
}

/// One queue of the journal, to be closed.
struct JournalSink<T> {
    queue: Queue<T>,
    /// Keeps the queue open until then.
    journal: Journal,
    /// What was left, however often that is asked.
    left: Mutex<u64>,
}

impl<T: Send + Sync + 'static> telemetry::Sink for JournalSink<T> {
    fn account(&self) -> &Account {
        self.queue.account()
    }

    fn close(&self, deadline: Instant) -> u64 {
        self.queue.close();
        let sink = self.account().sink();
        if let Some((_, ended)) = self.journal.inner.writers.iter().find(|(of, _)| *of == sink) {
            ended.wait(deadline);
        }
        self.abandon()
    }

    /// Of what is just being written, the account says dropped, though the store may still take it.
    fn abandon(&self) -> u64 {
        self.queue.close();
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        // Counted at once; then what is counted is thrown away.
        *left += self.account().write_off(DropReason::Shutdown);
        self.queue.clear(DropReason::Shutdown);
        self.account().close();
        *left
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.events.close();
        self.samples.close();
        if let Some(queue) = &self.forward {
            queue.close();
        }
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("events", &self.inner.events).finish_non_exhaustive()
    }
}
