//! What queries are evaluated over: the history in memory, and what the store has beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::head::Head;
use super::wait;
use crate::promql::engine::{LabelSet, METRIC_NAME, Matcher, Series, SeriesSource, SourceBounds, SourceError};
use crate::sample::Sample;
use crate::store::{MAX_LIMIT, Page, SampleQuery, Scope, Store};
use crate::timestamp::Timestamp;

/// The series of the history, and the samples of the store: those that were submitted, and those that the history put
/// there. Cloning it copies a handle.
///
/// A submitted sample is a point of the series that its name and labels make; it gets no labels of a target. What a
/// series has both in memory and in the store comes once. The store is asked for everybody's samples, so who may query
/// is to be decided before.
#[derive(Clone)]
pub struct HistorySource {
    pub(super) head: Arc<RwLock<Head>>,
    pub(super) store: Option<Arc<dyn Store>>,
    /// When the history began, in milliseconds.
    pub(super) since: i64,
}

impl SeriesSource for HistorySource {
    fn select(
        &self,
        matchers: &[Matcher],
        start: i64,
        end: i64,
        bounds: &SourceBounds,
    ) -> Result<Vec<Series>, SourceError> {
        let (shared, in_store) = {
            let head = self.head.read().unwrap_or_else(PoisonError::into_inner);
            (head.select(matchers, (start, end), bounds)?, self.is_in_store(&head, matchers, start))
        };
        let (mut found, mut samples) = (Vec::with_capacity(shared.len()), 0);
        for series in shared {
            let Some(series) = series.read() else { continue };
            samples += series.points.len();
            if samples > bounds.samples {
                return Err(SourceError::TooManySamples { limit: bounds.samples });
            }
            found.push(series);
        }
        if let Some(store) = self.store.as_deref().filter(|_| in_store) {
            let stored = stored(store, matchers, (start, end), bounds)?;
            if !stored.is_empty() {
                found = merged(found, stored);
            }
        }
        if !found.is_sorted_by(|a, b| a.labels <= b.labels) {
            found.sort_by(|a, b| a.labels.cmp(&b.labels));
        }
        if found.len() > bounds.series {
            return Err(SourceError::TooManySeries { limit: bounds.series });
        }
        Ok(found)
    }
}

impl HistorySource {
    /// Returns the labels of what has samples after `start` and up to `end`.
    pub(super) fn label_sets(
        &self,
        matchers: &[Matcher],
        (start, end): (i64, i64),
        bounds: &SourceBounds,
    ) -> Result<BTreeSet<LabelSet>, SourceError> {
        let shared = {
            let head = self.head.read().unwrap_or_else(PoisonError::into_inner);
            head.select(matchers, (start, end), bounds)?
        };
        let mut found: BTreeSet<_> = shared.into_iter().map(|series| series.labels).collect();
        if let Some(store) = self.store.as_deref() {
            let mut query = asked(matchers, (start, end));
            for _ in 0..MOST_PAGES {
                let page = answered(store, &query, bounds)?;
                let fitting = page.items.iter().map(|sample| labels(sample));
                found.extend(fitting.filter(|labels| Matcher::all_match(matchers, labels)));
                match page.next {
                    Some(next) => query = query.after(next),
                    None => break,
                }
            }
        }
        Ok(found)
    }

    /// Tells whether the store may have more: not of a metric that is sampled, for the time since the history began.
    fn is_in_store(&self, head: &Head, matchers: &[Matcher], start: i64) -> bool {
        let name = matchers.iter().filter(|matcher| matcher.name() == METRIC_NAME).find_map(Matcher::equal);
        !(start >= self.since.max(head.horizon()) && name.is_some_and(|name| head.has_name(name)))
    }
}

impl fmt::Debug for HistorySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HistorySource").field("store", &self.store.is_some()).finish_non_exhaustive()
    }
}

type Points = BTreeMap<LabelSet, Vec<(i64, f64)>>;

/// Reads the samples of a time that fit all matchers from the store, page by page.
fn stored(
    store: &dyn Store,
    matchers: &[Matcher],
    (start, end): (i64, i64),
    bounds: &SourceBounds,
) -> Result<Points, SourceError> {
    let mut query = asked(matchers, (start, end)).oldest_first();
    let (mut points, mut samples) = (Points::new(), 0);
    loop {
        let page = answered(store, &query, bounds)?;
        for sample in &page.items {
            let labels = labels(sample);
            if !Matcher::all_match(matchers, &labels) {
                continue;
            }
            samples += 1;
            if samples > bounds.samples {
                return Err(SourceError::TooManySamples { limit: bounds.samples });
            }
            let time = sample.timestamp().as_micros().div_euclid(1000);
            points.entry(labels).or_default().push((time, sample.value()));
            if points.len() > bounds.series {
                return Err(SourceError::TooManySeries { limit: bounds.series });
            }
        }
        match page.next {
            Some(next) => query = query.after(next),
            None => return Ok(points),
        }
    }
}

/// Asks for the samples after `start` and up to `end`, as far as a store understands the matchers.
fn asked(matchers: &[Matcher], (start, end): (i64, i64)) -> SampleQuery {
    let millis = |millis: i64| Timestamp::from_micros(millis.saturating_mul(1000));
    let mut query = SampleQuery::new(Scope::All).limit(MAX_LIMIT);
    // All of a millisecond belongs to it: its first microsecond at the start, its last at the end.
    query = query.start(millis(start.saturating_add(1))).end(millis(end.saturating_add(1)).minus(MICROSECOND));
    for matcher in matchers {
        match (matcher.name(), matcher.equal()) {
            (METRIC_NAME, Some(name)) => query = query.name(name),
            (label, Some(value)) => query = query.label(label, value),
            _ => {}
        }
    }
    query
}

fn answered(store: &dyn Store, query: &SampleQuery, bounds: &SourceBounds) -> Result<Page<Arc<Sample>>, SourceError> {
    let page = wait::until(bounds.deadline, store.samples(query)).ok_or(SourceError::Deadline)?;
    page.map_err(|error| SourceError::Unavailable(Box::new(error)))
}

/// How many pages of a store are looked at for labels alone.
const MOST_PAGES: usize = 20;

const MICROSECOND: std::time::Duration = std::time::Duration::from_micros(1);

/// The labels of the series that a stored sample belongs to.
fn labels(sample: &Sample) -> LabelSet {
    let own = sample.labels().iter().map(|(name, value)| (name.as_str(), value.as_str()));
    LabelSet::new(own.chain([(METRIC_NAME, sample.name())]))
}

/// Puts both together: what is in memory counts where both have a point at one time, and of several stored points of one
/// time the last.
fn merged(held: Vec<Series>, mut stored: Points) -> Vec<Series> {
    let mut all = Vec::with_capacity(held.len() + stored.len());
    for mut series in held {
        if let Some(more) = stored.remove(&series.labels) {
            let mut points: BTreeMap<i64, f64> = more.into_iter().collect();
            points.extend(series.points);
            series.points = points.into_iter().collect();
        }
        all.push(series);
    }
    for (labels, points) in stored {
        let points: BTreeMap<i64, f64> = points.into_iter().collect();
        all.push(Series { labels, points: points.into_iter().collect() });
    }
    all
}
