//! The handle by which an app asks the history.

#![cfg_attr(not(feature = "api"), allow(dead_code, reason = "what metrics are is asked over the API alone"))]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::error::HistoryError;
use super::head::Head;
use super::options::HistoryOptions;
use super::queries::Queries;
use super::rounds::{Round, Rounds};
use super::sampler::Sampler;
use super::source::HistorySource;
use super::target::{Target, host_name};
use crate::journal::Journal;
use crate::metric::Registry;
use crate::metric::reading::Description;
use crate::promql::engine::{Engine, EvaluationError, LabelSet, Limits, Query, Series, SourceBounds, Value};
use crate::service::ServiceInfo;
use crate::store::Store;
use crate::timestamp::Timestamp;

/// What the metrics were, for as long as the history reaches back. Cloning it copies a handle; when the last one goes,
/// the sampling ends.
#[derive(Clone)]
pub struct History {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Option<Registry>,
    source: HistorySource,
    queries: Queries,
    rounds: Option<Rounds>,
    limits: Limits,
}

/// How much the history holds, and what became of the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryStats {
    /// Series that are held.
    pub series: usize,
    /// Samples that are held.
    pub samples: u64,
    /// Bytes that they take, about.
    pub bytes: usize,
    /// When the oldest of them was taken.
    pub oldest: Option<Timestamp>,
    /// When the newest of them was taken.
    pub newest: Option<Timestamp>,
    /// Samples that were left out since there was no room for their series.
    pub refused: u64,
    /// Samples that gave way before their time, to keep the bounds.
    pub gave_way: u64,
    /// Samples that were left out since they were not later than what was there.
    pub late: u64,
}

impl History {
    /// Makes a history of a registry, and starts to sample it.
    pub(crate) fn start(
        registry: &Registry,
        service: &ServiceInfo,
        store: &Arc<dyn Store>,
        journal: &Journal,
        options: HistoryOptions,
    ) -> std::io::Result<Self> {
        let head = Head::shared(&options);
        let job = options.job.clone().unwrap_or_else(|| crate::sanitise::label_value(service.name).into_owned());
        let target = Target { instance: options.instance.clone().unwrap_or_else(host_name), job };
        let sampler = Sampler::new(registry.clone(), Arc::clone(&head), target);
        let into = options.stores.clone().map(|is_ours| (journal.clone(), is_ours));
        let rounds = Rounds::start(Round { sampler, head: Arc::clone(&head), interval: options.interval, into })?;
        Ok(Self::over(head, Some(registry.clone()), Some(Arc::clone(store)), Some(rounds), &options))
    }

    /// Makes a history that samples nothing, for what is [loaded](Self::load) into it.
    pub fn empty(options: HistoryOptions) -> Self {
        Self::over(Head::shared(&options), None, None, None, &options)
    }

    fn over(
        head: Arc<RwLock<Head>>,
        registry: Option<Registry>,
        store: Option<Arc<dyn Store>>,
        rounds: Option<Rounds>,
        options: &HistoryOptions,
    ) -> Self {
        let queries = Queries::new(options.queries_at_once, options.queries_waiting, options.limits.deadline);
        let source = HistorySource { head, store, since: millis(Timestamp::now()) };
        Self { inner: Arc::new(Inner { registry, source, queries, rounds, limits: options.limits }) }
    }

    /// Returns the value of an expression at a time.
    ///
    /// It is evaluated on a thread of the history's own, so this may be awaited on any executor.
    ///
    /// # Errors
    ///
    /// When the expression is refused, a limit is met, or too many queries are waiting.
    pub async fn query(&self, expression: &str, at: impl Into<Timestamp>) -> Result<Value, HistoryError> {
        let (query, at) = (Query::parse(expression)?, millis(at.into()));
        self.evaluate(move |engine, source| engine.instant(&query, source, at)).await
    }

    /// Returns the values of an expression at times from `start` to `end`, `step` apart.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query), and when the range is none or has more than 11,000 steps.
    pub async fn query_range(
        &self,
        expression: &str,
        start: impl Into<Timestamp>,
        end: impl Into<Timestamp>,
        step: Duration,
    ) -> Result<Value, HistoryError> {
        let (query, start, end) = (Query::parse(expression)?, millis(start.into()), millis(end.into()));
        let step = i64::try_from(step.as_millis()).unwrap_or(i64::MAX);
        self.evaluate(move |engine, source| engine.range(&query, source, start, end, step)).await
    }

