//! What a run knows of itself.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use crate::store::{Store, StoreError};
use crate::timestamp::Timestamp;

/// What a run knows of itself: under which number it runs, since when, and whether it should come to an end.
#[derive(Clone)]
pub struct TaskContext {
    pub(super) task: Arc<str>,
    pub(super) slot: Option<Timestamp>,
    pub(super) fence: u64,
    pub(super) started_at: Timestamp,
    pub(super) started: Instant,
    pub(super) closing: watch::Receiver<bool>,
    pub(super) store: Arc<dyn Store>,
}

impl TaskContext {
    /// Returns the task's name.
    pub fn task(&self) -> &str {
        &self.task
    }

    /// Returns the beginning of the interval that the run is for; none where it was called.
    pub fn slot(&self) -> Option<Timestamp> {
        self.slot
    }

    /// Returns the number under which it runs. The next run of the task, by whomever, has a higher one.
    ///
    /// A place that keeps the highest number it was given and refuses what comes under a lower one is safe from a run that
    /// was frozen and woke up late.
    pub fn fence(&self) -> u64 {
        self.fence
    }

    /// Returns the time by the store's clock, as of the beginning of the run and the time since then.
    pub fn now(&self) -> Timestamp {
        self.started_at.plus(self.started.elapsed())
    }

    /// Tells whether the watch is closing: what the run goes on from next time is to be noted now.
    pub fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }

    /// Waits until the watch is closing.
    pub async fn closing(&mut self) {
        // Where nobody can say so any more, it is.
        let _closed = self.closing.wait_for(|closing| *closing).await;
    }

    /// Finds what an earlier run has noted for the next one.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub async fn progress(&self) -> Result<Option<serde_json::Value>, StoreError> {
        self.store.progress(&self.task).await
    }

    /// Notes what the next run goes on from; false where a later run has noted something already, and this one was left
    /// behind. At most 64 KiB as JSON.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub async fn put_progress(&self, value: &serde_json::Value) -> Result<bool, StoreError> {
        self.store.put_progress(&self.task, self.fence, value).await
    }
}

impl fmt::Debug for TaskContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskContext")
            .field("task", &self.task)
            .field("slot", &self.slot)
            .field("fence", &self.fence)
            .finish_non_exhaustive()
    }
}
