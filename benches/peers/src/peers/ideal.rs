//! The least a layer can do that counts and times: two clock reads, and plain cells owned by the thread.
//!
//! It has no route, no method and no scrape; it is a floor to measure against, not something to use.

use std::cell::Cell;
use std::sync::LazyLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use quanta::Clock;

use super::timed::{Record, Timed};
use crate::peer::{Peer, Running};

pub(super) const BOUNDS_NS: [u64; 13] = [
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    200_000_000,
    250_000_000,
    300_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];

struct Cells {
    requests: [Cell<u64>; 6],
    buckets: [Cell<u64>; BOUNDS_NS.len() + 1],
    nanoseconds: Cell<u64>,
}

thread_local! {
    static CELLS: Cells = const {
        Cells {
            requests: [const { Cell::new(0) }; 6],
            buckets: [const { Cell::new(0) }; BOUNDS_NS.len() + 1],
            nanoseconds: Cell::new(0),
        }
    };
}

/// What threads handed over after their requests, outside the clock; one total for each row.
static TOTALS: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

/// Calibrated when it is first asked for.
static TSC: LazyLock<Clock> = LazyLock::new(Clock::new);

pub fn peers() -> [Peer; 2] {
    [
        Peer {
            key: "ideal",
            title: "ideal: two `Instant` reads, cells owned per thread",
            attacked: false,
            start: || start::<0>(WithInstant),
        },
        Peer {
            key: "ideal-tsc",
            title: "ideal with the TSC clock (`quanta` 0.12)",
            attacked: false,
            start: || start::<1>(WithTsc(&TSC)),
        },
    ]
}

fn start<const ROW: usize>(record: impl Record<Begun: Send> + Send + Sync + 'static) -> Running {
    Running::idle(move |router| router.layer(Timed(record)))
        .settled_by(|| {
            let counted = CELLS.with(|cells| {
                let by_status: u64 = cells.requests.iter().map(Cell::take).sum();
                let by_bucket: u64 = cells.buckets.iter().map(Cell::take).sum();
                assert_eq!(by_status, by_bucket);
                by_status
            });
            TOTALS[ROW].fetch_add(counted, Relaxed);
        })
        .counted_by(|| TOTALS[ROW].load(Relaxed))
}

fn add_one(cell: &Cell<u64>) {
    cell.set(cell.get() + 1);
}

fn record(response: &Response, nanoseconds: u64) {
    let bucket = BOUNDS_NS.iter().position(|bound| nanoseconds <= *bound).unwrap_or(BOUNDS_NS.len());
    CELLS.with(|cells| {
        add_one(&cells.requests[usize::from(response.status().as_u16() / 100).min(5)]);
        add_one(&cells.buckets[bucket]);
        cells.nanoseconds.set(cells.nanoseconds.get() + nanoseconds);
    });
}

#[derive(Clone, Copy)]
struct WithInstant;

impl Record for WithInstant {
    type Begun = Instant;

    fn begin(self, _: &Request) -> Instant {
        Instant::now()
    }

    fn end(self, begun: Instant, response: &Response) {
        record(response, begun.elapsed().as_nanos() as u64);
    }
}

#[derive(Clone, Copy)]
struct WithTsc(&'static Clock);

impl Record for WithTsc {
    type Begun = u64;

    fn begin(self, _: &Request) -> u64 {
        self.0.raw()
    }

    fn end(self, begun: u64, response: &Response) {
        record(response, self.0.delta_as_nanos(begun, self.0.raw()));
    }
}
