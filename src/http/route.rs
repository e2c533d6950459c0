//! Routes: the cells of one method and path, laid out side by side.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::metric::cell::{CellIndex, Cells};
use crate::metric::family::Family;
use crate::metric::series::Spot;
use crate::metric::shape::LabelShape;
use crate::metric::{OVERFLOW, Part, RegisterError, Registry};
use crate::presets::http as metrics;
use crate::presets::http::{Method, Outcome};
use crate::sanitise;

use super::options::Options;

/// The path label of every request that no route matched.
pub const UNMATCHED: &str = "unmatched";

/// How many statuses of a route have a cell in its block; further ones take the slow way.
pub(super) const CODES: usize = 16;

/// How much text the routes of patterns may add to a scrape, in bytes, as [`Layout::text`] reckons it: with what an app
/// has besides, a scrape stays below 1 MiB however many paths are made up.
const PATTERN_TEXT: usize = 640 * 1024;

/// The families that the layer records into.
#[derive(Debug)]
pub(super) struct Families {
    pub(super) requests: Arc<Family>,
    pub(super) duration: Arc<Family>,
    in_flight: Arc<Family>,
    outcomes: Arc<Family>,
    pub(super) request_body: Arc<Family>,
    pub(super) response_body: Arc<Family>,
    pub(super) connections: Arc<Family>,
}

impl Families {
    /// Registers the families; the app's own labels stand on the requests and their duration.
    pub(super) fn register(registry: &Registry, options: &Options) -> Result<Self, RegisterError> {
        let own_labels = !options.labels.is_empty();
        let family = |meta: &crate::metric::Meta, own: bool| {
            registry.family_shaped(meta, |shape| {
                // The router bounds the paths, or the cap on routes below does; a status has three digits.
                shape.labels.iter_mut().for_each(|label| label.capped = false);
                shape.exemplars &= options.exemplars;
                // A route too many is counted once, with the requests.
                shape.overflows = (own && own_labels) || *meta == metrics::REQUESTS.meta;
                if own {
                    shape.labels.extend(options.labels.iter().map(|(name, _)| LabelShape::open(name)));
                }
            })
        };
        Ok(Self {
            requests: family(&metrics::REQUESTS.meta, true)?,
            duration: family(&metrics::REQUEST_DURATION.meta, true)?,
            in_flight: family(&metrics::REQUESTS_IN_FLIGHT.meta, false)?,
            outcomes: family(&metrics::REQUEST_OUTCOMES.meta, false)?,
            request_body: family(&metrics::REQUEST_BODY_BYTES.meta, false)?,
            response_body: family(&metrics::RESPONSE_BODY_BYTES.meta, false)?,
            connections: registry.family(&metrics::CONNECTIONS_ACTIVE.meta)?,
        })
    }
}

/// Where each part of a route's block begins, the same for all routes of a layer.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) duration: Distribution,
    pub(super) request_body: Distribution,
    pub(super) response_body: Distribution,
    width: usize,
    /// How many bytes a line of a scrape has beside its path, as [`text`](Self::text) reckons it.
    line: usize,
}

/// A histogram in a block: where its cells begin, and its bounds in ticks.
#[derive(Debug, Clone)]
pub(super) struct Distribution {
    pub(super) at: usize,
    /// The cell that holds the sum.
    pub(super) sum: usize,
    bounds: Box<[u64]>,
}

impl Distribution {
    /// Returns the index of the bucket that takes a value: bounds are inclusive, above all of them is the last.
    #[inline]
    pub(super) fn bucket(&self, ticks: u64) -> usize {
        self.bounds.iter().position(|&bound| ticks <= bound).unwrap_or(self.bounds.len())
    }
}

impl Layout {
    /// The cell of the requests under way.
    pub(super) const IN_FLIGHT: usize = 0;
    /// The first of the four outcomes.
    pub(super) const OUTCOMES: usize = 1;
    /// The first of the statuses.
    pub(super) const CODES: usize = Self::OUTCOMES + Outcome::ALL.len();

    fn of(families: &Families) -> Self {
        // A metric's name, its labels and a value of usual length; the registry may add to each line.
        const LINE: usize = 96;
        let mut width = Self::CODES + CODES;
        let mut place = |family: &Family| {
            let at = width;
            width += family.width;
            Distribution { at, sum: at + family.bounds.len() + 1, bounds: family.bounds.clone() }
        };
        let duration = place(&families.duration);
        let request_body = place(&families.request_body);
        let response_body = place(&families.response_body);
        let shape = &families.requests.shape;
        let prefix = shape.name.len().saturating_sub(metrics::REQUESTS.meta.name.len());
        Self { duration, request_body, response_body, width, line: LINE + prefix + shape.constant.len() }
    }

