//! What waits to be told, each alert as it stands last.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::alerting::states::Notice;
use crate::journal::{Answer, Fault, Pace, Target, start};
use crate::presets::monitoring::{DropReason, Sink};
use crate::queue::{Account, Accounts, Bound, Ended, Priority, Queue, Worker};
use crate::store::Appended;
use crate::telemetry;

/// The most that waits for one of those who are told.
const BOUND: Bound = Bound { bytes: 16 << 20, items: 20_000 };

/// Tells of alerts, all of a batch at once.
pub(in crate::alerting) trait Post: Send + Sync + 'static {
    /// How many alerts it tells of at once.
    fn batch(&self) -> usize;

    /// Tells of these; `Ok` when they have arrived.
    fn post(&self, notices: Vec<Notice>) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// A notice in the queue. It is brought up to date until it is taken to be sent.
pub(super) struct Slot {
    notice: Notice,
    taken: bool,
}

type Shared = Arc<Mutex<Slot>>;

#[derive(Default)]
struct Latest(Mutex<HashMap<String, Weak<Mutex<Slot>>>>);

/// A queue of notices for one of those who are told, and the account of it.
///
/// An alert waits once: a notice that comes while one of the same alert waits takes its place. While whoever is told is
/// away, what waits grows with the alerts and not with the time.
#[derive(Clone)]
pub(in crate::alerting) struct Outbox {
    queue: Queue<Shared>,
    latest: Arc<Latest>,
    ended: Arc<Mutex<Option<Ended>>>,
    left: Arc<AtomicU64>,
}

impl Outbox {
    pub(in crate::alerting) fn open(post: impl Post, accounts: &Accounts, worker: &Worker) -> Self {
        let queue = Queue::new(accounts.open(Sink::Alerts, BOUND));
        let latest = Arc::<Latest>::default();
        let pace = Pace { batch_items: post.batch(), linger: Duration::from_millis(20), ..Pace::default() };
        let target = Posted { post, latest: Arc::clone(&latest) };
        let ended = start(worker, &queue, target, pace).map(|(_, ended)| ended);
        Self { queue, latest, ended: Arc::new(Mutex::new(ended)), left: Arc::default() }
    }

    pub(in crate::alerting) fn offer(&self, notice: Notice) {
        let key = notice.alert.fingerprint.clone();
        let mut latest = self.latest.lock();
        if let Some(slot) = latest.get(&key).and_then(Weak::upgrade) {
            let mut slot = lock(&slot);
            if !slot.taken {
                slot.notice = notice;
                return;
            }
        }
        latest.retain(|_, slot| slot.strong_count() > 0);
        let size = size(&notice);
        let slot = Arc::new(Mutex::new(Slot { notice, taken: false }));
        latest.insert(key, Arc::downgrade(&slot));
        drop(latest);
        self.queue.push(slot, size, Priority::High);
    }

    pub(in crate::alerting) fn sink(&self) -> Arc<dyn telemetry::Sink> {
        Arc::new(self.clone())
    }

    /// Lets what waits be sent, and nothing more come.
    pub(in crate::alerting) fn close(&self) {
        self.queue.close();
    }
}

impl telemetry::Sink for Outbox {
    fn account(&self) -> &Account {
        self.queue.account()
    }

    fn close(&self, deadline: Instant) -> u64 {
        self.queue.close();
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(ended) = ended {
            ended.wait(deadline);
        }
        self.abandon()
    }

    fn abandon(&self) -> u64 {
        self.queue.close();
        let left = self.account().write_off(DropReason::Shutdown);
        self.queue.clear(DropReason::Shutdown);
        self.account().close();
        self.left.fetch_add(left, Relaxed) + left
    }
}

/// Whoever is told, as the writer of a queue sees it.
struct Posted<P> {
    post: P,
    latest: Arc<Latest>,
}

impl<P: Post> Target for Posted<P> {
    type Item = Shared;

    fn write<'a>(&'a self, items: &'a [Shared]) -> Answer<'a> {
        let notices: Vec<_> = items.iter().filter_map(|slot| self.latest.take(slot)).collect();
        Box::pin(async move {
            // An alert of which a later notice waits is told by that.
            if !notices.is_empty() {
                self.post.post(notices).await?;
            }
            Ok(vec![Appended::Stored; items.len()])
        })
    }

    fn count(&self, _: &Shared) {}
}

impl Latest {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Weak<Mutex<Slot>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a notice to be sent, unless there is a later one of its alert.
    fn take(&self, slot: &Shared) -> Option<Notice> {
        let latest = self.lock();
        let mut taken = lock(slot);
        taken.taken = true;
        let is_latest =
            latest.get(&taken.notice.alert.fingerprint).is_some_and(|weak| weak.ptr_eq(&Arc::downgrade(slot)));
        is_latest.then(|| taken.notice.clone())
    }
}

fn lock(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// About what a notice takes.
fn size(notice: &Notice) -> u64 {
    let texts = notice.alert.labels.iter().chain(&notice.alert.annotations);
    256 + texts.map(|(name, text)| (name.len() + text.len()) as u64).sum::<u64>()
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("queue", &self.queue).finish_non_exhaustive()
    }
}
