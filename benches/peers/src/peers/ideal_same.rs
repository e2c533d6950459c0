//! The least a layer can do that records what ours records of a request that is answered: the cost of the metrics
//! themselves, where the ideal counts two of them.
//!
//! It knows the route by the address of axum's path, and counts requests, durations, requests under way, outcomes and
//! both body sizes in plain cells owned by the thread. It has no other ending than an answer of known size, no labels, no
//! caps and no scrape: a floor to measure against, not something to use.

use std::cell::{Cell, RefCell};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::response::Response;
use http_body::Body;

use super::ideal::BOUNDS_NS;
use super::timed::{Record, Timed};
use crate::peer::{Peer, Running};

const BOUNDS_BYTES: [u64; 6] = [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];
const PLACES: usize = 256;

/// One distribution: a bucket per bound, one above all of them, and the sum.
struct Histogram<const CELLS: usize>([Cell<u64>; CELLS]);

impl<const CELLS: usize> Histogram<CELLS> {
    const fn new() -> Self {
        Self([const { Cell::new(0) }; CELLS])
    }

    fn observe(&self, bounds: &[u64], value: u64) {
        add(&self.0[bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len())], 1);
        add(&self.0[CELLS - 1], value);
    }
}

/// The cells of one route.
struct Route {
    path: MatchedPath,
    method: Method,
    in_flight: Cell<u64>,
    completed: Cell<u64>,
    statuses: [Cell<u64>; 600],
    duration: Histogram<{ BOUNDS_NS.len() + 2 }>,
    request_body: Histogram<{ BOUNDS_BYTES.len() + 2 }>,
    response_body: Histogram<{ BOUNDS_BYTES.len() + 2 }>,
}

thread_local! {
    static ROUTES: RefCell<Vec<Option<Box<Route>>>> = const { RefCell::new(Vec::new()) };
}

/// What threads handed over after their requests, outside the clock.
static TOTAL: AtomicU64 = AtomicU64::new(0);

pub fn peer() -> Peer {
    Peer {
        key: "ideal-same",
        title: "ideal with the metrics of ours: route, in flight, outcome, body sizes",
        attacked: false,
        start: || {
            Running::idle(|router| router.layer(Timed(SameMetrics)))
                .settled_by(|| {
                    let routes = ROUTES.take();
                    let counted = routes.iter().flatten().map(|route| {
                        assert_eq!(route.in_flight.get(), 0);
                        let by_status: u64 = route.statuses.iter().map(Cell::get).sum();
                        assert_eq!(route.completed.get(), by_status);
                        by_status
                    });
                    TOTAL.fetch_add(counted.sum(), Relaxed);
                })
                .counted_by(|| TOTAL.load(Relaxed))
        },
    }
}

fn add(cell: &Cell<u64>, by: u64) {
    cell.set(cell.get() + by);
}

#[derive(Clone, Copy)]
struct SameMetrics;

impl Record for SameMetrics {
    type Begun = (usize, Instant);

    fn begin(self, request: &Request) -> (usize, Instant) {
        let path = request.extensions().get::<MatchedPath>().expect("a path that a route matches");
        let mut place = (path.as_str().as_ptr().addr() >> 4) % PLACES;
        ROUTES.with_borrow_mut(|routes| {
            // Where two paths have one place, the one that came later has the next.
            while let Some(Some(route)) = routes.get(place)
                && !std::ptr::eq(route.path.as_str(), path.as_str())
            {
                place = (place + 1) % PLACES;
            }
            let route = match routes.get(place) {
                Some(Some(route)) => route,
                _ => meet(routes, place, path, request.method()),
            };
            assert!(route.method == *request.method(), "one method for each route");
            add(&route.in_flight, 1);
            route.request_body.observe(&BOUNDS_BYTES, request.body().size_hint().exact().expect("a known size"));
        });
        (place, Instant::now())
    }

    fn end(self, (place, start): (usize, Instant), response: &Response) {
        let nanoseconds = start.elapsed().as_nanos() as u64;
        ROUTES.with_borrow(|routes| {
            let Some(Some(route)) = routes.get(place) else { return };
            add(&route.statuses[usize::from(response.status().as_u16())], 1);
            route.duration.observe(&BOUNDS_NS, nanoseconds);
            route.response_body.observe(&BOUNDS_BYTES, response.body().size_hint().exact().expect("a known size"));
            add(&route.completed, 1);
            route.in_flight.set(route.in_flight.get() - 1);
        });
    }
}

/// Makes the cells of a route that this thread sees for the first time.
#[cold]
fn meet<'a>(routes: &'a mut Vec<Option<Box<Route>>>, place: usize, path: &MatchedPath, method: &Method) -> &'a Route {
    routes.resize_with(PLACES, || None);
    routes[place].get_or_insert_with(|| {
        Box::new(Route {
            path: path.clone(),
            method: method.clone(),
            in_flight: Cell::new(0),
            completed: Cell::new(0),
            statuses: [const { Cell::new(0) }; 600],
            duration: Histogram::new(),
            request_body: Histogram::new(),
            response_body: Histogram::new(),
        })
    })
}
