//! The store in memory: bounded, gone with the process, and there without anything to install.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! use std::sync::Arc;
//! use watchkeeper::Timestamp;
//! use watchkeeper::event::{Event, Level, TimeWindow};
//! use watchkeeper::store::{EventQuery, EventStore, Memory, Scope};
//!
//! let store = Memory::new();
//! let (event, _) = Event::log("checkout").level(Level::Error).accept(TimeWindow::default(), Timestamp::now());
//! store.append_events(&[Arc::new(event)]).await?;
//! let page = store.events(&EventQuery::new(Scope::All).at_least(Level::Warn)).await?;
//! assert_eq!(page.items[0].source(), "checkout");
//! # Ok::<(), watchkeeper::store::StoreError>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod alert;
mod audit;
mod event;
mod incident;
mod lease;
mod minutes;
mod names;
mod ring;
mod sample;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use self::alert::Alerts;
use self::audit::Audit;
use self::incident::Incidents;
use self::lease::Leases;
use self::minutes::Minutes;
use self::ring::{Kept, Ring};
use super::{Order, Page, Paging};
use crate::event::Event;
use crate::id::Id;
use crate::sample::Sample;

/// The bounds of a store in memory. Where one is reached, the oldest give way; of incidents, the oldest that are over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryLimits {
    /// The most events. Default: 100,000.
    pub events: usize,
    /// The most bytes that events take. Default: 64 MiB.
    pub event_bytes: usize,
    /// The most samples. Default: 200,000.
    pub samples: usize,
    /// The most bytes that samples take. Default: 64 MiB.
    pub sample_bytes: usize,
    /// The most bytes that incidents and their timelines take. Default: 16 MiB.
    ///
    /// When all that is left are active incidents, further ones are refused as `Full`.
    pub incident_bytes: usize,
    /// The most bytes that the audit takes. Default: 8 MiB.
    pub audit_bytes: usize,
    /// The most alert rules; further ones are refused as `Full`. Default: 1,000.
    pub rules: usize,
    /// The most alerts; further ones are refused as `Full`. Default: 10,000.
    pub alerts: usize,
}

impl Default for MemoryLimits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            events: 100_000,
            event_bytes: 64 * MIB,
            samples: 200_000,
            sample_bytes: 64 * MIB,
            incident_bytes: 16 * MIB,
            audit_bytes: 8 * MIB,
            rules: 1_000,
            alerts: 10_000,
        }
    }
}

/// How many things are put in under one lock: readers come in between, however late the things are.
const AT_ONCE: usize = 100;

/// Keeps everything in memory, within bounds. Cloning it copies a handle.
#[derive(Clone)]
pub struct Memory {
    inner: Arc<Inner>,
}

struct Inner {
    events: RwLock<Series<Event>>,
    samples: RwLock<Series<Sample>>,
    incidents: RwLock<Incidents>,
    alerts: RwLock<Alerts>,
    audit: RwLock<Audit>,
    leases: RwLock<Leases>,
}

/// Things that come one after the other, and how many came.
struct Series<T> {
    ring: Ring<T>,
    minutes: Minutes,
}

impl<T: Kept> Series<T> {
    fn new(max_items: usize, max_bytes: usize) -> RwLock<Self> {
        RwLock::new(Self { ring: Ring::new(max_items, max_bytes), minutes: Minutes::default() })
    }
}

impl Memory {
    /// Makes an empty store with the default limits.
    pub fn new() -> Self {
        Self::with_limits(MemoryLimits::default())
    }

    /// Makes an empty store.
    pub fn with_limits(limits: MemoryLimits) -> Self {
        Self {
            inner: Arc::new(Inner {
                events: Series::new(limits.events, limits.event_bytes),
                samples: Series::new(limits.samples, limits.sample_bytes),
                incidents: RwLock::new(Incidents::new(limits.incident_bytes)),
                alerts: RwLock::new(Alerts::new(limits.rules, limits.alerts)),
                audit: RwLock::new(Audit::new(limits.audit_bytes)),
                leases: RwLock::default(),
            }),
        }
    }

    /// Returns the bytes that the events take that are here now, about.
    pub fn event_bytes(&self) -> usize {
        read(&self.inner.events).ring.bytes()
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let events = read(&self.inner.events).ring.len();
        let samples = read(&self.inner.samples).ring.len();
        f.debug_struct("Memory").field("events", &events).field("samples", &samples).finish_non_exhaustive()
    }
}

/// A panic under the lock leaves what is there in order, since each step leaves it so.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// Takes a page of things that come oldest first.
fn page<'a, T: Clone + 'a>(
    paging: &Paging,
    found: impl DoubleEndedIterator<Item = &'a T>,
    id: impl Fn(&T) -> Id,
) -> Page<T> {
    let page = match paging.order() {
        Order::OldestFirst => paging.page(found, |item| id(item)),
        Order::NewestFirst => paging.page(found.rev(), |item| id(item)),
    };
    Page { items: page.items.into_iter().cloned().collect(), next: page.next }
}
