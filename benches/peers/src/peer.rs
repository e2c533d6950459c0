//! A peer: one row of the tables, and how it is put around the router.

use std::sync::Arc;

use axum::Router;

use crate::{ours, peers, text};

/// One row of the tables.
///
/// To add one, write `src/peers/<name>.rs` with a function that returns this, and name it in [`all`].
pub struct Peer {
    /// The row's name on the command line.
    pub key: &'static str,
    /// The row's name in the tables.
    pub title: &'static str,
    /// Whether the attack is run on it: it has a scrape, and nothing in the row itself keeps labels bounded by hand.
    pub attacked: bool,
    /// Brings the peer up; called once in a process.
    pub start: fn() -> Running,
}

/// A peer that is up.
pub struct Running {
    wrap: Box<dyn Fn(Router) -> Router>,
    settle: Hook,
    counted: Box<dyn Fn() -> u64>,
    scrape: Box<dyn Fn() -> String>,
    kind: Kind,
}

/// Work that is called after requests, on the thread that sent them.
pub type Hook = Arc<dyn Fn() + Send + Sync>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    DoesNotCount,
    Counts,
    CountsAndDefers,
}

impl Running {
    /// A row that measures nothing: `wrap` alone.
    pub fn idle(wrap: impl Fn(Router) -> Router + 'static) -> Self {
        Self {
            wrap: Box::new(wrap),
            settle: Arc::new(|| {}),
            counted: Box::new(|| 0),
            scrape: Box::new(String::new),
            kind: Kind::DoesNotCount,
        }
    }

    /// A row that measures: `wrap` puts it around the router, `counter` is the family in `scrape` that counts requests.
    pub fn measuring(
        wrap: impl Fn(Router) -> Router + 'static,
        counter: &'static str,
        scrape: impl Fn() -> String + Clone + 'static,
    ) -> Self {
        let read = scrape.clone();
        Self {
            counted: Box::new(move || text::sum(&read(), counter) as u64),
            scrape: Box::new(scrape),
            kind: Kind::Counts,
            ..Self::idle(wrap)
        }
    }

    /// Replaces how the requests that were counted are read, for a row without a scrape.
    pub fn counted_by(mut self, counted: impl Fn() -> u64 + 'static) -> Self {
        self.counted = Box::new(counted);
        self.kind = Kind::Counts;
        self
    }

    /// Adds what the sending thread has to do outside the clock, such as handing over its cells.
    pub fn settled_by(mut self, settle: impl Fn() + Send + Sync + 'static) -> Self {
        self.settle = Arc::new(settle);
        self
    }

    /// Adds work that the peer puts off to a task of its own; it is timed apart, and shown beside the row.
    pub fn deferring(mut self, settle: impl Fn() + Send + Sync + 'static) -> Self {
        self.kind = Kind::CountsAndDefers;
        self.settled_by(settle)
    }

    /// Puts the peer around `router`.
    pub fn wrap(&self, router: Router) -> Router {
        (self.wrap)(router)
    }

    /// The hook that the sending thread calls after its requests.
    pub fn settle(&self) -> Hook {
        Arc::clone(&self.settle)
    }

    /// Whether what [`settle`](Self::settle) does is part of the peer's cost.
    pub fn defers(&self) -> bool {
        self.kind == Kind::CountsAndDefers
    }

    /// The scrape as text.
    pub fn scrape(&self) -> String {
        (self.scrape)()
    }

    /// The requests that the row counted; none where it does not count.
    pub fn counted(&self) -> Option<u64> {
        (self.kind != Kind::DoesNotCount).then(|| (self.counted)())
    }

    /// Panics unless the row counted exactly `sent` requests: a row that does not count has no place in the table.
    pub fn assert_counted(&self, title: &str, sent: u64) {
        if let Some(counted) = self.counted() {
            assert_eq!(counted, sent, "{title}: requests counted (left) and sent (right) differ");
        }
    }
}

/// Every row, in the order of the tables: the bare router, the no-op layer, the ideal, then the others.
pub fn all() -> Vec<Peer> {
    let mut rows = vec![peers::bare::peer(), peers::noop::peer()];
    rows.extend(peers::ideal::peers());
    rows.push(peers::ideal_same::peer());
    rows.extend(ours::peers());
    rows.extend(peers::prometheus_careful::peers());
    rows.extend([peers::measured::peer(), peers::trace::peer()]);
    #[cfg(feature = "all-peers")]
    rows.extend(peers::sentry::peers());
    rows.extend([
        peers::prometheus_client::peer(),
        peers::tutorial::peer(),
        peers::metrics_by_hand::peer(),
        peers::axum_prometheus::peer(),
    ]);
    #[cfg(feature = "all-peers")]
    rows.extend(peers::opentelemetry::peers());
    rows
}

/// The rows of the attack: those that have a scrape and make series of what requests bring, and ours in each way it has
/// of naming paths.
pub fn attacked() -> Vec<Peer> {
    let mut rows: Vec<Peer> = all().into_iter().filter(|peer| peer.attacked).collect();
    // Ours come first.
    rows.insert(ours::peers().len(), ours::naming_patterns());
    rows
}

/// The row with this key.
pub fn named(key: &str) -> Option<Peer> {
    all().into_iter().chain(attacked()).find(|peer| peer.key == key)
}
