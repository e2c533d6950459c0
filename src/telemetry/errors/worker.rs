//! The worker: completes reports and sends them, one after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use backtrace::Backtrace;
use sentry::Client;
use sentry::protocol::{Envelope, EnvelopeItem, Event, Thread};

use super::clean::{clean, clean_transaction};
use super::limits::Limits;
use super::post::{Answer, Post};
use super::report::Report;
use super::reporter::Ending;
use super::stack::Names;
use crate::presets::monitoring::DropReason;
use crate::queue::{OwnWork, Queue, Wait};

/// How long a report is tried again where the server cannot be reached.
const TRIED_FOR: Duration = Duration::from_secs(60);

/// How often it is tried where the server answers that it cannot take it now.
const MOST_TRIES: u32 = 3;

/// The first pause between two tries, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How often the worker looks whether a loss is over, with nothing to do.
const IDLE: Duration = Duration::from_secs(5);

/// Empties the queue.
pub(super) struct Worker {
    queue: Queue<Report>,
    client: Arc<Client>,
    post: Post,
    ending: Arc<Ending>,
    revision: Option<&'static str>,
    names: Names,
    limits: Limits,
}

impl Worker {
    pub(super) fn new(
        queue: Queue<Report>,
        client: Arc<Client>,
        post: Post,
        ending: Arc<Ending>,
        revision: Option<&'static str>,
    ) -> Self {
        Self { queue, client, post, ending, revision, names: Names::default(), limits: Limits::default() }
    }

    /// Works until the queue is closed and empty; `app` is what led to the set-up.
    pub(super) fn run(mut self, app: Option<&Backtrace>) {
        let _own = OwnWork::begin();
        self.names.warm_up(app);
        loop {
            match self.queue.wait(1, IDLE) {
                Wait::Ready => {}
                Wait::TimedOut => {
                    self.queue.account().look_for_the_end_of_a_loss();
                    continue;
                }
                Wait::Closed => break,
            }
            let Some(batch) = self.queue.take(1, u64::MAX) else { continue };
            let sent = batch.items().iter().map(|report| self.send(report)).fold(Ok(()), Result::and);
            match sent {
                Ok(()) => batch.stored(),
                Err(reason) => batch.dropped(reason),
            }
        }
        self.ending.end();
    }

    fn send(&mut self, report: &Report) -> Result<(), DropReason> {
        if self.limits.apply(report.kind(), Instant::now()) {
            return Err(DropReason::Refused);
        }
        // The app's own event processors run here.
        let body = catch_unwind(AssertUnwindSafe(|| self.body(report))).map_err(|_| DropReason::Lost)?;
        let body = body.ok_or(DropReason::Refused)?;
        self.deliver(&body)
    }

    /// Writes a report down as an envelope; `None` where the app's own scope drops it.
    fn body(&mut self, report: &Report) -> Option<Vec<u8>> {
        let envelope = match report {
            Report::Event(pending) => {
                let mut event = self.client.prepare_event(pending.event.clone(), pending.scope.as_ref())?;
                if let Some(exception) = event.exception.values.last_mut() {
                    exception.stacktrace = pending.backtrace.as_ref().and_then(|backtrace| self.names.stack(backtrace));
                }
                Envelope::from(self.finish(event))
            }
            Report::Envelope(envelope, backtrace) => {
                let mut ours = Envelope::new();
                for item in (**envelope).clone().into_items() {
                    ours.add_item(match item {
                        EnvelopeItem::Event(event) => {
                            let mut event = *event;
                            if let Some(backtrace) = backtrace {
                                let stacktrace = self.names.stack(backtrace);
                                event.threads.values.push(Thread { stacktrace, current: true, ..Thread::default() });
                            }
                            EnvelopeItem::Event(Box::new(self.finish(event)))
                        }
                        EnvelopeItem::Transaction(transaction) => {
                            let mut transaction = transaction;
                            clean_transaction(&mut transaction);
                            EnvelopeItem::Transaction(transaction)
                        }
                        item => item,
                    });
                }
                ours
            }
        };
        let mut body = Vec::new();
        envelope.to_writer(&mut body).ok()?;
        Some(body)
    }

    fn finish(&self, mut event: Event<'static>) -> Event<'static> {
        if let Some(revision) = self.revision {
            event.tags.entry("revision".to_owned()).or_insert_with(|| revision.to_owned());
        }
        clean(&mut event);
        event
    }

    fn deliver(&mut self, body: &[u8]) -> Result<(), DropReason> {
        let (start, mut tries, mut pause) = (Instant::now(), 0, FIRST_PAUSE);
        loop {
            let deadline = self.ending.deadline();
            let began = Instant::now();
            let answer = self.post.send(body, deadline);
            self.queue.account().record_write(began.elapsed());
            self.ending.tried(match &answer {
                None => Some("the error tracker does not answer"),
                Some(Answer { status: 429, .. }) => Some("the error tracker wants no reports for now"),
                Some(Answer { status: 401 | 403 | 404, .. }) => Some("the error tracker does not know the DSN"),
                Some(Answer { status: 500.., .. }) => Some("the error tracker fails"),
                Some(_) => None,
            });
            match answer {
                Some(answer) => match self.judge(&answer) {
                    Err(DropReason::Failed) if answer.status >= 500 => tries += 1,
                    judged => return judged,
                },
                None if start.elapsed() >= TRIED_FOR => return Err(DropReason::Failed),
                None => {}
            }
            if self.ending.deadline().is_some() {
                return Err(DropReason::Shutdown);
            }
            if tries >= MOST_TRIES {
                return Err(DropReason::Failed);
            }
            self.ending.pause(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn judge(&mut self, answer: &Answer) -> Result<(), DropReason> {
        let (limits, retry_after) = (answer.rate_limits.as_deref(), answer.retry_after.as_deref());
        self.limits.read(answer.status, limits, retry_after, Instant::now());
        match answer.status {
            200..=299 => Ok(()),
            429 => Err(DropReason::Refused),
            400 | 413 | 422 => Err(DropReason::Invalid),
            _ => Err(DropReason::Failed),
        }
    }
}
