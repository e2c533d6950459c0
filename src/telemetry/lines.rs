//! Lines that wait to be written, in blocks of bytes: no allocation for a line, and memory that goes back once a flood
//! of them is over.

use std::collections::VecDeque;

/// How many bytes a block has room for: as many as a pipe takes at once.
const BLOCK_BYTES: usize = 64 * 1024;

/// A line longer than this gets a block of its own size.
const LONG_LINE_BYTES: usize = BLOCK_BYTES / 4;

/// The waiting lines, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Lines {
    blocks: VecDeque<Block>,
    /// Kept empty, so that a quiet app does not allocate.
    spare: Option<Vec<u8>>,
}

/// Whole lines, each with its line break, to be written together.
#[derive(Debug, Default)]
pub(super) struct Block {
    text: Vec<u8>,
    /// Where the lines end that are not the app's but tell about losses: those are in no account.
    notices: Vec<usize>,
    /// The epoch of the account that all of the lines are of.
    epoch: u64,
    /// How many bytes are done with.
    done: usize,
    /// How many bytes of whole lines are settled with the account.
    settled: usize,
}

/// Lines that are settled together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Settlement {
    pub(super) lines: u64,
    pub(super) bytes: u64,
    pub(super) epoch: u64,
}

impl Lines {
    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Adds an app's line behind the others.
    pub(super) fn push(&mut self, line: &[u8], epoch: u64) {
        self.block_for(line, epoch).text.extend_from_slice(line);
    }

    /// Adds a line that is in no account.
    pub(super) fn push_notice(&mut self, line: &[u8]) {
        let epoch = self.blocks.back().map_or(0, |block| block.epoch);
        let block = self.block_for(line, epoch);
        block.text.extend_from_slice(line);
        block.notices.push(block.text.len());
    }

    fn block_for(&mut self, line: &[u8], epoch: u64) -> &mut Block {
        let has_room = |block: &Block| {
            (block.epoch == epoch || block.text.len() == block.notices.last().map_or(0, |end| *end))
                && block.text.capacity() - block.text.len() >= line.len()
        };
        if !self.blocks.back().is_some_and(has_room) {
            let text = if line.len() > LONG_LINE_BYTES {
                // What stays free in the block before is given back: long lines shall not cost twice.
                if let Some(last) = self.blocks.back_mut() {
                    last.text.shrink_to_fit();
                }
                Vec::with_capacity(line.len())
            } else {
                self.spare.take().unwrap_or_else(|| Vec::with_capacity(BLOCK_BYTES))
            };
            self.blocks.push_back(Block { text, epoch, ..Block::default() });
        }
        let last = self.blocks.len() - 1;
        &mut self.blocks[last]
    }

    /// Takes the oldest lines, as many as are to be written together.
    pub(super) fn take(&mut self) -> Option<Block> {
        self.blocks.pop_front()
    }

    /// Takes a block back that is done with.
    pub(super) fn give_back(&mut self, mut block: Block) {
        if self.spare.is_none() && block.text.capacity() == BLOCK_BYTES {
            block.text.clear();
            self.spare = Some(block.text);
        }
    }

    /// Throws all lines away.
    pub(super) fn clear(&mut self) {
        self.blocks.clear();
    }
}

impl Block {
    /// Returns what is still to be written.
    pub(super) fn rest(&self) -> &[u8] {
        &self.text[self.done..]
    }

    /// Notes that so many bytes were written.
    pub(super) fn wrote(&mut self, bytes: usize) {
        self.done = (self.done + bytes).min(self.text.len());
    }

    /// Tells whether what was written ends within a line.
    pub(super) fn is_within_line(&self) -> bool {
        self.done > 0 && self.text[self.done - 1] != b'\n'
    }

    /// Returns the lines that have been written whole and are not settled yet.
    pub(super) fn settle_written(&mut self) -> Settlement {
        let written = &self.text[self.settled..self.done];
        let end = written.iter().rposition(|byte| *byte == b'\n').map_or(self.settled, |at| self.settled + at + 1);
        self.settle_to(end)
    }

    /// Returns the lines that are not settled yet, written or not; the block is done with then.
    pub(super) fn settle_rest(&mut self) -> Settlement {
        let end = self.text.len();
        self.settle_to(end)
    }

    fn settle_to(&mut self, end: usize) -> Settlement {
        let text = &self.text[self.settled..end];
        let mut lines = text.iter().filter(|byte| **byte == b'\n').count() as u64;
        let mut bytes = text.len() as u64;
        for notice in self.notices.iter().filter(|notice| (self.settled + 1..=end).contains(*notice)) {
            let start = self.text[..notice - 1].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            lines -= 1;
            bytes -= (notice - start) as u64;
        }
        self.settled = end;
        Settlement { lines, bytes, epoch: self.epoch }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_lines_are_settled_and_notices_are_not() {
        let mut lines = Lines::default();
        lines.push(b"first\n", 7);
        lines.push_notice(b"a notice\n");
        lines.push(b"last\n", 7);
        let mut block = lines.take().unwrap();
        assert!(lines.is_empty());

        block.wrote(8);
        assert!(block.is_within_line());
        assert_eq!(block.settle_written(), Settlement { lines: 1, bytes: 6, epoch: 7 });
        assert_eq!(block.rest(), b"notice\nlast\n");
        block.wrote(9);
        assert_eq!(block.settle_written(), Settlement { lines: 0, bytes: 0, epoch: 7 });
        assert_eq!(block.settle_rest(), Settlement { lines: 1, bytes: 5, epoch: 7 });
        assert_eq!(block.settle_rest(), Settlement { lines: 0, bytes: 0, epoch: 7 });
    }

    #[test]
    fn a_block_holds_lines_of_one_epoch() {
        let mut lines = Lines::default();
        lines.push(b"before\n", 0);
        lines.push(b"after\n", 1);
        assert_eq!(lines.take().unwrap().rest(), b"before\n");
        assert_eq!(lines.take().unwrap().settle_rest(), Settlement { lines: 1, bytes: 6, epoch: 1 });
    }

    #[test]
    fn waiting_lines_cost_little_more_than_their_bytes() {
        let mut lines = Lines::default();
        for length in [10, 5_000, 40_000, 200_000].repeat(100) {
            lines.push(&vec![b'x'; length], 0);
        }
        let (used, held) = lines
            .blocks
            .iter()
            .fold((0, 0), |(used, held), block| (used + block.text.len(), held + block.text.capacity()));
        assert!(held < used + used / 8, "{held} bytes are held for {used}");
    }

    #[test]
    fn one_block_is_used_again_and_again() {
        let mut lines = Lines::default();
        lines.push(b"a\n", 0);
        let block = lines.take().unwrap();
        let address = block.text.as_ptr();
        lines.give_back(block);
        lines.push(b"b\n", 0);
        let block = lines.take().unwrap();
        assert_eq!((block.text.as_ptr(), block.rest()), (address, &b"b\n"[..]));
    }
}
