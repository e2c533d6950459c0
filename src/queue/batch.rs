//! A batch: items that left their queue, and the token that says what became of them.

use super::account::Account;
use crate::presets::monitoring::DropReason;

/// Items that left their queue together, in their order. They stay on the account as queued until the batch is consumed
/// by [`stored`](Self::stored) or [`dropped`](Self::dropped); let fall, they count as lost.
#[must_use = "a batch that is let fall counts its items as lost"]
#[derive(Debug)]
pub(crate) struct Batch<T> {
    pub(super) account: Account,
    pub(super) items: Vec<T>,
    /// What each item takes on the account.
    pub(super) sizes: Vec<u64>,
    pub(super) epoch: u64,
}

impl<T> Batch<T> {
    /// Returns the items.
    pub(crate) fn items(&self) -> &[T] {
        &self.items
    }

    /// Returns how many items there are; never none.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// Cuts the batch in two: the first `at` items stay, the others are returned.
    pub(crate) fn split_off(&mut self, at: usize) -> Self {
        let at = at.min(self.items.len());
        Self {
            account: self.account.clone(),
            items: self.items.split_off(at),
            sizes: self.sizes.split_off(at),
            epoch: self.epoch,
        }
    }

    /// Says that the sink has taken the items.
    pub(crate) fn stored(self) {
        self.settle(None);
    }

    /// Says that the items do not arrive, and why.
    pub(crate) fn dropped(self, reason: DropReason) {
        self.settle(Some(reason));
    }

    /// Says for each item, by its place, whether the sink has taken it or why it does not arrive.
    pub(crate) fn settle_each(mut self, dropped: impl Fn(usize) -> Option<DropReason>) {
        // One place for what is stored, and one for each reason.
        let mut sums = [(0, 0); 1 + DropReason::ALL.len()];
        for (at, size) in std::mem::take(&mut self.sizes).into_iter().enumerate() {
            let (items, bytes) = &mut sums[dropped(at).map_or(0, |reason| 1 + reason as usize)];
            *items += 1;
            *bytes += size;
        }
        let reasons = std::iter::once(None).chain(DropReason::ALL.iter().copied().map(Some));
        for ((items, bytes), reason) in sums.into_iter().zip(reasons).filter(|((items, _), _)| *items > 0) {
            self.account.settle(items, bytes, self.epoch, reason);
        }
    }

    /// Tells whether the items have been written off meanwhile, so that nothing depends on the batch any more.
    pub(crate) fn is_written_off(&self) -> bool {
        self.account.lock().is_written_off(self.epoch)
    }

    fn settle(mut self, dropped: Option<DropReason>) {
        self.leave(dropped);
    }

    fn leave(&mut self, dropped: Option<DropReason>) {
        let sizes = std::mem::take(&mut self.sizes);
        if !sizes.is_empty() {
            self.account.settle(sizes.len() as u64, sizes.iter().sum(), self.epoch, dropped);
        }
    }
}

impl<T> Drop for Batch<T> {
    fn drop(&mut self) {
        self.leave(Some(DropReason::Lost));
    }
}