    /// Reckons how many bytes a route of this path adds to a scrape: its lines, with a few statuses.
    fn text(&self, path: &str) -> usize {
        const STATUSES: usize = 4;
        let histogram = |histogram: &Distribution| histogram.bounds.len() + 3;
        let histograms = [&self.duration, &self.request_body, &self.response_body].map(histogram);
        let lines = 1 + Outcome::ALL.len() + STATUSES + histograms.iter().sum::<usize>();
        let escapes = path.bytes().filter(|byte| matches!(byte, b'"' | b'\\' | b'\n')).count();
        lines * (self.line + path.len() + escapes)
    }
}

/// One method and path.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) index: u32,
    pub(super) method: Method,
    pub(super) path: Box<str>,
    pub(super) block: CellIndex,
    /// Where the duration's exemplars lie.
    pub(super) duration: Spot,
    /// Whether the route, and each status of it, counts against the caps.
    capped: bool,
    /// Which status each cell of the block counts; zero is free.
    codes: [AtomicU16; CODES],
}

/// All routes of one layer.
#[derive(Debug)]
pub(super) struct Routes {
    pub(super) families: Families,
    pub(super) layout: Layout,
    pub(super) cells: Arc<Cells>,
    /// Whether labels of the app's own make the statuses and the duration a matter of each request.
    own_labels: bool,
    table: RwLock<Table>,
    /// How many series of requests the capped routes have.
    capped_series: Mutex<usize>,
}

#[derive(Debug, Default)]
struct Table {
    by_path: HashMap<Box<str>, [Option<u32>; Method::ALL.len()]>,
    list: Vec<Arc<Route>>,
    capped: usize,
    /// What the routes of patterns add to a scrape, in bytes.
    text: usize,
}

/// What bounds the routes of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    /// The app's own router.
    Router,
    /// The caps on values and series.
    Caps,
    /// The same, and [`PATTERN_TEXT`].
    Text,
}

impl Routes {
    pub(super) fn register(registry: &Registry, options: &Options) -> Result<Self, RegisterError> {
        let families = Families::register(registry, options)?;
        Ok(Self {
            layout: Layout::of(&families),
            families,
            cells: Arc::clone(registry.cells()),
            own_labels: !options.labels.is_empty(),
            table: RwLock::default(),
            capped_series: Mutex::new(0),
        })
    }

    /// Returns the route of a path that the router gave, made when it is new.
    pub(super) fn matched(&self, method: Method, path: &str) -> Option<Arc<Route>> {
        self.find(method, path).or_else(|| self.insert(method, path, Bound::Router))
    }

    /// Returns the route of a path that the app's function gave, made when it is new and there is room.
    pub(super) fn named(&self, method: Method, path: &str) -> Option<Arc<Route>> {
        self.capped(method, path, Bound::Caps)
    }

    /// Returns the route of a path's pattern, made when it is new and there is room.
    pub(super) fn pattern(&self, method: Method, path: &str) -> Option<Arc<Route>> {
        self.capped(method, path, Bound::Text)
    }

    fn capped(&self, method: Method, path: &str, bound: Bound) -> Option<Arc<Route>> {
        if let Some(route) = self.find(method, path) {
            return Some(route);
        }
        let path = sanitise::label_value(path);
        if let Some(route) = self.find(method, &path) {
            return Some(route);
        }
        // In a flood of new paths these read locks, and the one for the count of series, are all that each of them takes.
        let room = self.has_room(&self.table.read().unwrap_or_else(PoisonError::into_inner), &path, bound);
        if room && let Some(route) = self.insert(method, &path, bound) {
            return Some(route);
        }
        self.families.requests.count_overflow();
        self.matched(method, OVERFLOW)
    }

    /// Returns the route of this index.
    pub(super) fn get(&self, index: u32) -> Option<Arc<Route>> {
        self.table.read().unwrap_or_else(PoisonError::into_inner).list.get(index as usize).cloned()
    }

