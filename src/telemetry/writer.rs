//! The thread that writes: whole lines, as many at once as wait, and what it does where the outlet has no room.

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::backlog::Backlog;
use super::lines::Block;
use super::notice::{self, Notice};
use super::outlet::{self, Outlet};
use crate::presets::monitoring::DropReason;
use crate::queue::OwnWork;

/// How long one wait for room may last, so that giving up is noticed.
const LOOK_UP: Duration = Duration::from_millis(10);

/// The waits after a full disk, from the first to the longest.
const DISK_WAITS: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];

/// Writes what is in a backlog until nobody logs there any more.
pub(super) struct Writer {
    backlog: Arc<Backlog>,
    outlet: Outlet,
    /// What is being written.
    block: Block,
    /// Whether the outlet stands within a line that will never be whole.
    torn: bool,
    /// Whether the outlet has no space left, and somebody was told.
    full: bool,
}

thread_local! {
    static IS_WRITER: Cell<bool> = const { Cell::new(false) };
}

impl Writer {
    pub(super) fn new(backlog: Arc<Backlog>, outlet: Outlet) -> Self {
        Self { backlog, outlet, block: Block::default(), torn: false, full: false }
    }

    /// Tells whether this thread writes.
    pub(super) fn is_this_thread() -> bool {
        IS_WRITER.try_with(Cell::get).unwrap_or(false)
    }

    /// Runs on the thread that is there for it.
    pub(super) fn run(mut self) {
        IS_WRITER.set(true);
        outlet::block_sigpipe();
        let _own = OwnWork::begin();
        while let Some(block) = self.backlog.next() {
            self.block = block;
            // A writer of the app's may panic.
            if catch_unwind(AssertUnwindSafe(|| self.write_block())).is_err() {
                self.give_up(DropReason::Failed);
            }
            self.backlog.done(std::mem::take(&mut self.block));
        }
    }

    fn write_block(&mut self) {
        let mut disk_wait = DISK_WAITS[0];
        while !self.block.rest().is_empty() {
            if self.backlog.is_given_up() {
                return self.give_up(DropReason::Shutdown);
            }
            let Err(error) = self.write() else { continue };
            match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => self.outlet.wait_for_room(LOOK_UP),
                // The lines are kept while somebody makes room, but nobody waits for that at the end.
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded if self.backlog.may_wait(disk_wait) => {
                    if !std::mem::replace(&mut self.full, true) {
                        notice::complain(self.backlog.notice(Notice::Waits), Duration::ZERO);
                    }
                    disk_wait = (disk_wait * 2).min(DISK_WAITS[1]);
                }
                _ => return self.give_up(DropReason::Failed),
            }
        }
    }

    /// Writes once.
    fn write(&mut self) -> io::Result<()> {
        let start = Instant::now();
        let written = self.outlet.write(if self.torn { b"\n" } else { self.outlet.portion(self.block.rest()) });
        self.backlog.account.record_write(start.elapsed());
        let written = written?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        let torn = std::mem::take(&mut self.torn);
        if !torn {
            self.block.wrote(written);
        }
        // What cannot be handed on is lost; writing it again could make it arrive twice.
        self.outlet.flush().map_err(io::Error::other)?;
        self.full = false;
        self.backlog.succeeded();
        self.backlog.stored(self.block.settle_written());
        Ok(())
    }

    /// Counts what has not been written as lost.
    fn give_up(&mut self, reason: DropReason) {
        self.torn |= self.block.is_within_line();
        if self.backlog.failed(self.block.settle_rest(), reason) && reason == DropReason::Failed {
            notice::complain(self.backlog.notice(Notice::Began { reason: "they cannot be written" }), Duration::ZERO);
        }
    }
}
