//! The watch's own thread: one for all that is done in the background, with a runtime of its own.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle};

use super::own_work::OwnWork;

/// How long a job that panicked rests before it begins again, at first and at most.
const REST: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// A job that ran for so long begins again after the shortest rest.
const STEADY: Duration = Duration::from_secs(10);

/// The thread `watchkeeper`. It starts with the first job, needs no runtime of the app's, and ends when the last handle
/// and the last job are gone. Cloning it copies a handle.
#[derive(Clone, Default)]
pub(crate) struct Worker {
    thread: Arc<Mutex<Option<Thread>>>,
    /// Whether it does work of the app's too, whose log lines are as good as any.
    for_the_app: bool,
}

struct Thread {
    runtime: Handle,
    /// Keeps the thread; every job has a clone.
    keeps: tokio::sync::mpsc::Sender<()>,
}

impl Worker {
    /// Makes a worker for what the app gives it to do. Its thread is not marked as our own work.
    pub(crate) fn for_the_app() -> Self {
        Self { for_the_app: true, ..Self::default() }
    }

    /// Runs a job to its end. One that panics begins again after a rest, by another call of `job`.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub(crate) fn run<F>(&self, mut job: impl FnMut() -> F + Send + 'static) -> io::Result<Ended>
    where
        F: Future<Output = ()> + Send,
    {
        let (runtime, keeps) = self.thread()?;
        let ended = Ended::default();
        let mark = MarkEnd(ended.clone());
        runtime.spawn(async move {
            let _mark = mark;
            let mut rest = REST.0;
            loop {
                let started = Instant::now();
                if survive(&mut job).await.is_some() {
                    break;
                }
                if started.elapsed() > STEADY {
                    rest = REST.0;
                }
                tracing::error!("the watch's background work panicked, and begins again");
                tokio::time::sleep(rest).await;
                rest = (rest * 2).min(REST.1);
            }
            drop(keeps);
        });
        Ok(ended)
    }

    /// Runs a future on the thread and hands its answer over; there is none when it panics. It runs to its end, whether the
    /// answer is still waited for or not.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> io::Result<tokio::sync::oneshot::Receiver<T>> {
        let (runtime, keeps) = self.thread()?;
        let (answer, answered) = tokio::sync::oneshot::channel();
        runtime.spawn(async move {
            let _gone = answer.send(future.await);
            drop(keeps);
        });
        Ok(answered)
    }

    /// Waits for a future no longer than until the deadline, by the clock of the watch's own runtime: the caller may be
    /// on any executor.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub(crate) async fn until<T>(&self, deadline: Instant, future: impl Future<Output = T>) -> io::Result<Option<T>> {
        let sleep = {
            let (runtime, _) = self.thread()?;
            let _entered = runtime.enter();
            tokio::time::sleep_until(deadline.into())
        };
        let (mut future, mut sleep) = (pin!(future), pin!(sleep));
        Ok(std::future::poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => sleep.as_mut().poll(context).map(|()| None),
        })
        .await)
    }

    fn thread(&self) -> io::Result<(Handle, tokio::sync::mpsc::Sender<()>)> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let thread = match &mut *thread {
            Some(thread) => thread,
            none => none.insert(Thread::start(self.for_the_app)?),
        };
        Ok((thread.runtime.clone(), thread.keeps.clone()))
    }
}

impl Thread {
    fn start(for_the_app: bool) -> io::Result<Self> {
        let (keeps, mut kept) = tokio::sync::mpsc::channel(1);
        let (tell, told) = mpsc::sync_channel(1);
        thread::Builder::new().name("watchkeeper".to_owned()).spawn(move || {
            let _own = (!for_the_app).then(OwnWork::begin);
            // A runtime is made and dropped on its thread: an app's thread may be in one, where neither is allowed.
            let runtime = match Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(tell.send(Err(error))),
            };
            let _ = tell.send(Ok(runtime.handle().clone()));
            runtime.block_on(kept.recv());
            runtime.shutdown_background();
        })?;
        let runtime = told.recv().unwrap_or_else(|_| Err(io::Error::other("the watch's thread ended at its start")))?;
        Ok(Self { runtime, keeps })
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}

/// Tells when a job has ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ended {
    state: Arc<(Mutex<bool>, Condvar)>,
}

impl Ended {
    /// Blocks the thread until the job has ended; false when the deadline is over first.
    pub(crate) fn wait(&self, deadline: Instant) -> bool {
        let (ended, changed) = &*self.state;
        let left = deadline.saturating_duration_since(Instant::now());
        let ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
        *changed.wait_timeout_while(ended, left, |ended| !*ended).unwrap_or_else(PoisonError::into_inner).0
    }
}

struct MarkEnd(Ended);

impl Drop for MarkEnd {
    fn drop(&mut self) {
        let (ended, changed) = &*self.0.state;
        *ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }
}

/// Runs somebody else's code to its end; `None` when it panics, in making the future or in a poll of it.
pub(crate) async fn survive<T, F: Future<Output = T>>(make: impl FnOnce() -> F) -> Option<T> {
    let future = catch_unwind(AssertUnwindSafe(make)).ok()?;
    let mut future = Box::pin(future);
    let done = std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(poll) => poll.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await;
    // What is left of it may panic once more.
    catch_unwind(AssertUnwindSafe(|| drop(future))).ok()?;
    done
}

#[cfg(all(test, not(watchkeeper_loom)))]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    #[test]
    fn a_job_that_panics_begins_again() {
        let (worker, tries) = (Worker::default(), Arc::new(AtomicU32::new(0)));
        let counted = Arc::clone(&tries);
        let ended = worker.run(move || {
            let tries = Arc::clone(&counted);
            async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                assert!(tries.fetch_add(1, SeqCst) >= 2, "once more");
            }
        });
        assert!(ended.unwrap().wait(soon()));
        assert_eq!(tries.load(SeqCst), 3);
    }

    #[test]
    fn a_job_outlives_the_handle_and_the_thread_ends_after_both() {
        let worker = Worker::default();
        let name = Arc::new(Mutex::new(None));
        let told = Arc::clone(&name);
        let ended = worker.run(move || {
            let told = Arc::clone(&told);
            async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                *told.lock().unwrap() = thread::current().name().map(str::to_owned);
            }
        });
        drop(worker);
        assert!(ended.unwrap().wait(soon()));
        assert_eq!(name.lock().unwrap().as_deref(), Some("watchkeeper"));
    }

    #[test]
    fn a_deadline_holds_on_any_executor() {
        let worker = Worker::default();
        let wait = worker.until(Instant::now() + Duration::from_millis(5), std::future::pending::<()>());
        // No tokio here: the test's own thread polls when it is woken.
        struct Unpark(thread::Thread);
        impl std::task::Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = Arc::new(Unpark(thread::current())).into();
        let mut context = std::task::Context::from_waker(&waker);
        let mut wait = pin!(wait);
        let done = loop {
            match wait.as_mut().poll(&mut context) {
                Poll::Ready(done) => break done,
                Poll::Pending => thread::park(),
            }
        };
        assert_eq!(done.unwrap(), None);
    }
}
