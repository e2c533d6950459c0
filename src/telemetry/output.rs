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

    /// Tells whether there is no room for a line, which is counted as lost then, before it is put together.
    pub(super) fn refuses(&self, priority: Priority) -> bool {
        self.generation().backlog.refuses(priority)
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
            let thread = thread::Builder::new().name("watchkeeper-log".to_owned());
            let started = thread.spawn(move || writer.run()).is_ok();
            if started {
                self.backlog.runs();
            }
            started
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

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::io;
    use std::sync::PoisonError;
    use std::sync::mpsc;

    use super::super::json::Json;
    use super::*;

    /// What a writer does with one call.
    enum Act {
        Take(usize),
        Fail(io::ErrorKind),
        Panic,
    }

    /// A writer that acts by a script, and takes everything after it.
    #[derive(Clone, Default)]
    struct Scripted {
        acts: Arc<Mutex<VecDeque<Act>>>,
        taken: Arc<Mutex<Vec<u8>>>,
        flush: Arc<Mutex<VecDeque<io::ErrorKind>>>,
    }

    impl Scripted {
        fn new(acts: impl IntoIterator<Item = Act>) -> Self {
            Self { acts: Arc::new(Mutex::new(acts.into_iter().collect())), ..Self::default() }
        }

        fn lines(&self) -> Vec<String> {
            let taken = self.taken.lock().unwrap();
            String::from_utf8(taken.clone()).unwrap().lines().map(str::to_owned).collect()
        }
    }

    impl Write for Scripted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let act = self.acts.lock().unwrap().pop_front();
            let taken = match act {
                None => bytes.len(),
                Some(Act::Take(most)) => most.min(bytes.len()),
                Some(Act::Fail(kind)) => return Err(kind.into()),
                Some(Act::Panic) => panic!("in a writer"),
            };
            self.taken.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            self.flush.lock().unwrap().pop_front().map_or(Ok(()), |kind| Err(kind.into()))
        }
    }

    fn output(writer: impl Write + Send + 'static) -> Output {
        Output::new(Some(Box::new(writer)), 1 << 20, notice::line::<Json>, Accounts::default())
    }

    fn close(output: &Output) -> u64 {
        output.close(Instant::now() + Duration::from_secs(60))
    }

    /// Writes three lines one by one, and gives what arrived, and how many were lost.
    fn three_lines(acts: impl IntoIterator<Item = Act>) -> (Vec<String>, u64) {
        let writer = Scripted::new(acts);
        let output = output(writer.clone());
        for line in ["one\n", "two\n", "three\n"] {
            output.write_line(line.as_bytes(), Priority::Low);
            close(&output);
        }
        let counts = output.account().counts();
        assert_eq!((counts.accepted(), counts.queued()), (3, 0));
        assert_eq!(counts.stored() + counts.dropped(), 3);
        (writer.lines(), output.lost_lines())
    }

    #[test]
    fn what_is_taken_in_parts_arrives_whole() {
        let acts =
            [Act::Take(1), Act::Fail(io::ErrorKind::Interrupted), Act::Take(2), Act::Fail(io::ErrorKind::WouldBlock)];
        assert_eq!(three_lines(acts), (vec!["one".into(), "two".into(), "three".into()], 0));
    }

    #[test]
    fn a_line_that_fails_is_counted_and_told_of_once_lines_arrive() {
        let (lines, lost) = three_lines([Act::Fail(io::ErrorKind::BrokenPipe)]);
        assert_eq!((lines.len(), lines[0].as_str(), lost), (3, "two", 1));
        assert!(lines[1].contains(r#""message":"1 log line lost","fields":{"lost":1,"seconds":0}"#), "{}", lines[1]);
    }

    #[test]
    fn a_line_cut_short_does_not_spoil_the_next() {
        let (lines, lost) = three_lines([Act::Take(2), Act::Fail(io::ErrorKind::BrokenPipe)]);
        assert_eq!((&lines[..2], lost), (&["on".to_owned(), "two".to_owned()][..], 1));
    }

    #[test]
    fn a_writer_that_panics_loses_its_line_and_is_called_again() {
        let (lines, lost) = three_lines([Act::Panic]);
        assert_eq!((lines[0].as_str(), lost), ("two", 1));
    }

    #[test]
    fn a_writer_that_takes_nothing_is_no_reason_to_go_round_in_circles() {
        assert_eq!(three_lines([Act::Take(0)]).1, 1);
    }

    #[test]
    fn a_full_disk_costs_no_line_once_somebody_makes_room() {
        let writer = Scripted::new((0..2).map(|_| Act::Fail(io::ErrorKind::StorageFull)));
        let output = output(writer.clone());
        (0..100).for_each(|_| output.write_line(b"a line\n", Priority::Low));
        while output.account().counts().queued() > 0 {
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!((writer.lines().len(), output.lost_lines()), (100, 0));
    }

    #[test]
    fn a_line_is_lost_when_it_cannot_be_flushed() {
        let writer = Scripted::default();
        writer.flush.lock().unwrap().push_back(io::ErrorKind::StorageFull);
        let output = output(writer);
        output.write_line(b"a line\n", Priority::Low);
        close(&output);
        assert_eq!(output.lost_lines(), 1);
    }

    #[test]
    fn a_hung_writer_is_left_behind_and_what_it_holds_is_counted() {
        struct Hung(mpsc::Receiver<()>);
        impl Write for Hung {
            fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
                let _ = self.0.recv();
                Ok(lines.len())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (release, hangs) = mpsc::channel();
        let output = output(Hung(hangs));
        (0..100).for_each(|_| output.write_line(b"a line\n", Priority::Low));
        let start = Instant::now();

        let left = output.close(start + Duration::from_millis(200));

        // How much in time it is, tests/shutdown shows.
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert_eq!((left, output.lost_lines(), output.account().counts().queued()), (100, 100, 0));
        // Back again, it has nothing to do with what was counted, and takes what comes.
        output.write_line(b"a line\n", Priority::Low);
        drop(release);
        assert_eq!(close(&output), 0);
        let counts = output.account().counts();
        assert_eq!((counts.stored(), counts.dropped()), (1, 100));
    }

    #[test]
    fn a_writer_that_logs_does_not_wait_for_itself() {
        static OUTPUT: OnceLock<Output> = OnceLock::new();
        struct Chatty;
        impl Write for Chatty {
            fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
                OUTPUT.get().unwrap().write_line(b"writing\n", Priority::High);
                Ok(lines.len())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let output = OUTPUT.get_or_init(|| output(Chatty));
        output.write_line(b"a\n", Priority::Low);
        close(output);
        assert_eq!(output.lost_lines(), 1);
    }

    #[test]
    fn what_is_below_a_warning_goes_first_where_there_is_no_room_for_all() {
        let (release, hangs) = mpsc::channel::<()>();
        struct Waits(mpsc::Receiver<()>, Scripted);
        impl Write for Waits {
            fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
                let _ = self.0.recv();
                self.1.write(lines)
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let writer = Scripted::default();
        let output = output(Waits(hangs, writer.clone()));
        for (line, priority) in [("i\n", Priority::Low), ("w\n", Priority::Normal), ("e\n", Priority::High)] {
            (0..1 << 20).for_each(|_| output.write_line(line.as_bytes(), priority));
        }
        drop(release);
        close(&output);
        let lines = writer.lines();
        let of = |text: &str| lines.iter().filter(|line| *line == text).count();
        // Three quarters of a mebibyte, another eighth, and the last one, by two bytes a line.
        assert_eq!([of("i"), of("w"), of("e")], [393_216, 65_536, 65_536]);
        assert_eq!(output.lost_lines(), 3 * (1 << 20) - (1 << 19));
    }
}
