//! Merging what several queries find into one order, page by page.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use super::timeline::{TimelineItem, TimelineOptions};
use crate::id::Id;
use crate::store::{Cursor, EventQuery, MAX_LIMIT, Order, Store, StoreError, TimelineQuery};

/// Several sources of items, each in order.
pub(super) struct Merge<'a> {
    store: &'a Arc<dyn Store>,
    order: Order,
    sources: Vec<Source>,
    /// The last item that was taken.
    last: Option<Id>,
}

/// One query, and what it has found that is not taken yet.
struct Source {
    query: Query,
    found: VecDeque<TimelineItem>,
    /// Where the query goes on; `None` at its end.
    next: Option<Next>,
    size: usize,
}

enum Query {
    Entries(TimelineQuery),
    Events(EventQuery),
}

#[derive(Clone, Copy)]
enum Next {
    Start,
    Behind(Cursor),
}

impl<'a> Merge<'a> {
    pub(super) fn new(
        store: &'a Arc<dyn Store>,
        options: &TimelineOptions,
        entries: TimelineQuery,
        events: Vec<EventQuery>,
    ) -> Self {
        let size = (options.offset + options.limit + 1).min(MAX_LIMIT);
        let queries = std::iter::once(Query::Entries(entries)).chain(events.into_iter().map(Query::Events));
        let source = |query: Query| Source {
            query: query.ordered(options.order),
            found: VecDeque::new(),
            next: Some(options.after.map_or(Next::Start, Next::Behind)),
            size,
        };
        Self { store, order: options.order, sources: queries.map(source).collect(), last: None }
    }

    /// Takes a page, and says where the next one begins.
    pub(super) async fn page(
        &mut self,
        offset: usize,
        limit: usize,
    ) -> Result<(Vec<TimelineItem>, Option<Cursor>), StoreError> {
        for _ in 0..offset {
            if self.take().await?.is_none() {
                return Ok((Vec::new(), None));
            }
        }
        let mut items = Vec::with_capacity(limit.min(MAX_LIMIT));
        while items.len() < limit {
            match self.take().await? {
                Some(item) => items.push(item),
                None => return Ok((items, None)),
            }
        }
        let last = items.last().map(|item| Cursor::at(item.id()));
        Ok((items, if self.take().await?.is_some() { last } else { None }))
    }

    /// Takes the next item; of those with one id, which are one event found twice or its copy, the event itself.
    async fn take(&mut self) -> Result<Option<TimelineItem>, StoreError> {
        loop {
            if self.sources.iter().any(Source::is_empty) {
                let store = self.store;
                side_by_side(self.sources.iter_mut().map(|source| source.fill(store))).await?;
            }
            let place = |item: &TimelineItem| (item.id(), matches!(item, TimelineItem::Entry(_)));
            let heads = self.sources.iter().enumerate().filter_map(|(at, source)| Some((at, source.found.front()?)));
            let first = match self.order {
                Order::OldestFirst => heads.min_by_key(|(_, item)| place(item)),
                Order::NewestFirst => {
                    heads.max_by_key(|(_, item)| (item.id(), !matches!(item, TimelineItem::Entry(_))))
                }
            };
            let Some(item) = first.map(|(at, _)| at).and_then(|at| self.sources[at].found.pop_front()) else {
                return Ok(None);
            };
            if self.last.replace(item.id()) != Some(item.id()) {
                return Ok(Some(item));
            }
        }
    }
}

/// Runs a few futures at the same time, until all have ended or one fails.
async fn side_by_side(
    futures: impl Iterator<Item = impl Future<Output = Result<(), StoreError>>>,
) -> Result<(), StoreError> {
    let mut running: Vec<_> = futures.map(|future| Some(Box::pin(future))).collect();
    poll_fn(|context| {
        for slot in &mut running {
            match slot.as_mut().map(|future| future.as_mut().poll(context)) {
                Some(Poll::Ready(Ok(()))) => *slot = None,
                Some(Poll::Ready(Err(error))) => return Poll::Ready(Err(error)),
                Some(Poll::Pending) | None => {}
            }
        }
        if running.iter().all(Option::is_none) { Poll::Ready(Ok(())) } else { Poll::Pending }
    })
    .await
}

impl Source {
    /// Tells whether it has to ask before anything can be taken from it.
    fn is_empty(&self) -> bool {
        self.found.is_empty() && self.next.is_some()
    }

    /// Asks for more where all that was found is taken.
    async fn fill(&mut self, store: &Arc<dyn Store>) -> Result<(), StoreError> {
        while self.found.is_empty()
            && let Some(next) = self.next
        {
            let cursor = match next {
                Next::Start => None,
                Next::Behind(cursor) => Some(cursor),
            };
            let behind = match &self.query {
                Query::Entries(query) => {
                    let query = query.clone().limit(self.size);
                    let page = store.timeline(&cursor.map_or(query.clone(), |cursor| query.after(cursor))).await?;
                    self.found.extend(page.items.into_iter().map(TimelineItem::Entry));
                    page.next
                }
                Query::Events(query) => {
                    let query = query.clone().limit(self.size);
                    let page = store.events(&cursor.map_or(query.clone(), |cursor| query.after(cursor))).await?;
                    self.found.extend(page.items.into_iter().map(TimelineItem::Event));
                    page.next
                }
            };
            self.next = behind.map(Next::Behind);
        }
        Ok(())
    }
}

impl Query {
    fn ordered(self, order: Order) -> Self {
        match (self, order) {
            (Self::Entries(query), Order::OldestFirst) => Self::Entries(query.oldest_first()),
            (Self::Events(query), Order::OldestFirst) => Self::Events(query.oldest_first()),
            (query, Order::NewestFirst) => query,
        }
    }
}
