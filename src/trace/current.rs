//! Where the calling thread is: in which trace, and in which span of it.

use std::cell::Cell;
use std::marker::PhantomData;

use super::context::TraceContext;

thread_local! {
    static CURRENT: Cell<Option<TraceContext>> = const { Cell::new(None) };
}

impl TraceContext {
    /// Makes this the calling thread's context until the guard is dropped.
    ///
    /// For work that is no future, such as a thread of the app's own; a future is given its context by
    /// [`carry`](super::carry).
    pub fn enter(self) -> Entered {
        let mut before = Some(self);
        swap(&mut before);
        Entered { before, thread: PhantomData }
    }
}

/// Keeps a context the thread's own; made by [`TraceContext::enter`].
#[derive(Debug)]
#[must_use = "the context is left again when this is dropped"]
pub struct Entered {
    before: Option<TraceContext>,
    /// It belongs to its thread.
    thread: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        swap(&mut self.before);
    }
}

/// Exchanges the thread's context for the one in the slot until the guard is dropped, without counting references.
#[inline]
pub(crate) fn swap_in(slot: &mut Option<TraceContext>) -> Swapped<'_> {
    swap(slot);
    Swapped(slot)
}

/// Keeps the thread's former context in a slot.
#[derive(Debug)]
pub(crate) struct Swapped<'a>(&'a mut Option<TraceContext>);

impl Drop for Swapped<'_> {
    #[inline]
    fn drop(&mut self) {
        swap(self.0);
    }
}

#[inline]
fn swap(slot: &mut Option<TraceContext>) {
    // A thread that is ending has no context.
    let _ = CURRENT.try_with(|current| *slot = current.replace(slot.take()));
}

/// Returns the context that the thread was given.
pub(crate) fn of_thread() -> Option<TraceContext> {
    let read = |current: &Cell<Option<TraceContext>>| {
        let context = current.take();
        current.set(context.clone());
        context
    };
    CURRENT.try_with(read).ok()?
}

/// Returns the context of the innermost span that is exported.
#[cfg(feature = "otlp")]
pub(super) fn of_span() -> Option<TraceContext> {
    crate::telemetry::otlp::current_context()
}

/// Returns the context of the innermost span that is exported.
#[cfg(not(feature = "otlp"))]
pub(super) const fn of_span() -> Option<TraceContext> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Remote;
    use crate::trace::random::Draws;
    use std::time::Duration;

    fn context() -> TraceContext {
        TraceContext::of_request(&mut Remote::read(&http::HeaderMap::new()), &mut Draws::at(Duration::ZERO))
    }

    #[test]
    fn a_context_is_the_threads_own_until_its_guard_is_dropped() {
        let (outer, inner) = (context(), context());
        assert_eq!(of_thread(), None);
        let entered = outer.clone().enter();
        {
            let _entered = inner.clone().enter();
            assert_eq!(of_thread(), Some(inner));
        }
        assert_eq!(of_thread(), Some(outer));
        drop(entered);
        assert_eq!(of_thread(), None);
    }

    #[test]
    fn a_slot_has_its_context_back_afterwards() {
        let context = context();
        let mut slot = Some(context.clone());
        let swapped = swap_in(&mut slot);
        assert_eq!(of_thread(), Some(context.clone()));
        drop(swapped);
        assert_eq!((slot, of_thread()), (Some(context), None));
    }
}
