//! Waiting for a future on a thread that has no executor.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::thread::{self, Thread};
use std::time::Instant;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Blocks the thread until the future is done; none when the deadline comes first, or when the future panics.
pub(super) fn until<T>(deadline: Instant, future: impl Future<Output = T>) -> Option<T> {
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context))).ok()? {
            Poll::Ready(done) => return Some(done),
            Poll::Pending => {}
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        thread::park_timeout(left);
    }
}
