//! The threads on which queries are evaluated: few, so that requests and scrapes keep the rest of the machine.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::error::HistoryError;
use crate::queue::OwnWork;

/// How long a thread without work stays.
const IDLE: Duration = Duration::from_secs(30);

/// Runs queries, each to its end, a few at a time. Cloning it copies a handle.
#[derive(Clone)]
pub(super) struct Queries {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    arrived: Condvar,
    at_once: usize,
    waiting: usize,
    deadline: Duration,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

/// Evaluates, in the time that is left.
type Job = Box<dyn FnOnce() + Send>;

impl Queries {
    pub(super) fn new(at_once: usize, waiting: usize, deadline: Duration) -> Self {
        let inner = Inner { state: Mutex::default(), arrived: Condvar::new(), at_once, waiting, deadline };
        Self { inner: Arc::new(inner) }
    }

    /// Evaluates on another thread, and returns what comes of it. Who drops the future before its turn has come ends the
    /// query; one that is being evaluated runs to its deadline at most.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        evaluate: impl FnOnce(Duration) -> Result<T, HistoryError> + Send + 'static,
    ) -> Result<T, HistoryError> {
        let (answer, answered) = oneshot::channel();
        let (begun, deadline) = (Instant::now(), self.inner.deadline);
        self.queue(Box::new(move || {
            if answer.is_closed() {
                return;
            }
            let left = deadline.saturating_sub(begun.elapsed());
            let result = match left.is_zero() {
                true => Err(HistoryError::Overdue { deadline }),
                false => catch_unwind(AssertUnwindSafe(|| evaluate(left))).unwrap_or(Err(HistoryError::Failed)),
            };
            let _gone = answer.send(result);
        }))?;
        answered.await.unwrap_or(Err(HistoryError::Failed))
    }

    fn queue(&self, job: Job) -> Result<(), HistoryError> {
        let mut state = self.inner.lock();
        if state.idle == 0 && state.threads >= self.inner.at_once && state.jobs.len() >= self.inner.waiting {
            return Err(HistoryError::Busy);
        }
        state.jobs.push_back(job);
        if state.idle < state.jobs.len() && state.threads < self.inner.at_once {
            let inner = Arc::clone(&self.inner);
            let started = thread::Builder::new().name("watchkeeper-query".to_owned()).spawn(move || inner.work());
            match started {
                Ok(_) => state.threads += 1,
                Err(_) if state.threads == 0 => {
                    state.jobs.pop_back();
                    return Err(HistoryError::Failed);
                }
                Err(_) => {}
            }
        }
        drop(state);
        self.inner.arrived.notify_one();
        Ok(())
    }
}

impl Inner {
    fn work(&self) {
        let _own = OwnWork::begin();
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                job();
                state = self.lock();
                continue;
            }
            state.idle += 1;
            let waited = self.arrived.wait_timeout_while(state, IDLE, |state| state.jobs.is_empty());
            let (again, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = again;
            state.idle -= 1;
            if timeout.timed_out() && state.jobs.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Queries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queries").field("at_once", &self.inner.at_once).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn what_comes_when_all_places_are_taken_is_told_so_and_a_panic_ends_one_query_alone() {
        let queries = Queries::new(1, 1, Duration::from_secs(60));
        let (open, gate) = mpsc::channel::<()>();
        let (tell, begun) = mpsc::channel();
        let first = tokio::spawn({
            let queries = queries.clone();
            async move {
                let hold = move |_| {
                    let _ = tell.send(());
                    let _ = gate.recv();
                    Ok(1)
                };
                queries.run(hold).await
            }
        });
        while begun.try_recv().is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let second = tokio::spawn({
            let queries = queries.clone();
            async move { queries.run(|_| -> Result<(), _> { panic!("it fails") }).await }
        });
        while queries.inner.lock().jobs.is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(matches!(queries.run(|_| Ok(3)).await, Err(HistoryError::Busy)));
        drop(open);
        assert_eq!(first.await.unwrap().unwrap(), 1);
        assert!(matches!(second.await.unwrap(), Err(HistoryError::Failed)));
        assert_eq!(queries.run(|_| Ok(4)).await.unwrap(), 4);
        assert_eq!(queries.inner.lock().threads, 1);
    }

    #[tokio::test]
    async fn a_query_whose_time_is_over_before_its_turn_is_not_evaluated() {
        let queries = Queries::new(1, 1, Duration::ZERO);
        let answer = queries.run(|_| -> Result<(), _> { panic!("it must not be evaluated") }).await;
        assert!(matches!(answer, Err(HistoryError::Overdue { .. })), "{answer:?}");
    }
}
