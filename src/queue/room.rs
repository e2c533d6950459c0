//! Room: how much may wait for a sink, and who may use the last of it.

/// How much may wait for a sink, what is just being written included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// The most bytes. Default: 32 MiB.
    pub bytes: u64,
    /// The most items. Default: 100,000.
    pub items: u64,
}

impl Bound {
    /// No bound: for a sink whose queue is bounded by somebody else.
    pub const NONE: Self = Self { bytes: u64::MAX, items: u64::MAX };

    /// Tells whether one more item of this size has room beside what is queued.
    pub(super) fn has_room(&self, queued: u64, queued_bytes: u64, bytes: u64, priority: Priority) -> bool {
        queued < priority.share_of(self.items) && queued_bytes.saturating_add(bytes) <= priority.share_of(self.bytes)
    }

    /// Tells whether an item of this size has room in an empty queue.
    pub(super) fn is_ever_enough(&self, bytes: u64, priority: Priority) -> bool {
        self.has_room(0, 0, bytes, priority)
    }
}

impl Default for Bound {
    fn default() -> Self {
        Self { bytes: 32 << 20, items: 100_000 }
    }
}

/// How much an item matters when room runs short. What is queued is never taken out again: the last quarter of the room
/// is kept from what matters less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum Priority {
    /// May use three quarters of the room: traces, details, and what goes well.
    Low,
    /// May use seven eighths of the room: warnings and errors.
    #[default]
    Normal,
    /// May use all of the room: what somebody is called for.
    High,
}

impl Priority {
    fn share_of(self, whole: u64) -> u64 {
        match self {
            Self::Low => whole - whole / 4,
            Self::Normal => whole - whole / 8,
            Self::High => whole,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_the_room_is_kept_for_what_matters_more() {
        let bound = Bound { bytes: 800, items: 8 };
        let most = |priority| {
            let by_items = (0..).take_while(|&queued| bound.has_room(queued, 0, 1, priority)).count();
            let by_bytes = (0..).take_while(|&queued| bound.has_room(0, queued * 100, 100, priority)).count();
            (by_items, by_bytes)
        };
        assert_eq!(most(Priority::Low), (6, 6));
        assert_eq!(most(Priority::Normal), (7, 7));
        assert_eq!(most(Priority::High), (8, 8));
        assert!(Bound::NONE.has_room(1 << 40, 1 << 60, 1 << 50, Priority::High));
    }
}