    /// Returns the labels of the series that any of these selectors selects and that have samples from `start` to `end`, in
    /// their order; without a selector, of all. Of what is in the store alone, the newest 20,000 samples are looked at.
    ///
    /// # Errors
    ///
    /// When a selector is refused or is none, when there are more series than a query may use, or when too many queries
    /// are waiting.
    pub async fn series(
        &self,
        selectors: &[&str],
        start: impl Into<Timestamp>,
        end: impl Into<Timestamp>,
    ) -> Result<Vec<LabelSet>, HistoryError> {
        let mut wanted = Vec::new();
        for text in selectors {
            let query = Query::parse(text)?;
            let none = || HistoryError::NoSelector { expression: (*text).to_owned() };
            wanted.push(query.selector().ok_or_else(none)?.to_vec());
        }
        if wanted.is_empty() {
            wanted.push(Vec::new());
        }
        let (start, end) = (millis(start.into()).saturating_sub(1), millis(end.into()));
        self.on_a_thread(move |limits, source| {
            let bounds = SourceBounds::new(limits.series, limits.samples, Instant::now() + limits.deadline);
            let mut found = BTreeSet::new();
            for matchers in &wanted {
                found.extend(source.label_sets(matchers, (start, end), &bounds)?);
            }
            Ok(found.into_iter().collect())
        })
        .await
    }

    /// Returns what is said about each metric above its series, by its name: its type, its meaning, its unit.
    pub(crate) fn descriptions(&self) -> BTreeMap<String, Description> {
        self.inner.registry.as_ref().map(Registry::descriptions).unwrap_or_default()
    }

    /// Returns what is left out, for the metrics of the watch.
    pub(crate) fn dropped(&self) -> impl Fn() -> Option<u64> + Send + Sync + use<> {
        let head = Arc::downgrade(&self.inner.source.head);
        move || {
            let head = head.upgrade()?;
            let tally = head.read().unwrap_or_else(PoisonError::into_inner).tally();
            Some(tally.refused + tally.gave_way)
        }
    }

    /// Returns what expressions are evaluated over, for an [`Engine`] on a thread of the caller's.
    pub fn source(&self) -> &HistorySource {
        &self.inner.source
    }

    /// Says how much is held, and what became of the rest.
    pub fn stats(&self) -> HistoryStats {
        let head = self.inner.source.head.read().unwrap_or_else(PoisonError::into_inner);
        let tally = head.tally();
        let time = |millis: i64| Timestamp::from_micros(millis.saturating_mul(1000));
        HistoryStats {
            series: head.series(),
            samples: tally.samples,
            bytes: head.bytes(),
            oldest: head.oldest().map(time),
            newest: head.newest().map(time),
            refused: tally.refused,
            gave_way: tally.gave_way,
            late: tally.late,
        }
    }

    /// Puts samples of another source in, such as those of a Prometheus that is given up. Those that are not later than
    /// what is there are left out, and what is older than the retention, counted from the newest, is soon forgotten.
    pub fn load(&self, series: impl IntoIterator<Item = Series>) {
        for series in series {
            let mut head = self.inner.source.head.write().unwrap_or_else(PoisonError::into_inner);
            let id = head.open(&series.labels);
            for (time, value) in series.points {
                match id {
                    Ok(id) => drop(head.append(id, time, value)),
                    Err(_) => head.refuse(),
                }
            }
        }
    }

    /// Ends the sampling, and marks all series as ended. What is held can still be asked for.
    pub fn close(&self, deadline: Duration) -> bool {
        self.inner.rounds.as_ref().is_none_or(|rounds| rounds.end(Instant::now() + deadline))
    }

    /// Evaluates on a thread of the history's own, in what is left of the time.
    async fn evaluate<T: Send + 'static>(
        &self,
        evaluate: impl FnOnce(&Engine, &HistorySource) -> Result<T, EvaluationError> + Send + 'static,
    ) -> Result<T, HistoryError> {
        self.on_a_thread(move |limits, source| Ok(evaluate(&Engine::new(limits), source)?)).await
    }

    async fn on_a_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(Limits, &HistorySource) -> Result<T, HistoryError> + Send + 'static,
    ) -> Result<T, HistoryError> {
        let (source, mut limits) = (self.inner.source.clone(), self.inner.limits);
        let job = move |left| {
            limits.deadline = left;
            work(limits, &source)
        };
        self.inner.queries.run(job).await
    }
}

fn millis(time: Timestamp) -> i64 {
    time.as_micros().div_euclid(1000)
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
