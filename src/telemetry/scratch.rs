//! The buffers in which a line is put together, reused from line to line of a thread.

use std::cell::Cell;

use super::clock::Stamp;
use super::names::Names;
use super::trail::Trail;

/// The most capacity a buffer keeps for the next line, in bytes.
const KEPT_BYTES: usize = 64 * 1024;

/// The deepest nesting of lines: a `Debug` implementation may log while it is being logged, but not without end.
const MAX_DEPTH: u8 = 8;

thread_local! {
    static SPARE: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
    static DEPTH: Cell<u8> = const { Cell::new(0) };
}

/// The buffers of one line.
#[derive(Default)]
pub(super) struct Scratch {
    /// The line, or the fields of a span being made.
    pub(super) line: String,
    /// The enclosing spans.
    pub(super) trail: Trail,
    pub(super) stamp: Stamp,
    pub(super) names: Names,
}

impl Scratch {
    /// Lends the thread's buffers, emptied; a line begun within a line gets buffers of its own. `None` where lines are
    /// nested too deeply.
    pub(super) fn lend<T>(borrower: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let _depth = Depth::enter()?;
        // A thread that is ending has no spare any more.
        let mut scratch = SPARE.try_with(Cell::take).ok().flatten().unwrap_or_default();
        scratch.line.clear();
        scratch.trail.clear();
        let result = borrower(&mut scratch);
        for buffer in [&mut scratch.line, &mut scratch.trail.text] {
            if buffer.capacity() > KEPT_BYTES {
                *buffer = String::new();
            }
        }
        let _ = SPARE.try_with(|spare| spare.set(Some(scratch)));
        Some(result)
    }
}

struct Depth;

impl Depth {
    fn enter() -> Option<Self> {
        let depth = DEPTH.get();
        (depth < MAX_DEPTH).then(|| {
            DEPTH.set(depth + 1);
            Self
        })
    }
}

impl Drop for Depth {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_huge_line_does_not_keep_its_memory() {
        Scratch::lend(|scratch| scratch.line.reserve(KEPT_BYTES * 2));
        assert_eq!(Scratch::lend(|scratch| scratch.line.capacity()), Some(0));
    }

    #[test]
    fn lines_within_lines_end_somewhere() {
        fn nest() -> u8 {
            Scratch::lend(|_| 1 + nest()).unwrap_or(0)
        }
        assert_eq!(nest(), MAX_DEPTH);
        assert_eq!(nest(), MAX_DEPTH);
    }
}
