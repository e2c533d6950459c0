//! What each thread keeps of a layer: which request goes to which cells.

use std::cell::RefCell;
use std::hash::BuildHasher;
use std::rc::Rc;
use std::sync::Arc;

use http::Response;
use http_body::Body;

use super::answer;
#[cfg(feature = "axum")]
use super::arrival::Begun;
use super::block::Block;
use super::core::Core;
use super::options::UnmatchedPath;
use super::route::{Layout, Route, Routes, UNMATCHED};
use crate::metric::lease::Lease;
use crate::presets::http::Method;

/// How many paths a thread keeps; more share places, and the loser is looked up in the layer again.
const KEPT: usize = 256;

thread_local! {
    static LAYERS: RefCell<Vec<Local>> = const { RefCell::new(Vec::new()) };
}

/// Runs `act` on what the thread keeps of a layer; `None` when the layer's registry is gone.
///
/// While the thread is ending, or when `act` of an outer call is still running, a layer is made for this once: it
/// writes into the cells that all threads share.
pub(super) fn with<R>(id: u32, mut act: impl FnMut(&mut Local) -> R) -> Option<R> {
    with_kept(id, &mut act).or_else(|| with_new(id, act))
}

/// Does what [`with`] does as long as the thread is not ending and `act` of no outer call is running.
///
/// It calls `act` in one place, so that `act` is compiled into the caller, which saves a request some 20 instructions
/// each time. None means that nothing was done, and that [`with`] may do it.
#[inline]
pub(super) fn with_kept<R>(id: u32, act: impl FnOnce(&mut Local) -> R) -> Option<R> {
    let kept = LAYERS.try_with(|layers| {
        let mut layers = layers.try_borrow_mut().ok()?;
        // Nearly every process has one layer.
        let place = match layers.first() {
            Some(first) if first.id == id => 0,
            _ => place(&mut layers, id)?,
        };
        layers.get_mut(place).map(act)
    });
    kept.ok().flatten()
}

/// Runs `act` on a layer that is made for this once.
#[cold]
fn with_new<R>(id: u32, act: impl FnOnce(&mut Local) -> R) -> Option<R> {
    Some(act(&mut Local::new(Core::find(id)?, None)))
}

/// Returns the place of a layer; one that this thread has not met is looked up, and those whose registry is gone are
/// forgotten then.
#[inline(never)]
fn place(layers: &mut Vec<Local>, id: u32) -> Option<usize> {
    if let Some(place) = layers.iter().position(|layer| layer.id == id) {
        return Some(place);
    }
    let layer = Local::new(Core::find(id)?, Lease::current());
    layers.retain(|layer| layer.core.is_alive());
    layers.push(layer);
    Some(layers.len() - 1)
}

/// Which route a request belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// This one.
    Route(u32),
    /// None: it is not to be recorded.
    Skipped,
    /// One that a function of the app's own must name, or that has no room.
    Unknown,
}

/// One layer, as a thread knows it.
pub(super) struct Local {
    id: u32,
    /// Whether more is to be known of a request than its route: labels of the app's own.
    pub(super) more: bool,
    pub(super) core: Arc<Core>,
    layout: Layout,
    lease: Option<Rc<Lease>>,
    #[cfg(feature = "axum")]
    matched: Box<[Option<Matched>; KEPT]>,
    named: Box<[Option<Named>; KEPT]>,
    unmatched: [Option<u32>; Method::ALL.len()],
    blocks: Vec<Option<Rc<Block>>>,
    hasher: hashbrown::DefaultHashBuilder,
}

/// A path of axum's router, and where its requests go.
#[cfg(feature = "axum")]
struct Matched {
    known: Known,
    found: Found,
}

/// A path by its address, which nothing else can have while it is held here.
#[cfg(feature = "axum")]
struct Known {
    path: axum::extract::MatchedPath,
    method: Method,
}

#[cfg(feature = "axum")]
impl Known {
    #[inline]
    fn is(&self, method: Method, path: &axum::extract::MatchedPath) -> bool {
        std::ptr::eq(self.path.as_str(), path.as_str()) && self.method == method
    }
}

/// The place where a path is kept.
#[cfg(feature = "axum")]
#[inline]
fn place_of(method: Method, path: &axum::extract::MatchedPath) -> usize {
    ((path.as_str().as_ptr().addr() >> 4) ^ ((method as usize) << 4)) % KEPT
}

/// A path by its text.
struct Named {
    path: Box<str>,
    method: Method,
    found: Found,
}

impl Local {
    fn new(core: Arc<Core>, lease: Option<Rc<Lease>>) -> Self {
        Self {
            id: core.id,
            more: !core.options.labels.is_empty(),
            layout: core.routes.layout.clone(),
            core,
            lease,
            #[cfg(feature = "axum")]
            matched: Box::new([const { None }; KEPT]),
            named: Box::new([const { None }; KEPT]),
            unmatched: [None; Method::ALL.len()],
            blocks: Vec::new(),
            hasher: hashbrown::DefaultHashBuilder::default(),
        }
    }

