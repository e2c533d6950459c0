//! A piece of work, such as a request: what is known of it, its breadcrumbs, and its hub.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sentry::protocol::Breadcrumb;
use sentry::{Hub, HubSwitchGuard};

use super::fields::RequestFields;
use crate::telemetry::ids::SpanIds;

/// How many breadcrumbs a piece of work keeps: the last ones.
const MOST_CRUMBS: usize = 50;

/// What belongs to one request, or to whatever else begins with a span that has no parent. Nothing in it is ever seen by
/// another.
pub(super) struct Work {
    /// What the app tells the `sentry` crate meanwhile ends here.
    pub(super) hub: Arc<Hub>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    request: RequestFields,
    crumbs: VecDeque<Breadcrumb>,
}

impl Work {
    pub(super) fn begin(request: RequestFields) -> Arc<Self> {
        let hub = Arc::new(Hub::new_from_top(Hub::main()));
        Arc::new(Self { hub, state: Mutex::new(State { request, ..State::default() }) })
    }

    pub(super) fn merge(&self, later: RequestFields) {
        self.state().request.merge(later);
    }

    pub(super) fn add(&self, crumb: Breadcrumb) {
        let mut state = self.state();
        if state.crumbs.len() >= MOST_CRUMBS {
            state.crumbs.pop_front();
        }
        state.crumbs.push_back(crumb);
    }

    /// Returns what is known of the request, and the breadcrumbs so far.
    pub(super) fn so_far(&self) -> (RequestFields, Vec<Breadcrumb>) {
        let state = self.state();
        (state.request.clone(), state.crumbs.iter().cloned().collect())
    }

    /// Nothing of the app's runs under this lock.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

thread_local! {
    static ENTERED: RefCell<Vec<Entered>> = const { RefCell::new(Vec::new()) };
    /// Whether the thread's own hub is there already.
    static HAS_HUB: Cell<bool> = const { Cell::new(false) };
}

/// A span that this thread is in.
struct Entered {
    work: Arc<Work>,
    ids: Option<SpanIds>,
    _hub: HubSwitchGuard,
}

/// Notes that this thread has entered a span of a piece of work.
pub(super) fn enter(work: &Arc<Work>, ids: Option<SpanIds>) {
    // Made before the list, the hub outlives it: where the list is still there, so is the hub, even while a thread ends.
    if !HAS_HUB.replace(true) {
        drop(Hub::current());
    }
    let _ = ENTERED.try_with(|entered| {
        if let Ok(mut entered) = entered.try_borrow_mut() {
            let hub = HubSwitchGuard::new(Arc::clone(&work.hub));
            entered.push(Entered { work: Arc::clone(work), ids, _hub: hub });
        }
    });
}

/// Notes that this thread has left a span of a piece of work.
pub(super) fn exit(work: &Arc<Work>) {
    let left = ENTERED.try_with(|entered| {
        let mut entered = entered.try_borrow_mut().ok()?;
        let last = entered.iter().rposition(|span| Arc::ptr_eq(&span.work, work))?;
        Some(entered.remove(last))
    });
    drop(left);
}

/// Returns the piece of work that this thread is at, and the ids of the span.
pub(super) fn current() -> Option<(Arc<Work>, Option<SpanIds>)> {
    let last = |entered: &RefCell<Vec<Entered>>| {
        entered.try_borrow().ok()?.last().map(|span| (Arc::clone(&span.work), span.ids))
    };
    ENTERED.try_with(last).ok()?
}
