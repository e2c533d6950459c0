//! What a layer and all its services share, found by a number.
//!
//! A service is cloned for every request, and an `Arc` in it would be a counter that all threads write. It holds
//! the layer's number instead; each thread looks the layer up once and keeps it. That table, and what each thread
//! keeps of it, is the hidden global state of the HTTP layer. A layer lives as long as its registry: when the
//! registry is gone nobody can scrape it, and its services record nothing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, PoisonError, RwLock, Weak};

use super::clock::Moment;
use super::options::Options;
use super::route::Routes;
use crate::metric::{RegisterError, Registry};

/// One layer: its routes and what it was told.
pub(super) struct Core {
    pub(super) id: u32,
    pub(super) routes: Routes,
    pub(super) options: Options,
    registry: Weak<()>,
}

static NEXT: AtomicU32 = AtomicU32::new(0);
static LAYERS: LazyLock<RwLock<HashMap<u32, Weak<Core>>>> = LazyLock::new(RwLock::default);

impl Core {
    /// The number of no layer.
    pub(super) const NONE: u32 = u32::MAX;

    /// Registers the layer's metrics and gives it a number.
    pub(super) fn register(registry: &Registry, options: Options) -> Result<u32, RegisterError> {
        Moment::prepare();
        let alive = Arc::new(());
        let core = Arc::new(Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            routes: Routes::register(registry, &options)?,
            options,
            registry: Arc::downgrade(&alive),
        });
        let mut layers = LAYERS.write().unwrap_or_else(PoisonError::into_inner);
        layers.retain(|_, layer| layer.strong_count() > 0);
        layers.insert(core.id, Arc::downgrade(&core));
        registry.keep(alive);
        let id = core.id;
        registry.keep(core);
        Ok(id)
    }

    /// Returns the layer of this number; `None` when its registry is gone.
    pub(super) fn find(id: u32) -> Option<Arc<Self>> {
        LAYERS.read().unwrap_or_else(PoisonError::into_inner).get(&id)?.upgrade().filter(|core| core.is_alive())
    }

    /// Tells whether anybody could still scrape what is recorded.
    pub(super) fn is_alive(&self) -> bool {
        self.registry.strong_count() > 0
    }
}
