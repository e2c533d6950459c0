//! The least a layer can do that counts and times: two clock reads, and plain cells owned by the thread.
//!
//! It has no route, no method and no scrape; it is a floor to measure against, not something to use.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::peer::{Peer, Running};

const BOUNDS_NS: [u64; 13] = [
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

/// What threads handed over after their requests, outside the clock.
static TOTAL: AtomicU64 = AtomicU64::new(0);

pub fn peer() -> Peer {
    Peer {
        key: "ideal",
        title: "ideal: two `Instant` reads, cells owned per thread",
        attacked: false,
        start: || {
            Running::idle(|router| router.layer(Ideal))
                .settled_by(|| {
                    let counted = CELLS.with(|cells| {
                        let by_status: u64 = cells.requests.iter().map(Cell::take).sum();
                        let by_bucket: u64 = cells.buckets.iter().map(Cell::take).sum();
                        assert_eq!(by_status, by_bucket);
                        by_status
                    });
                    TOTAL.fetch_add(counted, Relaxed);
                })
                .counted_by(|| TOTAL.load(Relaxed))
        },
    }
}

fn add_one(cell: &Cell<u64>) {
    cell.set(cell.get() + 1);
}

fn record(status: u16, nanoseconds: u64) {
    let bucket = BOUNDS_NS.iter().position(|bound| nanoseconds <= *bound).unwrap_or(BOUNDS_NS.len());
    CELLS.with(|cells| {
        add_one(&cells.requests[usize::from(status / 100).min(5)]);
        add_one(&cells.buckets[bucket]);
        cells.nanoseconds.set(cells.nanoseconds.get() + nanoseconds);
    });
}

#[derive(Clone)]
struct Ideal;

impl<S> Layer<S> for Ideal {
    type Service = IdealService<S>;

    fn layer(&self, inner: S) -> IdealService<S> {
        IdealService { inner }
    }
}

#[derive(Clone)]
struct IdealService<S> {
    inner: S,
}

impl<S: Service<Request, Response = Response>> Service<Request> for IdealService<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = IdealFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let start = Instant::now();
        IdealFuture { inner: self.inner.call(request), start }
    }
}

pin_project! {
    struct IdealFuture<F> {
        #[pin]
        inner: F,
        start: Instant,
    }
}

impl<F: Future<Output = Result<Response, E>>, E> Future for IdealFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(cx));
        if let Ok(response) = &result {
            record(response.status().as_u16(), this.start.elapsed().as_nanos() as u64);
        }
        Poll::Ready(result)
    }
}
