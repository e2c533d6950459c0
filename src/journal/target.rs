//! Targets: what a queue of the journal is written to, and what an answer means for the batch.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;

use super::forward::{ForwardErrorKind, Forwarded, Forwarder};
use crate::event::{Event, EventType};
use crate::presets::monitoring::{self, DropReason, MonitoringMetrics};
use crate::sample::Sample;
use crate::store::{Appended, Store, StoreError, StoreErrorKind};

/// What a target answers: for each item whether it is stored, or what is wrong with the whole.
pub(crate) type Answer<'a> = Pin<Box<dyn Future<Output = Result<Vec<Appended>, Fault>> + Send + 'a>>;

/// Takes batches.
pub(crate) trait Target: Send + Sync + 'static {
    type Item: Send + Sync + 'static;

    /// Writes a batch.
    fn write<'a>(&'a self, items: &'a [Self::Item]) -> Answer<'a>;

    /// Counts an item that was written.
    fn count(&self, item: &Self::Item);
}

/// What is wrong, by what is to be done.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) then: Then,
    pub(crate) error: Box<dyn Error + Send + Sync>,
}

/// What is to be done with a batch that was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// It passes: try again for as long as it takes.
    TryAgain,
    /// It may pass: try again a few times, then look for the item that it is about.
    Suspect,
    /// There was no answer in time: try again a few times, then look for the item that it hangs on.
    Overdue,
    /// It is about an item: look for it.
    Bisect,
    /// Give the batch up.
    Drop(DropReason),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let then = match error.kind() {
            kind if kind.is_transient() => Then::TryAgain,
            StoreErrorKind::Refused => Then::Bisect,
            StoreErrorKind::Closed | StoreErrorKind::Unsupported => Then::Drop(DropReason::Failed),
            _ => Then::Suspect,
        };
        Self { then, error: error.into() }
    }
}

/// Events, to the store.
pub(super) struct Events {
    pub(super) store: Arc<dyn Store>,
    pub(super) metrics: Option<MonitoringMetrics>,
}

impl Target for Events {
    type Item = Arc<Event>;

    fn write<'a>(&'a self, items: &'a [Arc<Event>]) -> Answer<'a> {
        let answer = self.store.append_events(items);
        Box::pin(async { answer.await.map_err(Fault::from) })
    }

    fn count(&self, event: &Arc<Event>) {
        if let Some(metrics) = &self.metrics {
            count_event(metrics, event);
        }
    }
}

/// Counts an event that is stored.
pub(crate) fn count_event(metrics: &MonitoringMetrics, event: &Event) {
    metrics.record_event(match event.event_type() {
        EventType::Log => monitoring::EventType::Log,
        EventType::Metric => monitoring::EventType::Metric,
        EventType::Trace => monitoring::EventType::Trace,
        EventType::Alert => monitoring::EventType::Alert,
    });
}

/// Samples, to the store.
pub(super) struct Samples {
    pub(super) store: Arc<dyn Store>,
    pub(super) metrics: Option<MonitoringMetrics>,
}

impl Target for Samples {
    type Item = Arc<Sample>;

    fn write<'a>(&'a self, items: &'a [Arc<Sample>]) -> Answer<'a> {
        let answer = self.store.append_samples(items);
        Box::pin(async { answer.await.map_err(Fault::from) })
    }

    fn count(&self, _: &Arc<Sample>) {
        if let Some(metrics) = &self.metrics {
            metrics.record_samples(1);
        }
    }
}

/// Both, onward.
pub(super) struct Onward(pub(super) Arc<dyn Forwarder>);

impl Target for Onward {
    type Item = Forwarded;

    fn write<'a>(&'a self, items: &'a [Forwarded]) -> Answer<'a> {
        let answer = self.0.forward(items);
        Box::pin(async move {
            match answer.await {
                Ok(()) => Ok(vec![Appended::Stored; items.len()]),
                Err(error) => {
                    if let Some(refused) = error.refused() {
                        let taken = items.len().saturating_sub(refused);
                        return Ok((0..items.len())
                            .map(|at| if at < taken { Appended::Stored } else { Appended::Refused })
                            .collect());
                    }
                    let then = match error.kind() {
                        ForwardErrorKind::Unavailable => Then::TryAgain,
                        ForwardErrorKind::Refused => Then::Drop(DropReason::Refused),
                        ForwardErrorKind::Invalid => Then::Bisect,
                        ForwardErrorKind::Failed => Then::Drop(DropReason::Failed),
                    };
                    Err(Fault { then, error: error.into() })
                }
            }
        })
    }

    fn count(&self, _: &Forwarded) {}
}
