//! The outlet: what lines are written to at last.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::thread;
use std::time::Duration;

/// How much a pipe takes whole or not at all: what POSIX promises everywhere is 512, and Linux keeps 4 KiB.
#[cfg(unix)]
const PIPE_BUF: usize = nix::libc::PIPE_BUF;

/// A writer of the app's own. It is shared with the children that the process forks.
pub(super) type SharedWriter = Arc<Mutex<Box<dyn Write + Send>>>;

/// Where bytes go. Only a file and a writer of the app's may block; the others take what has room at this moment.
pub(super) enum Outlet {
    /// A standard stream that leads to a file.
    File(Stream),
    /// A standard stream as it is, which is written to when it says that there is room.
    #[cfg(unix)]
    Polled(Stream),
    /// The pipe of a standard stream, opened once more so that writing does not block for us alone.
    #[cfg(target_os = "linux")]
    Pipe(std::fs::File),
    /// The socket of a standard stream, such as systemd's journal gives it.
    #[cfg(target_os = "linux")]
    Socket(Stream),
    Writer(SharedWriter),
}

/// A standard stream.
pub(super) enum Stream {
    Output(io::Stdout),
    Error(io::Stderr),
}

impl Outlet {
    /// Opens standard output as it is at this moment.
    pub(super) fn stdout() -> Self {
        Self::open(Stream::Output(io::stdout()))
    }

    /// Opens standard error as it is at this moment.
    pub(super) fn stderr() -> Self {
        Self::open(Stream::Error(io::stderr()))
    }

    #[cfg(target_os = "linux")]
    fn open(stream: Stream) -> Self {
        linux::open(stream)
    }

    #[cfg(all(unix, not(target_os = "linux")))]
    fn open(stream: Stream) -> Self {
        Self::Polled(stream)
    }

    #[cfg(not(unix))]
    fn open(stream: Stream) -> Self {
        Self::File(stream)
    }

    /// Returns how much of whole lines is to be written at once.
    ///
    /// A pipe takes up to 4 KiB whole or not at all, so what another process writes there cannot come to stand within a
    /// line; a longer line has to take its chance. Nor does a pipe with room block for that much.
    pub(super) fn portion<'a>(&self, lines: &'a [u8]) -> &'a [u8] {
        let whole = |end: usize| end + 1;
        let is_break = |byte: &u8| *byte == b'\n';
        match self {
            #[cfg(unix)]
            Self::Polled(_) if lines.len() > PIPE_BUF => {
                &lines[..lines[..PIPE_BUF].iter().rposition(is_break).map_or(PIPE_BUF, whole)]
            }
            #[cfg(target_os = "linux")]
            Self::Pipe(_) if lines.len() > PIPE_BUF => {
                let last = lines[..PIPE_BUF].iter().rposition(is_break);
                &lines[..last.or_else(|| lines.iter().position(is_break)).map_or(lines.len(), whole)]
            }
            _ => lines,
        }
    }

    /// Writes what there is room for, and tells how many bytes that was.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(stream) => stream.write(bytes),
            #[cfg(unix)]
            Self::Polled(_) if !self.has_room(Duration::ZERO) => Err(io::ErrorKind::WouldBlock.into()),
            #[cfg(unix)]
            Self::Polled(stream) => stream.write(bytes),
            #[cfg(target_os = "linux")]
            Self::Pipe(pipe) => Ok(nix::unistd::write(pipe, bytes)?),
            #[cfg(target_os = "linux")]
            Self::Socket(stream) => linux::send(stream, bytes),
            Self::Writer(writer) => lock(writer)?.write(bytes),
        }
    }

    /// Hands on what a writer of the app's keeps back.
    pub(super) fn flush(&self) -> io::Result<()> {
        match self {
            Self::Writer(writer) => lock(writer)?.flush(),
            _ => Ok(()),
        }
    }

    /// Waits until there may be room, or for a while.
    pub(super) fn wait_for_room(&self, most: Duration) {
        #[cfg(unix)]
        if self.fd().is_some() {
            if self.has_room(most) {
                // Where there is room for less than is asked for, waiting must not become a busy loop.
                thread::sleep(Duration::from_micros(50));
            }
            return;
        }
        thread::sleep(most.min(Duration::from_millis(5)));
    }

    /// Tells whether there is room, or the stream has something to say, within a time.
    #[cfg(unix)]
    fn has_room(&self, most: Duration) -> bool {
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
        let Some(fd) = self.fd() else { return true };
        let most = PollTimeout::try_from(most).unwrap_or(PollTimeout::ZERO);
        poll(&mut [PollFd::new(fd, PollFlags::POLLOUT)], most) != Ok(0)
    }

    #[cfg(unix)]
    fn fd(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        use std::os::fd::AsFd;
        match self {
            Self::File(stream) | Self::Polled(stream) => Some(stream.as_fd()),
            #[cfg(target_os = "linux")]
            Self::Socket(stream) => Some(stream.as_fd()),
            #[cfg(target_os = "linux")]
            Self::Pipe(pipe) => Some(pipe.as_fd()),
            Self::Writer(_) => None,
        }
    }
}