    fn find(&self, method: Method, path: &str) -> Option<Arc<Route>> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let index = table.by_path.get(path)?[method as usize]?;
        table.list.get(index as usize).cloned()
    }

    fn insert(&self, method: Method, path: &str, bound: Bound) -> Option<Arc<Route>> {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = table.by_path.get(path).and_then(|methods| methods[method as usize]) {
            return table.list.get(index as usize).cloned();
        }
        if !self.has_room(&table, path, bound) {
            return None;
        }
        let capped = bound != Bound::Router;
        let index = u32::try_from(table.list.len()).ok()?;
        let route = Arc::new(self.lay_out(index, method, path, capped)?);
        table.list.push(Arc::clone(&route));
        table.by_path.entry(path.into()).or_default()[method as usize] = Some(index);
        table.capped += usize::from(capped);
        table.text += if bound == Bound::Text { self.layout.text(path) } else { 0 };
        Some(route)
    }

    /// Tells whether one more route may be made; a capped one with a status beside the two that every route begins with.
    fn has_room(&self, table: &Table, path: &str, bound: Bound) -> bool {
        if bound == Bound::Router {
            return true;
        }
        if bound == Bound::Text && table.text + self.layout.text(path) > PATTERN_TEXT {
            return false;
        }
        let limits = self.families.requests.limits;
        let series = *self.capped_series.lock().unwrap_or_else(PoisonError::into_inner);
        table.capped < limits.values && series + 3 <= limits.series
    }

    /// Reserves a route's block and tells every family where its cells lie.
    fn lay_out(&self, index: u32, method: Method, path: &str, capped: bool) -> Option<Route> {
        let block = self.cells.reserve(self.layout.width)?;
        let key = [Part::Closed(method as usize), Part::Open(path)];
        let Families { duration, in_flight, outcomes, request_body, response_body, .. } = &self.families;
        in_flight.place(&key, block.plus(Layout::IN_FLIGHT))?;
        for outcome in Outcome::ALL {
            let key = [Part::Open(path), Part::Closed(*outcome as usize)];
            outcomes.place(&key, block.plus(Layout::OUTCOMES + *outcome as usize))?;
        }
        request_body.place(&key, block.plus(self.layout.request_body.at))?;
        response_body.place(&key, block.plus(self.layout.response_body.at))?;
        let at = block.plus(self.layout.duration.at);
        let spot = Spot { at, exemplars: None };
        let duration = if self.own_labels { spot } else { Spot { at, ..duration.place(&key, at)? } };
        let route = Route { index, method, path: path.into(), block, duration, capped, codes: Default::default() };
        if !self.own_labels {
            // A rate needs both from the start: the first error would not show otherwise.
            for code in [200, 500] {
                self.code(&route, code);
            }
        }
        Some(route)
    }

    /// Returns which cell of a route's block counts a status; `None` when all are taken by others.
    #[inline]
    pub(super) fn code(&self, route: &Route, status: u16) -> Option<usize> {
        route.code(status).or_else(|| Some(Layout::CODES + self.new_code(route, status)?))
    }

    #[cold]
    fn new_code(&self, route: &Route, status: u16) -> Option<usize> {
        let mut capped_series = self.capped_series.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = route
            .codes
            .iter()
            .position(|code| matches!(code.load(Ordering::Relaxed), code if code == 0 || code == status))?;
        if route.codes[slot].load(Ordering::Relaxed) == 0 {
            if route.capped && *capped_series >= self.families.requests.limits.series {
                return None;
            }
            let text = status_text(status);
            let key = [Part::Closed(route.method as usize), Part::Open(&route.path), Part::Open(&text)];
            self.families.requests.place(&key, route.block.plus(Layout::CODES + slot))?;
            route.codes[slot].store(status, Ordering::Relaxed);
            *capped_series += usize::from(route.capped);
        }
        Some(slot)
    }
}

impl Route {
    /// Returns which cell of the block counts a status; `None` for one that was not seen yet.
    #[inline]
    pub(super) fn code(&self, status: u16) -> Option<usize> {
        let place = self.codes.iter().position(|code| code.load(Ordering::Relaxed) == status)?;
        Some(Layout::CODES + place)
    }

    /// Returns the path under which a status is counted that has no cell in the block.
    pub(super) fn path_without_cell(&self) -> &str {
        if self.capped { OVERFLOW } else { &self.path }
    }
}

/// Returns a status as its label has it.
pub(super) fn status_text(status: u16) -> String {
    itoa::Buffer::new().format(status).to_owned()
}
