//! The output of the log: lines go in on any thread and never wait, one thread writes them.

use std::fmt;
use std::io::Write;
use std::process;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use super::backlog::Backlog;
use super::notice::{self, Notice, NoticeLine};
use super::outlet::{Outlet, SharedWriter};
use super::sink::Sink;
use super::writer::Writer;
use crate::presets::monitoring::{DropReason, Sink as SinkName};
use crate::queue::{Account, Accounts, Bound, OwnWork, Priority};

/// How long the last word on standard error may take.
const LAST_WORD: Duration = Duration::from_millis(30);

/// One sink for lines. A line that cannot be written is counted and forgotten: the app lives on.
pub(super) struct Output {
    settings: Settings,
    first: Generation,
}

struct Settings {
    bound: Bound,
    notice: NoticeLine,
    writer: Option<SharedWriter>,
    accounts: Accounts,
}

/// What belongs to one process: a fork leaves the thread that writes, and maybe a locked lock, behind in the parent.
struct Generation {
    process: u32,
    backlog: Arc<Backlog>,
    started: OnceLock<bool>,
    forked: OnceLock<Box<Generation>>,
}

impl Output {
    /// Makes an output to the app's own writer, or to standard output, of at most so many bytes that wait.
    pub(super) fn new(
        writer: Option<Box<dyn Write + Send>>,
        bytes: u64,
        notice: NoticeLine,
        accounts: Accounts,
    ) -> Self {
        let writer = writer.map(|writer| Arc::new(Mutex::new(writer)));
        let settings = Settings { bound: Bound { bytes, items: u64::MAX }, notice, writer, accounts };
        Self { first: Generation::new(&settings), settings }
    }

    /// Queues a whole line, its line break included. Never waits; a line without room is counted as lost.
    pub(super) fn write_line(&self, line: &[u8], priority: Priority) {
        let generation = self.generation();
        if OwnWork::is_going_on() && Writer::is_this_thread() {
            // A writer that logs would never come to its end, so nothing is said about it either.
            generation.backlog.account.turn_away(1, DropReason::Lost);
        } else if generation.is_started(&self.settings) {
            generation.backlog.push(line, priority);
        } else {
            generation.backlog.lose_line(DropReason::Failed, "there is no thread to write them");
        }
    }

    /// Counts a line that is begun too deep within others.
    pub(super) fn lose_line(&self) {
        self.generation().backlog.lose_line(DropReason::Lost, "they are begun within each other without end");
    }

    pub(super) fn lost_lines(&self) -> u64 {
        self.generation().backlog.account.counts().dropped()
    }

    fn generation(&self) -> &Generation {
        let process = process::id();
        let mut generation = &self.first;
        while generation.process != process {
            generation = generation.forked.get_or_init(|| Box::new(Generation::new(&self.settings)));
        }
        generation
    }
}

impl Generation {
    fn new(settings: &Settings) -> Self {
        // What the log loses it says by itself.
        let account = Account::announcing(SinkName::Logs, settings.bound, drop);
        settings.accounts.add(&account);
        let backlog = Arc::new(Backlog::new(account, settings.notice));
        Self { process: process::id(), backlog, started: OnceLock::new(), forked: OnceLock::new() }
    }

    /// Starts the thread that writes, at the first line; false where there are no more threads.
    fn is_started(&self, settings: &Settings) -> bool {
        *self.started.get_or_init(|| {
            let outlet = settings.writer.clone().map_or_else(Outlet::stdout, Outlet::Writer);
            let writer = Writer::new(Arc::clone(&self.backlog), outlet);
            self.backlog.runs();
            thread::Builder::new().name("watchkeeper-log".to_owned()).spawn(move || writer.run()).is_ok()
        })
    }
}

impl Sink for Output {
    fn account(&self) -> &Account {
        &self.generation().backlog.account
    }

    fn close(&self, deadline: Instant) -> u64 {
        let backlog = &self.generation().backlog;
        let lost = backlog.close(deadline);
        if lost > 0 {
            notice::complain(backlog.notice(Notice::Left { lost }), LAST_WORD);
        }
        lost
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.generation().backlog.end();
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("account", self.account()).finish()
    }
}