/// Takes hold of the app's writer. Only in a forked child can somebody else have it: a thread that the child lacks.
fn lock(writer: &SharedWriter) -> io::Result<MutexGuard<'_, Box<dyn Write + Send>>> {
    match writer.try_lock() {
        Ok(writer) => Ok(writer),
        Err(TryLockError::Poisoned(writer)) => Ok(writer.into_inner()),
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::Deadlock.into()),
    }
}

impl Stream {
    /// Writes past the buffer of the standard library, which neither counts what it keeps nor lets go of its lock.
    #[cfg(unix)]
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(nix::unistd::write(self, bytes)?)
    }

    #[cfg(not(unix))]
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Output(stream) => {
                let mut stream = stream.lock();
                stream.write_all(bytes)?;
                stream.flush()?;
            }
            Self::Error(stream) => stream.lock().write_all(bytes)?,
        }
        Ok(bytes.len())
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for Stream {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match self {
            Self::Output(stream) => stream.as_fd(),
            Self::Error(stream) => stream.as_fd(),
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{self, OpenOptions};
    use std::io;
    use std::os::fd::{AsFd, AsRawFd};
    use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};

    use nix::sys::socket::MsgFlags;

    use super::{Outlet, Stream};

    pub(super) fn open(stream: Stream) -> Outlet {
        let path = match stream {
            Stream::Output(_) => "/proc/self/fd/1",
            Stream::Error(_) => "/proc/self/fd/2",
        };
        let Ok(kind) = fs::metadata(path).map(|metadata| metadata.file_type()) else { return Outlet::Polled(stream) };
        if kind.is_socket() {
            return Outlet::Socket(stream);
        }
        if kind.is_file() {
            return Outlet::File(stream);
        }
        // Whether writing blocks is a property of the open pipe, which other processes share; so it is opened once
        // more. That is refused where nobody reads, and where the pipe is another user's.
        let again = || OpenOptions::new().write(true).custom_flags(nix::libc::O_NONBLOCK).open(path).ok();
        match kind.is_fifo().then(again).flatten() {
            Some(pipe) => Outlet::Pipe(pipe),
            None => Outlet::Polled(stream),
        }
    }

    pub(super) fn send(stream: &Stream, bytes: &[u8]) -> io::Result<usize> {
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        Ok(nix::sys::socket::send(stream.as_fd().as_raw_fd(), bytes, flags)?)
    }
}

/// Keeps a broken pipe an error on this thread, also in an app that lets the signal for it end the process.
pub(super) fn block_sigpipe() {
    #[cfg(unix)]
    {
        use nix::sys::signal::{SigSet, Signal};
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGPIPE);
        let _ = signals.thread_block();
    }
}
