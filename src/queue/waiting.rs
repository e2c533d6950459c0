//! Who waits for room.

use std::task::Waker;

/// Those who wait for room in a queue: threads by their number, tasks by their wakers.
#[derive(Default)]
pub(super) struct RoomWaiters {
    /// How many threads are blocked.
    pub(super) threads: usize,
    tasks: Vec<(u64, Waker)>,
    last: u64,
}

impl RoomWaiters {
    /// Registers a task, or replaces its waker; returns what the task is known by.
    pub(super) fn register(&mut self, known: Option<u64>, waker: &Waker) -> u64 {
        let id = known.unwrap_or_else(|| {
            self.last += 1;
            self.last
        });
        match self.tasks.iter_mut().find(|(task, _)| *task == id) {
            Some((_, old)) => old.clone_from(waker),
            None => self.tasks.push((id, waker.clone())),
        }
        id
    }

    /// Forgets a task that waits no longer.
    pub(super) fn forget(&mut self, id: u64) {
        self.tasks.retain(|(task, _)| *task != id);
    }

    /// Takes every waker, to be woken outside the lock.
    pub(super) fn take(&mut self) -> Vec<Waker> {
        if self.tasks.is_empty() {
            return Vec::new();
        }
        self.tasks.drain(..).map(|(_, waker)| waker).collect()
    }
}