    /// Counts a request as begun whose route is kept by the address of its path; `None` where nothing was done.
    #[cfg(feature = "axum")]
    #[inline]
    pub(super) fn enter_known(
        &mut self,
        method: Method,
        path: &axum::extract::MatchedPath,
        body: Option<u64>,
    ) -> Option<Begun> {
        match &self.matched[place_of(method, path)] {
            Some(Matched { known, found: Found::Route(route) }) if known.is(method, path) => {
                let (route, more) = (*route, self.more);
                self.enter(route, body).then_some(Begun { route, more })
            }
            _ => None,
        }
    }

    /// Finds the route of a path that axum's router matched, and keeps it by the path's address.
    #[cfg(feature = "axum")]
    pub(super) fn matched(&mut self, method: Method, path: &axum::extract::MatchedPath) -> Found {
        let place = place_of(method, path);
        if let Some(Matched { known, found }) = &self.matched[place]
            && known.is(method, path)
        {
            return *found;
        }
        let found = self.named(method, path.as_str(), Routes::matched);
        self.matched[place] = Some(Matched { known: Known { path: path.clone(), method }, found });
        found
    }

    /// Finds the route of a path by its text, and keeps it.
    #[inline(never)]
    pub(super) fn named(
        &mut self,
        method: Method,
        path: &str,
        route: impl FnOnce(&Routes, Method, &str) -> Option<Arc<Route>>,
    ) -> Found {
        let place = self.hasher.hash_one((path, method as usize)) as usize % KEPT;
        if let Some(known) = &self.named[place]
            && known.method == method
            && *known.path == *path
        {
            return known.found;
        }
        let found = if self.core.options.skips(path) {
            Found::Skipped
        } else {
            let Some(route) = route(&self.core.routes, method, path) else { return Found::Unknown };
            let found = Found::Route(route.index);
            if *route.path != *path {
                // The overflow is not kept, so that each request that goes there is counted as such.
                return found;
            }
            found
        };
        self.named[place] = Some(Named { path: path.into(), method, found });
        found
    }

    /// Finds the route of a request that no route matched, unless the app's choice needs more than its path.
    #[inline(never)]
    pub(super) fn unmatched(&mut self, method: Method, path: &str) -> Found {
        if self.core.options.skips(path) {
            return Found::Skipped;
        }
        if !matches!(self.core.options.unmatched, UnmatchedPath::OneValue) {
            return Found::Unknown;
        }
        self.one_value(method)
    }

    /// Finds the route that all unmatched requests of a method share.
    pub(super) fn one_value(&mut self, method: Method) -> Found {
        if self.unmatched[method as usize].is_none() {
            self.unmatched[method as usize] = self.core.routes.matched(method, UNMATCHED).map(|route| route.index);
        }
        self.unmatched[method as usize].map_or(Found::Unknown, Found::Route)
    }

    /// Returns the layer, how its blocks are laid out, and the block of a route in this thread's shard.
    #[inline]
    pub(super) fn at(&mut self, route: u32) -> Option<(&Core, &Layout, &Rc<Block>)> {
        let index = route as usize;
        if !matches!(self.blocks.get(index), Some(Some(_))) {
            self.open(route)?;
        }
        Some((&self.core, &self.layout, self.blocks.get(index)?.as_ref()?))
    }

    #[cold]
    fn open(&mut self, index: u32) -> Option<()> {
        let route = self.core.routes.get(index)?;
        let cells = &self.core.routes.cells;
        let (chunk, shared) = match &self.lease {
            Some(lease) => (cells.open_in(lease, route.block), lease.is_shared()),
            None => (cells.open_shared(route.block), true),
        };
        let block = Block::new(route, chunk, shared);
        let index = index as usize;
        if self.blocks.len() <= index {
            self.blocks.resize_with(index + 1, || None);
        }
        self.blocks[index] = Some(Rc::new(block));
        Some(())
    }

    /// Counts a request as begun, and its body where its size is known.
    #[inline]
    pub(super) fn enter(&mut self, route: u32, body: Option<u64>) -> bool {
        let Some((_, layout, block)) = self.at(route) else { return false };
        block.enter(layout, body);
        true
    }

    /// Records an answer in one go if it is what nearly all are; says whether it did.
    #[inline]
    pub(super) fn answer<B: Body>(&mut self, route: u32, response: &Response<B>, ticks: u64) -> bool {
        if let Some((core, layout, block)) = self.at(route)
            && let Some(bytes) = answer::plain(response, block.route.method, core.options.to_end_of_body)
            && let Some(code) = block.route.code(response.status().as_u16())
        {
            block.answer(layout, code, ticks, bytes);
            return true;
        }
        false
    }
}
