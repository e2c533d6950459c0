//! The thread that sends spans: batches, tries again, and says what became of them.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::batch::BatchWriter;
use super::pipeline::Pipeline;
use super::transport::{Failure, Retry, Transport};
use crate::presets::monitoring::DropReason;
use crate::queue::{Batch, OwnWork, Wait};
use crate::trace::random;

/// The most bytes of spans in one request, which keeps it below what receivers take by default.
const MOST_BYTES: u64 = 2 << 20;
/// The pauses before what is waited for is tried again: the first, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The longest that a receiver may ask us to wait.
const LONGEST_WISH: Duration = Duration::from_secs(30);

/// How spans are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    /// How long the first span of a batch waits for others.
    pub(super) delay: Duration,
    /// The most spans in one request.
    pub(super) batch: usize,
    /// How long one request may take.
    pub(super) timeout: Duration,
    /// How long a batch may take with everything that is tried again.
    pub(super) patience: Duration,
}

/// Sends what is queued, on a thread of its own.
pub(super) struct Sender {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) transport: Box<dyn Transport>,
    pub(super) writer: BatchWriter,
    pub(super) pace: Pace,
    /// Whether it was said that nothing arrives.
    pub(super) failing: bool,
}

impl Sender {
    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let _own = OwnWork::begin();
        let _ended = Ended(Arc::clone(&self.pipeline));
        let pipeline = Arc::clone(&self.pipeline);
        while pipeline.queue.wait(self.pace.batch, self.pace.delay) != Wait::Closed {
            while let Some(batch) = pipeline.queue.take(self.pace.batch, MOST_BYTES) {
                self.deliver(batch);
            }
            pipeline.queue.account().look_for_the_end_of_a_loss();
        }
    }

    /// Sends a batch until it arrives, is refused, or its time is over.
    fn deliver(&mut self, batch: Batch<Box<[u8]>>) {
        let request = self.writer.write(batch.items());
        let start = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let until = self.pipeline.until(self.pace.timeout).min(start + self.pace.patience);
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return batch.dropped(self.out_of_time());
            }
            let tried = Instant::now();
            let answer = self.transport.send(&request, left);
            self.pipeline.queue.account().record_write(tried.elapsed());
            let failure = match answer {
                Ok(refused) => return self.arrived(batch, refused),
                Err(failure) => failure,
            };
            self.say(&failure);
            let wish = match failure.retry {
                Retry::Never => return batch.dropped(failure.reason),
                Retry::Later => pause.mul_f64(jitter()),
                Retry::After(wish) => wish.min(LONGEST_WISH),
            };
            pause = (pause * 2).min(LONGEST_PAUSE);
            if start.elapsed() + wish >= self.pace.patience {
                return batch.dropped(failure.reason);
            }
            self.pipeline.pause(wish);
        }
    }

    fn arrived(&mut self, mut batch: Batch<Box<[u8]>>, refused: u64) {
        if self.failing {
            self.failing = false;
            tracing::info!(target: "watchkeeper::telemetry", "spans arrive at their receiver again");
        }
        let refused = usize::try_from(refused).unwrap_or(usize::MAX).min(batch.len());
        // Nobody says which ones.
        let refused = batch.split_off(batch.len() - refused);
        if refused.len() > 0 {
            refused.dropped(DropReason::Invalid);
        }
        if batch.len() > 0 {
            batch.stored();
        }
    }

    /// Says once why nothing arrives.
    fn say(&mut self, failure: &Failure) {
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(target: "watchkeeper::telemetry", reason = %failure.what, "spans do not arrive at their receiver");
        }
    }

    /// What becomes of a batch that has no time left.
    fn out_of_time(&self) -> DropReason {
        if self.pipeline.queue.is_closed() { DropReason::Shutdown } else { DropReason::Timeout }
    }
}

/// Says that the thread has ended, however it ends.
struct Ended(Arc<Pipeline>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.ended();
    }
}

/// Returns a number from 0.5 to 1.5, so that many senders do not come back all at once.
fn jitter() -> f64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    0.5 + (random::pair(now).0 >> 11) as f64 / (1_u64 << 53) as f64
}
