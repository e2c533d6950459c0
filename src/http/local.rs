//! What each thread keeps of a layer: which request goes to which cells.

use std::cell::RefCell;
use std::hash::BuildHasher;
use std::rc::Rc;
use std::sync::Arc;

use super::core::Core;
use super::options::UnmatchedPath;
use super::route::{Distribution, Layout, Route, Routes, UNMATCHED};
use crate::metric::cell::{CHUNK, Chunk, add_to};
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
#[inline]
pub(super) fn with<R>(id: u32, mut act: impl FnMut(&mut Local) -> R) -> Option<R> {
    let done = LAYERS.try_with(|layers| {
        let mut layers = layers.try_borrow_mut().ok()?;
        match layers.iter_mut().find(|layer| layer.id == id) {
            Some(layer) => Some(Some(act(layer))),
            None => Some(meet(&mut layers, id).map(&mut act)),
        }
    });
    match done {
        Ok(Some(answer)) => answer,
        _ => for_once(id, act),
    }
}

#[cold]
fn for_once<R>(id: u32, mut act: impl FnMut(&mut Local) -> R) -> Option<R> {
    Some(act(&mut Local::new(Core::find(id)?, None)))
}

/// Looks a layer up for the first time in this thread, and forgets those whose registry is gone.
#[cold]
fn meet(layers: &mut Vec<Local>, id: u32) -> Option<&mut Local> {
    let layer = Local::new(Core::find(id)?, Lease::current());
    layers.retain(|layer| layer.core.is_alive());
    layers.push(layer);
    layers.last_mut()
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
    pub(super) core: Arc<Core>,
    layout: Layout,
    lease: Option<Rc<Lease>>,
    #[cfg(feature = "axum")]
    matched: Box<[Option<Matched>]>,
    named: Box<[Option<Named>]>,
    unmatched: [Option<u32>; Method::ALL.len()],
    blocks: Vec<Option<Rc<Block>>>,
    hasher: hashbrown::DefaultHashBuilder,
}

/// A path of axum's router by its address, which nothing else can have while it is held here.
#[cfg(feature = "axum")]
struct Matched {
    path: axum::extract::MatchedPath,
    method: Method,
    found: Found,
}

/// A path by its text.
struct Named {
    path: Box<str>,
    method: Method,
    found: Found,
}

/// A route's cells in this thread's shard.
pub(super) struct Block {
    pub(super) route: Arc<Route>,
    chunk: Arc<Chunk>,
    /// Where the block begins in its chunk.
    base: usize,
    shared: bool,
}

impl Block {
    /// Adds to one of the block's cells.
    #[inline]
    pub(super) fn add(&self, cell: usize, by: u64) {
        // A block lies in one chunk, so this never wraps; the remainder saves a check.
        add_to(&self.chunk[(self.base + cell) % CHUNK], by, self.shared);
    }

    /// Observes a value.
    #[inline]
    pub(super) fn observe(&self, histogram: &Distribution, ticks: u64) -> usize {
        let bucket = histogram.bucket(ticks);
        self.add(histogram.at + bucket, 1);
        if ticks > 0 {
            self.add(histogram.sum(), ticks);
        }
        bucket
    }

    pub(super) const fn is_shared(&self) -> bool {
        self.shared
    }
}

impl Local {
    fn new(core: Arc<Core>, lease: Option<Rc<Lease>>) -> Self {
        Self {
            id: core.id,
            layout: core.routes.layout.clone(),
            core,
            lease,
            #[cfg(feature = "axum")]
            matched: std::iter::repeat_with(|| None).take(KEPT).collect(),
            named: std::iter::repeat_with(|| None).take(KEPT).collect(),
            unmatched: [None; Method::ALL.len()],
            blocks: Vec::new(),
            hasher: hashbrown::DefaultHashBuilder::default(),
        }
    }

    /// Finds the route of a path that axum's router matched.
    #[cfg(feature = "axum")]
    #[inline]
    pub(super) fn matched(&mut self, method: Method, path: &axum::extract::MatchedPath) -> Found {
        let text = path.as_str();
        let place = (text.as_ptr().addr() >> 4).wrapping_add(method as usize * 37) % KEPT;
        if let Some(known) = &self.matched[place]
            && std::ptr::eq(known.path.as_str(), text)
            && known.method == method
        {
            return known.found;
        }
        let found = self.named(method, text, Routes::matched);
        self.matched[place] = Some(Matched { path: path.clone(), method, found });
        found
    }

    /// Finds the route of a path by its text, and keeps it.
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
        let block = Block { chunk, base: route.block.offset(), shared, route };
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
        block.add(Layout::IN_FLIGHT, 1);
        if let Some(bytes) = body {
            block.observe(&layout.request_body, bytes);
        }
        true
    }
}
