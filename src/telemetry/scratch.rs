//! The buffers in which a line is put together, reused from line to line of a thread.

use std::cell::Cell;
use std::mem;
use std::ops::{Deref, DerefMut};

use super::clock::Stamp;
use super::trail::Trail;

/// The most capacity a buffer keeps for the next line, in bytes.
const KEPT_BYTES: usize = 64 * 1024;

/// The deepest nesting of lines: a `Debug` implementation may log while it is being logged, but not without end.
const MAX_DEPTH: u8 = 8;

thread_local! {
    static SPARE: Cell<Buffers> = Cell::default();
    static DEPTH: Cell<u8> = const { Cell::new(0) };
}

#[derive(Default)]
pub(super) struct Buffers {
    /// The line, or the fields of a span being made.
    pub(super) line: String,
    /// The enclosing spans, root first.
    pub(super) trail: Trail,
    pub(super) stamp: Stamp,
}

/// Buffers on loan; a line begun within a line gets buffers of its own.
pub(super) struct Scratch(Buffers);

impl Scratch {
    /// Lends the thread's buffers, emptied; `None` where lines are nested too deeply.
    pub(super) fn take() -> Option<Self> {
        let depth = DEPTH.get();
        if depth >= MAX_DEPTH {
            return None;
        }
        DEPTH.set(depth + 1);
        // A thread that is ending has no spare any more.
        let mut buffers = SPARE.try_with(Cell::take).unwrap_or_default();
        buffers.line.clear();
        buffers.trail.clear();
        Some(Self(buffers))
    }
}

impl Deref for Scratch {
    type Target = Buffers;

    fn deref(&self) -> &Buffers {
        &self.0
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut Buffers {
        &mut self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
        let mut buffers = mem::take(&mut self.0);
        for buffer in [&mut buffers.line, &mut buffers.trail.text] {
            if buffer.capacity() > KEPT_BYTES {
                *buffer = String::new();
            }
        }
        let _ = SPARE.try_with(|spare| spare.set(buffers));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_huge_line_does_not_keep_its_memory() {
        Scratch::take().unwrap().line.reserve(KEPT_BYTES * 2);
        assert_eq!(Scratch::take().unwrap().line.capacity(), 0);
    }

    #[test]
    fn lines_within_lines_end_somewhere() {
        let open: Vec<_> = std::iter::from_fn(Scratch::take).collect();
        assert_eq!(open.len(), usize::from(MAX_DEPTH));
        drop(open);
        assert!(Scratch::take().is_some());
    }
}
